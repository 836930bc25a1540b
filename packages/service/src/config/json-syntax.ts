/** Where a text stops being JSON, and what should have come there. */
export interface JsonError {
  readonly offset: number;
  readonly expected: string;
}

type State = 'value' | 'first element' | 'first key' | 'key' | 'colon' | 'after' | 'end';
type Token = 'string' | 'literal' | 'end' | '{' | '}' | '[' | ']' | ',' | ':';

/** The string is written as a loop over its plain stretches, so that a bad one fails in linear time. */
const TOKEN =
  // oxlint-disable-next-line no-control-regex -- JSON forbids exactly these in strings.
  /[ \t\r\n]*(?:(?<mark>[[\]{},:])|(?<string>"[^"\\\u0000-\u001f]*(?:\\(?:["\\/bfnrt]|u[\dA-Fa-f]{4})[^"\\\u0000-\u001f]*)*")|(?<literal>(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.+-]))|(?<end>$))/y;

const WHITESPACE = /[ \t\r\n]*/y;

/**
 * The first place at which `text` is not JSON (RFC 8259); undefined when all of it is. `JSON.parse`
 * refuses the same texts, but often without saying where. O(text), whatever the depth.
 */
export function findJsonError(text: string): JsonError | undefined {
  const open: ('{' | '[')[] = [];
  let state: State = 'value';
  TOKEN.lastIndex = 0;
  for (;;) {
    const start = TOKEN.lastIndex;
    const token = tokenOf(TOKEN.exec(text));
    const next: State | undefined = token && step(state, token, open);
    if (next === undefined)
      return { offset: afterSpace(text, start), expected: expect(state, open) };
    if (token === 'end') return undefined;
    state = next;
  }
}

/** The state after the token; undefined when it cannot come here. */
function step(state: State, token: Token, open: ('{' | '[')[]): State | undefined {
  switch (state) {
    case 'value':
      return value(token, open);
    case 'first element':
      return token === ']' ? close(open) : value(token, open);
    case 'first key':
      if (token === '}') return close(open);
      return token === 'string' ? 'colon' : undefined;
    case 'key':
      return token === 'string' ? 'colon' : undefined;
    case 'colon':
      return token === ':' ? 'value' : undefined;
    case 'after':
      return after(token, open);
    case 'end':
      return undefined;
  }
}

function value(token: Token, open: ('{' | '[')[]): State | undefined {
  if (token === 'string' || token === 'literal') return 'after';
  if (token !== '{' && token !== '[') return undefined;
  open.push(token);
  return token === '{' ? 'first key' : 'first element';
}

function after(token: Token, open: ('{' | '[')[]): State | undefined {
  const inside = open.at(-1);
  if (inside === undefined) return token === 'end' ? 'end' : undefined;
  if (token === ',') return inside === '{' ? 'key' : 'value';
  return token === (inside === '{' ? '}' : ']') ? close(open) : undefined;
}

function close(open: ('{' | '[')[]): State {
  open.pop();
  return 'after';
}

function expect(state: State, open: readonly ('{' | '[')[]): string {
  const inside = open.at(-1);
  if (state === 'value') return 'a JSON value';
  if (state === 'first element') return 'a JSON value or "]"';
  if (state === 'first key') return 'a key in double quotes or "}"';
  if (state === 'key') return 'a key in double quotes';
  if (state === 'colon') return '":"';
  if (inside === undefined) return 'the end of the JSON document';
  return inside === '{' ? '"," or "}"' : '"," or "]"';
}

function tokenOf(match: RegExpExecArray | null): Token | undefined {
  const groups = match?.groups;
  if (groups === undefined) return undefined;
  if (groups['string'] !== undefined) return 'string';
  if (groups['literal'] !== undefined) return 'literal';
  return groups['end'] === undefined ? (groups['mark'] as Token) : 'end';
}

function afterSpace(text: string, offset: number): number {
  WHITESPACE.lastIndex = offset;
  WHITESPACE.exec(text);
  return WHITESPACE.lastIndex;
}

import { isScalar, Schema, type ScalarTag } from 'yaml';

/** The environment variables, as in `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** A text after its variables were put in. */
export interface Substituted {
  readonly text: string;
  /** Whether anything came from a variable or its default. */
  readonly replaced: boolean;
  /** Whether all of it came from one single variable or its default. */
  readonly whole: boolean;
  /** Each only once. */
  readonly failures: readonly SubstitutionFailure[];
}

/** Why a `${…}` could not be replaced. */
export type SubstitutionFailure =
  | { readonly kind: 'missing'; readonly name: string }
  | { readonly kind: 'malformed'; readonly name?: never };

const VARIABLE = /^(?<name>[A-Za-z_]\w*)(?::-(?<otherwise>[^{}]*))?$/;

/**
 * Replaces `${NAME}` and `${NAME:-default}` by environment variables; the default also stands for an
 * empty one, as in a shell. `$${` is a `${` that stays. What a variable holds is not looked into again.
 * O(text).
 */
export function substitute(text: string, env: Environment): Substituted {
  const failures = new Map<string, SubstitutionFailure>();
  let result = '';
  let from = 0;
  let replaced = 0;
  for (let at = text.indexOf('${'); at >= 0; at = text.indexOf('${', from)) {
    if (at > from && text[at - 1] === '$') {
      result += text.slice(from, at - 1) + '${';
      from = at + 2;
      continue;
    }
    const end = text.indexOf('}', at);
    const value = end < 0 ? { kind: 'malformed' as const } : look(text.slice(at + 2, end), env);
    if (typeof value !== 'string') failures.set(value.name ?? '', value);
    result += text.slice(from, at) + (typeof value === 'string' ? value : '');
    from = end < 0 ? text.length : end + 1;
    replaced++;
  }
  const whole = replaced === 1 && text.startsWith('${') && text.indexOf('}') === text.length - 1;
  const all = [...failures.values()];
  return { text: result + text.slice(from), replaced: replaced > 0, whole, failures: all };
}

/** The value of what stands between the braces. */
function look(inside: string, env: Environment): string | SubstitutionFailure {
  const { name, otherwise } = VARIABLE.exec(inside)?.groups ?? {};
  if (name === undefined) return { kind: 'malformed' };
  const value = Object.hasOwn(env, name) ? env[name] : undefined;
  if (otherwise !== undefined) return value === undefined || value === '' ? otherwise : value;
  return value ?? { kind: 'missing', name };
}

const coreTags = new Schema({ schema: 'core' }).tags.filter(
  (tag): tag is ScalarTag => tag.collection === undefined && tag.default === true,
);

/** The text as YAML reads it where it stands alone and unquoted: `8080` is a number, `true` a boolean. */
export function readScalar(text: string): unknown {
  const tag = coreTags.find(({ test }) => test?.test(text));
  if (tag === undefined) return text;
  const value = tag.resolve(text, () => {}, {});
  return isScalar(value) ? value.value : value;
}

/** What means something to YAML in `${NAME:-default}`, and what stands for it: never used in texts. */
const SPECIAL = '{}[],:#';
const FIRST_STAND_IN = 0xfdd0;

/**
 * The YAML text with the punctuation inside `${…}` replaced, character for character, so that
 * `{ port: ${PORT:-8080} }` is one mapping with one entry and all offsets stay. {@link unshield}
 * undoes it in each text that was read. Quoted texts need none of it, and a quote ends the search.
 */
export function shield(text: string): string {
  return text.replaceAll(/\$\{[^{}"'\n]*\}/g, (variable) =>
    variable.replaceAll(/[{}[\],:#]/g, (mark) =>
      String.fromCharCode(FIRST_STAND_IN + SPECIAL.indexOf(mark)),
    ),
  );
}

export function unshield(text: string): string {
  return text.replaceAll(/[\ufdd0-\ufdd6]/g, (standIn) =>
    SPECIAL.charAt(standIn.charCodeAt(0) - FIRST_STAND_IN),
  );
}

/** Where the text holds a character that {@link shield} uses, as itself or escaped; -1 if nowhere. */
export function findStandIn(text: string): number {
  return text.search(/[\ufdd0-\ufdd6]|\\u(?:0000)?fdd[0-6]/i);
}

import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { findJsonError } from './json-syntax.ts';

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

test('it takes the texts that JSON.parse takes, and no others', () => {
  const pieces = String.raw`{ } [ ] , : " "a" "\n" "\x" "\u00e9" \ 0 1 - 01 -1.5e+3 1. .5 true false null nul NaN // '`;
  const piece = fc.constantFrom(...pieces.split(' '), ' ', '\n', '\t', '\u00a0', '\u0001');
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (parts) => {
      const text = parts.join('');
      expect(findJsonError(text) === undefined).toBe(isJson(text));
    }),
    { numRuns: 1500 },
  );
});

test('it takes all JSON, and refuses it once a character is added or lost, when JSON.parse does', () => {
  const change = fc.record({
    at: fc.nat(200),
    lose: fc.nat(2),
    add: fc.constantFrom('', ',', '"', '}', 'x', '\\'),
  });
  fc.assert(
    fc.property(
      fc.jsonValue(),
      fc.constantFrom(0, 2, '\t'),
      change,
      (value, space, { at, lose, add }) => {
        const text = JSON.stringify(value, null, space);
        expect(findJsonError(text)).toBeUndefined();
        const changed = text.slice(0, at) + add + text.slice(at + lose);
        expect(findJsonError(changed) === undefined).toBe(isJson(changed));
      },
    ),
    { numRuns: 500 },
  );
});

test('it says where the text stops being JSON and what should have come', () => {
  const cases: [string, number, string][] = [
    ['', 0, 'a JSON value'],
    ['  ', 2, 'a JSON value'],
    ['{"a": 1,}', 8, 'a key in double quotes'],
    ['{a: 1}', 1, 'a key in double quotes or "}"'],
    ["{'a': 1}", 1, 'a key in double quotes or "}"'],
    ['{"a" 1}', 5, '":"'],
    ['{"a": }', 6, 'a JSON value'],
    ['{"a": 1 "b": 2}', 8, '"," or "}"'],
    ['[1 2]', 3, '"," or "]"'],
    ['[1,]', 3, 'a JSON value'],
    ['[}', 1, 'a JSON value or "]"'],
    ['[1', 2, '"," or "]"'],
    ['1 1', 2, 'the end of the JSON document'],
    ['{} // done', 3, 'the end of the JSON document'],
    ['{\n  "port": 08\n}', 12, 'a JSON value'],
    ['"a', 0, 'a JSON value'],
  ];
  for (const [text, offset, expected] of cases) {
    expect(findJsonError(text), `for ${text}`).toEqual({ offset, expected });
  }
});

test('neither depth nor a text without end makes it slow', () => {
  expect(findJsonError('['.repeat(500_000))).toMatchObject({ offset: 500_000 });
  expect(findJsonError(`"${'\\n'.repeat(500_000)}`)).toMatchObject({ offset: 0 });
  expect(findJsonError(`"${'a'.repeat(1_000_000)}"`)).toBeUndefined();
});

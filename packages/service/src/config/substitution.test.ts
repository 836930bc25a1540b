import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { findStandIn, readScalar, shield, substitute, unshield } from './substitution.ts';

const env = { PORT: '9000', EMPTY: '', NAME: 'a b', NESTED: '${PORT}' };

test('variables and their defaults are put in', () => {
  const cases: [string, string][] = [
    ['${PORT}', '9000'],
    ['http://h:${PORT}/x', 'http://h:9000/x'],
    ['${PORT}${PORT}', '90009000'],
    ['${MISSING:-8080}', '8080'],
    ['${MISSING:-}', ''],
    ['${MISSING:-a:-b, c}', 'a:-b, c'],
    ['${EMPTY:-8080}', '8080'],
    ['${EMPTY}', ''],
    ['$${PORT}', '${PORT}'],
    ['$$${PORT}', '$${PORT}'],
    ['a$${b}${PORT}', 'a${b}9000'],
    ['$PORT costs 5$', '$PORT costs 5$'],
    ['${NESTED}', '${PORT}'],
  ];
  for (const [text, expected] of cases) {
    expect(substitute(text, env), `for ${text}`).toMatchObject({ text: expected, failures: [] });
  }
});

test('a variable that is not set is missed once, however often it is named', () => {
  expect(substitute('${A} ${A} ${B} ${PORT}', env).failures).toEqual([
    { kind: 'missing', name: 'A' },
    { kind: 'missing', name: 'B' },
  ]);
});

test('what an object inherits is no variable', () => {
  expect(substitute('${toString}', {}).failures).toEqual([{ kind: 'missing', name: 'toString' }]);
});

test('anything else in the braces is malformed', () => {
  for (const text of [
    '${',
    '${}',
    '${1A}',
    '${A-b}',
    '${A:?b}',
    '${ A }',
    '${A:-${B}}',
    '${A:-{}',
    '${A',
  ]) {
    expect(substitute(text, { A: 'a', B: 'b' }).failures, `for ${text}`).toEqual([
      { kind: 'malformed' },
    ]);
  }
});

test('a text is whole when all of it is one variable', () => {
  const whole = (text: string): boolean => substitute(text, env).whole;
  expect(whole('${PORT}')).toBe(true);
  expect(whole('${X:-1}')).toBe(true);
  expect(whole('${PORT}0')).toBe(false);
  expect(whole(' ${PORT}')).toBe(false);
  expect(whole('${PORT}${PORT}')).toBe(false);
  expect(whole('$${PORT}')).toBe(false);
});

test('a text without variables stays as it is', () => {
  const text = fc.string().filter((value) => !value.includes('${'));
  fc.assert(
    fc.property(text, (value) => {
      expect(substitute(value, env)).toEqual({
        text: value,
        replaced: false,
        whole: false,
        failures: [],
      });
    }),
  );
});

test('what a variable holds stands in the text as it is', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), fc.string(), (value, rest) => {
      const tail = rest.replaceAll('$', '');
      expect(substitute(`\${A}${tail}`, { A: value }).text).toBe(value + tail);
    }),
  );
});

test('a megabyte of openings is read at once', () => {
  expect(substitute('${'.repeat(500_000), {}).failures).toEqual([{ kind: 'malformed' }]);
  expect(shield('${'.repeat(500_000))).toBe('${'.repeat(500_000));
});

test('a text alone is read as YAML reads an unquoted one', () => {
  const cases: [string, unknown][] = [
    ['8080', 8080],
    ['0x1F', 31],
    ['-1.5e3', -1500],
    ['true', true],
    ['null', null],
    ['', null],
    ['yes', 'yes'],
    ['a: b', 'a: b'],
    ['[1, 2]', '[1, 2]'],
    ['{}', '{}'],
    ['# no comment', '# no comment'],
    ['"8080"', '"8080"'],
    [' 8080', ' 8080'],
  ];
  for (const [text, value] of cases) expect(readScalar(text), `for ${text}`).toEqual(value);
});

test('shielding keeps every offset and can be undone', () => {
  const text = fc.string({
    unit: fc.constantFrom('$', '{', '}', ',', ':', '-', '#', 'A', ' ', '\n'),
    maxLength: 60,
  });
  fc.assert(
    fc.property(text, (value) => {
      expect(shield(value)).toHaveLength(value.length);
      expect(unshield(shield(value))).toBe(value);
    }),
  );
});

test('what only looks like a variable across quotes is not shielded', () => {
  expect(shield('{ a: "$${x", b: "y}" }')).toBe('{ a: "$${x", b: "y}" }');
});

test('the characters that shield are found, also escaped', () => {
  expect(findStandIn('a\ufdd3')).toBe(1);
  expect(findStandIn(String.raw`"\uFDD0"`)).toBe(1);
  expect(findStandIn(String.raw`"\U0000fdd6"`)).toBe(1);
  expect(findStandIn('port: ${PORT:-8080}')).toBe(-1);
});

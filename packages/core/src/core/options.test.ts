import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { InvalidOptionsError } from './errors.ts';
import {
  above,
  aDuration,
  aFunction,
  atLeast,
  findProblems,
  integer,
  label,
  objectWith,
  optional,
  orUndefined,
  ratio,
  required,
  resolveOptions,
  shown,
  type CrossCheck,
  type OptionRules,
  type Rule,
} from './options.ts';

interface Inner {
  readonly width: number;
  readonly height: number;
}

interface Outer {
  readonly size: number;
  readonly limit: number;
  readonly label: string;
  readonly inner: Inner;
  readonly extra: number | undefined;
}

const innerRules: OptionRules<Inner> = {
  width: required(integer(1)),
  height: optional(integer(1), ({ width }) => 2 * width),
};

const innerRule: Rule<Inner> = {
  expected: '{ width, height }',
  accepts: (v): v is Inner => findProblems(v, innerRules).length === 0,
  inside: (v) => (typeof v === 'object' && v !== null ? findProblems(v, innerRules) : []),
  resolve: (v) => resolveOptions('inner', v, innerRules),
};

const rules: OptionRules<Outer> = {
  size: required(integer(1, 100)),
  limit: optional(above(0), ({ size }) => size * 10),
  label: optional(label, ({ size, limit }) => `${size} of ${limit}`),
  inner: optional(innerRule, () => ({ width: 1, height: 1 })),
  extra: optional(orUndefined(integer(1)), () => undefined),
};

const fits: CrossCheck<Outer> = ({ size, limit }) =>
  limit < size
    ? { option: 'limit', expected: `at least size (${size})`, got: `${limit}` }
    : undefined;

const resolve = (given: unknown): Readonly<Outer> => resolveOptions('Box', given, rules, [fits]);

function messageFor(given: unknown): string {
  try {
    resolve(given);
  } catch (error) {
    if (error instanceof InvalidOptionsError) return error.message;
    throw error;
  }
  return 'no problem';
}

test('options come out frozen with every default filled in', () => {
  const resolved = resolve({ size: 5 });
  expect(resolved).toStrictEqual({
    size: 5,
    limit: 50,
    label: '5 of 50',
    inner: { width: 1, height: 1 },
    extra: undefined,
  });
  expect(Object.isFrozen(resolved)).toBe(true);
});

test('a default is computed from the options given, and from the defaults before it', () => {
  expect(resolve({ size: 5, limit: 7 }).label).toBe('5 of 7');
  expect(resolve({ size: 5 }).label).toBe('5 of 50');
});

test('the object given is left as it is, and a later change of it changes nothing', () => {
  const given = { size: 5, inner: { width: 3 } };
  const copy = structuredClone(given);
  const resolved = resolve(given);
  expect(given).toStrictEqual(copy);
  given.size = 99;
  given.inner.width = 99;
  expect(resolved).toMatchObject({ size: 5, inner: { width: 3, height: 6 } });
});

test('nested options are resolved and frozen like the outer ones', () => {
  const { inner } = resolve({ size: 5, inner: { width: 3 } });
  expect(inner).toStrictEqual({ width: 3, height: 6 });
  expect(Object.isFrozen(inner)).toBe(true);
});

test('an option that is undefined counts as not given', () => {
  expect(resolve({ size: 5, limit: undefined, label: undefined }).label).toBe('5 of 50');
  expect(Object.keys(resolve({ size: 5, nonsense: undefined }))).toEqual(Object.keys(rules));
  expect(messageFor({ size: undefined })).toBe(
    'Box: size must be an integer from 1 to 100, got undefined',
  );
});

test('an option that is only inherited counts as not given', () => {
  expect(resolve(Object.assign(Object.create({ limit: 7 }), { size: 5 })).limit).toBe(50);
  expect(messageFor(Object.create({ size: 5 }))).toBe(
    'Box: size must be an integer from 1 to 100, got undefined',
  );
});

test('null is a value like any other, and a wrong one', () => {
  expect(messageFor({ size: 5, limit: null })).toBe(
    'Box: limit must be a finite number above 0, got null',
  );
});

test('all problems are named at once, each with what was expected and what was given', () => {
  expect(messageFor({ limit: -1, label: '', inner: { width: 0, depth: 4 }, sise: 3 })).toBe(
    [
      'Box: size must be an integer from 1 to 100, got undefined',
      'limit must be a finite number above 0, got -1',
      'label must be text of 1 to 200 characters, got ""',
      'inner.width must be an integer of at least 1, got 0',
      'inner.depth must be left out: there is no such option, only width, height, got 4',
      'sise must be left out: there is no such option, only size, limit, label, inner, extra, got 3',
    ].join('; '),
  );
});

test('a nested value that is no object at all is one problem of the outer option', () => {
  expect(messageFor({ size: 5, inner: 7 })).toBe('Box: inner must be { width, height }, got 7');
});

test('options that do not go together are named once each is right by itself', () => {
  expect(messageFor({ size: 5, limit: 4 })).toBe('Box: limit must be at least size (5), got 4');
  expect(messageFor({ size: 5, limit: -4 })).not.toContain('at least size');
});

test('what is no object is refused as options', () => {
  const wrong = [undefined, null, 5, 'size', [5], true, () => 5];
  expect(wrong.map(messageFor)).toEqual([
    'Box: options must be an object, got undefined',
    'Box: options must be an object, got null',
    'Box: options must be an object, got 5',
    'Box: options must be an object, got "size"',
    'Box: options must be an object, got an array of 1',
    'Box: options must be an object, got true',
    'Box: options must be an object, got a function',
  ]);
});

test('an unknown option is found even when its name is one that every object has', () => {
  for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf']) {
    const given: unknown = JSON.parse(`{ "size": 5, "${name}": { "limit": 7 } }`);
    expect(messageFor(given)).toBe(
      `Box: ${name} must be left out: there is no such option, only size, limit, label, inner, extra, got an object with limit`,
    );
  }
});

test('for any object, either every option is right, or every wrong one is named', () => {
  const value = fc.oneof(
    fc.integer(),
    fc.double(),
    fc.string(),
    fc.constant(undefined),
    fc.object(),
  );
  const names = fc.constantFrom('size', 'limit', 'label', 'extra', 'sise', 'constructor', 'x');
  fc.assert(
    fc.property(fc.dictionary(names, value), (given) => {
      const before = structuredClone(Object.entries(given));
      const known = Object.keys(rules) as (keyof Outer)[];
      const wrong = known.filter((name) => {
        const own = Object.hasOwn(given, name) ? given[name] : undefined;
        return own === undefined ? name === 'size' : !rules[name].rule.accepts(own);
      });
      const unknown = Object.keys(given).filter(
        (name) => !Object.hasOwn(rules, name) && given[name] !== undefined,
      );
      const named = findProblems(given, rules).map(({ option }) => option);
      expect(named.toSorted()).toEqual([...wrong, ...unknown].toSorted());
      expect(Object.entries(given)).toEqual(before);
    }),
  );
});

test.each([
  { name: 'above(0)', rule: above(0), right: [5e-324, 1, 1e308], wrong: [0, -0, -1, Infinity] },
  { name: 'atLeast(1)', rule: atLeast(1), right: [1, 1.5], wrong: [0.999, -1, Infinity] },
  {
    name: 'integer(1)',
    rule: integer(1),
    right: [1, 2 ** 53 - 1],
    wrong: [0, 1.5, 2 ** 53, -1, Infinity],
  },
  { name: 'integer(1, 3)', rule: integer(1, 3), right: [1, 3], wrong: [0, 4, 2.5] },
  { name: 'ratio', rule: ratio, right: [5e-324, 0.5, 1], wrong: [0, -0.1, 1.0000001, Infinity] },
  { name: 'aDuration', rule: aDuration, right: [0, 0.1, Infinity], wrong: [-1, -Infinity] },
])('the rule $name draws its bounds where it says', ({ rule, right, wrong }) => {
  const never = [Number.NaN, '1', null, undefined, true, {}, 1n];
  expect(right.filter((value) => !rule.accepts(value))).toEqual([]);
  expect([...wrong, ...never].filter((value) => rule.accepts(value))).toEqual([]);
});

test('the rules for text, flags, functions and objects take their kind and nothing else', () => {
  const clock = objectWith<object>('a Clock', 'nowMs', 'schedule');
  expect(clock.expected).toBe('a Clock (an object with nowMs, schedule)');
  expect(clock.accepts({ nowMs: () => 0, schedule: () => 0, more: 1 })).toBe(true);
  expect([{ nowMs: () => 0 }, { nowMs: 0, schedule: 0 }, null, 5].some(clock.accepts)).toBe(false);
  expect(aFunction('a function').accepts(() => 0)).toBe(true);
  expect(aFunction('a function').accepts({})).toBe(false);
  expect(['a', 'x'.repeat(200)].every(label.accepts)).toBe(true);
  expect(['', 'x'.repeat(201), 5].some(label.accepts)).toBe(false);
  expect(orUndefined(ratio).accepts(undefined)).toBe(true);
  expect(orUndefined(ratio).accepts(null)).toBe(false);
});

test('a value is shown as text that says what it is, in at most 60 characters', () => {
  const texts: [unknown, string][] = [
    ['x', '"x"'],
    [-0, '-0'],
    [Number.NaN, 'NaN'],
    [12n, '12n'],
    [Symbol('s'), 'Symbol(s)'],
    [null, 'null'],
    [undefined, 'undefined'],
    [[1, 2], 'an array of 2'],
    [{}, 'an object with no keys'],
    [{ a: 1, b: 2 }, 'an object with a, b'],
    [Object.create(null), 'an object with no keys'],
    [function named() {}, 'a function named'],
    ['x'.repeat(100), `"${'x'.repeat(56)}...`],
  ];
  for (const [value, text] of texts) expect(shown(value)).toBe(text);
  expect(shown('x'.repeat(100))).toHaveLength(60);
});

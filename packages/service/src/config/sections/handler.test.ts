import { expect, test } from 'vitest';

import { handlerInCode, handlerText, optionsSchema, parseHandler } from './handler.ts';

test('a handler in a file is an export of a module beside it, default if none is named', () => {
  expect(parseHandler('./orders.ts#create')).toEqual({
    kind: 'module',
    file: './orders.ts',
    exportName: 'create',
  });
  expect(parseHandler('../a/b.mjs')).toEqual({
    kind: 'module',
    file: '../a/b.mjs',
    exportName: 'default',
  });
  expect(parseHandler('/app/a.js#größe')).toEqual({
    kind: 'module',
    file: '/app/a.js',
    exportName: 'größe',
  });
});

test('a built-in handler goes by its name', () => {
  expect(parseHandler('builtin:digest')).toEqual({ kind: 'builtin', name: 'digest' });
  expect(parseHandler('builtin:simulated-work')).toEqual({
    kind: 'builtin',
    name: 'simulated-work',
  });
});

test('anything else is no handler', () => {
  for (const text of [
    '',
    'orders.ts',
    'builtin:',
    'builtin:toString',
    'BUILTIN:digest',
    './',
    './a/',
    './a#',
    './a#b#c',
    './a#1b',
    './a#b c',
    'file:///a.ts',
    '.../a',
    './a\0b',
  ]) {
    expect(parseHandler(text), `for ${text}`).toBeUndefined();
    expect(handlerText.safeParse(text).success, `for ${text}`).toBe(false);
  }
});

test('a function is a handler in code, and in code alone', () => {
  const handler = (): void => {};
  expect(handlerInCode.parse(handler)).toBe(handler);
  expect(handlerInCode.parse('builtin:digest')).toBe('builtin:digest');
  expect(handlerText.safeParse(handler).success).toBe(false);
  expect(handlerInCode.safeParse(5).success).toBe(false);
});

test('simulated work takes 100 ms unless it is told otherwise', () => {
  expect(optionsSchema('builtin:simulated-work')?.parse({})).toEqual({ durationMs: 100 });
  expect(optionsSchema('builtin:simulated-work')?.parse({ durationMs: 0 })).toEqual({
    durationMs: 0,
  });
  expect(optionsSchema('builtin:simulated-work')?.safeParse({ durationMs: -1 }).success).toBe(
    false,
  );
  expect(optionsSchema('builtin:digest')?.safeParse({ x: 1 }).success).toBe(false);
});

test('only a module knows the options of its handlers', () => {
  expect(optionsSchema('./orders.ts')).toBeUndefined();
  expect(optionsSchema(() => 0)).toBeUndefined();
});

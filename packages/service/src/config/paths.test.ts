import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { childPath, formatPath, parentPath, valueAt } from './paths.ts';

test('a path reads as people write it', () => {
  expect(formatPath([])).toBe('');
  expect(formatPath(['server', 'port'])).toBe('server.port');
  expect(formatPath(['routes', 1, 'limiter'])).toBe('routes[1].limiter');
  expect(formatPath(['pools', 'my-pool', 'size'])).toBe('pools.my-pool.size');
  expect(formatPath(['limiters', 'bad name', 'x'])).toBe('limiters["bad name"].x');
  expect(formatPath(['limiters', 'a"]b'])).toBe('limiters["a\\"]b"]');
  expect(formatPath([0, ''])).toBe('[0][""]');
});

test('the parent of a child is where it came from, whatever the key', () => {
  const step = fc.oneof(fc.nat(20), fc.string({ maxLength: 10 }), fc.constantFrom('a', '"]', '\\'));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 5 }), step, (steps, last) => {
      const parent = formatPath(steps);
      expect(parentPath(childPath(parent, last))).toBe(parent);
    }),
  );
  expect(parentPath('')).toBeUndefined();
});

test('a path leads to own values only', () => {
  const root = { routes: [{ path: '/x' }] };
  expect(valueAt(root, ['routes', 0, 'path'])).toBe('/x');
  expect(valueAt(root, ['routes', 1, 'path'])).toBeUndefined();
  expect(valueAt(root, ['toString', 'name'])).toBeUndefined();
  expect(valueAt(root, [])).toBe(root);
});

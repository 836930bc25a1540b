import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { LineIndex, SourceMap } from './positions.ts';

test('an offset is found on the line and column that an editor shows', () => {
  const text = fc.string({ unit: fc.constantFrom('a', '\n', '\r\n', 'é', '😀'), maxLength: 40 });
  fc.assert(
    fc.property(text, fc.nat(80), (content, at) => {
      const offset = Math.min(at, content.length);
      const before = content.slice(0, offset).split('\n');
      const expected = { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
      expect(new LineIndex(content).at(offset)).toEqual(expected);
    }),
  );
});

test('what was not written is found at what is around it', () => {
  const places = new SourceMap();
  places.setValue('', { line: 1, column: 1 });
  places.setKey('routes', { line: 2, column: 1 });
  places.setValue('routes', { line: 3, column: 3 });
  places.setKey('routes[0].path', { line: 3, column: 5 });
  expect(places.find('routes[0].limiter')).toEqual({ line: 3, column: 3 });
  expect(places.find('routes', 'key')).toEqual({ line: 2, column: 1 });
  expect(places.find('routes[0].path')).toEqual({ line: 3, column: 5 });
  expect(places.find('pools.io')).toEqual({ line: 1, column: 1 });
  expect(new SourceMap().find('pools.io')).toEqual({ line: 1, column: 1 });
});

test('what is said first of a path stays', () => {
  const places = new SourceMap();
  places.setValue('a', { line: 1, column: 1 });
  places.setValue('a', { line: 2, column: 2 });
  places.setWritten('a', '${A}');
  places.setWritten('a', '${B}');
  expect(places.find('a')).toEqual({ line: 1, column: 1 });
  expect(places.written('a')).toBe('${A}');
  expect(places.written('b')).toBeUndefined();
});

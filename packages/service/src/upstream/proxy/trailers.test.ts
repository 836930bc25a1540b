import { expect, test } from 'vitest';

import { trailersOf } from './trailers.ts';

test('trailers come flat, as bytes or text, or by name', () => {
  const expected = [
    ['X-Sum', '1'],
    ['x-sum', 'é'],
  ];
  expect(trailersOf(['X-Sum', '1', 'x-sum', 'é'])).toEqual(expected);
  const bytes = ['X-Sum', '1', 'x-sum', 'é'].map((text) => Buffer.from(text, 'latin1'));
  expect(trailersOf(bytes)).toEqual(expected);
  expect(trailersOf({ 'x-sum': ['1', '2'] as never })).toEqual([
    ['x-sum', '1'],
    ['x-sum', '2'],
  ]);
  expect([trailersOf(null), trailersOf(undefined), trailersOf([])]).toEqual([[], [], []]);
});

test('a trailer that would change what came before it, or is not valid, is left out', () => {
  const came = ['Content-Length', '5', 'Transfer-Encoding', 'chunked', 'Set-Cookie', 'a=1'];
  expect(trailersOf([...came, 'x y', '1', 'x-y', 'a\r\nb', 'x-ok', '1'])).toEqual([['x-ok', '1']]);
});

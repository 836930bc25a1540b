import { expect, test } from 'vitest';
import { parseCoreList } from './cores.ts';

test.each([
  ['0', [0]],
  ['0-2', [0, 1, 2]],
  ['1,4-5', [1, 4, 5]],
  ['', []],
])('the core list %j names the cores %j', (list, cores) => {
  expect(parseCoreList(list)).toEqual(cores);
});

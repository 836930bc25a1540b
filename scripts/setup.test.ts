import { expect, test } from 'vitest';
import type { Need } from './needs.ts';
import { needs } from './needs.ts';
import { unmet } from './setup.ts';

function need(problems: (string | undefined)[], apt?: readonly string[]): Need {
  const find = async (): Promise<void> => {
    const problem = problems.shift();
    if (problem !== undefined) throw new Error(problem);
  };
  return { name: 'a river', hint: 'Dig one.', find, ...(apt === undefined ? {} : { apt }) };
}

test('what the tests need is there', async () => {
  expect(await unmet(needs, () => Promise.resolve(false))).toEqual([]);
});

test('a missing need is told with what is wrong and what to do', async () => {
  const lines = await unmet([need(['there is none'])], () => Promise.resolve(true));
  expect(lines).toEqual(['The tests need a river: there is none. Dig one.']);
});

test('a missing need with packages is installed and looked for again', async () => {
  const installed: string[] = [];
  const install = async (packages: readonly string[]): Promise<boolean> => {
    installed.push(...packages);
    return true;
  };
  expect(await unmet([need(['dry', undefined], ['river-server'])], install)).toEqual([]);
  expect(installed).toEqual(['river-server']);
});

test('a need that was installed and still fails stays unmet', async () => {
  const lines = await unmet([need(['dry', 'still dry'], ['river'])], () => Promise.resolve(true));
  expect(lines).toEqual(['The tests need a river: still dry. Dig one.']);
});

test('nothing is installed for a need that is met', async () => {
  const install = (): Promise<boolean> => Promise.reject(new Error('not called'));
  expect(await unmet([need([undefined], ['river'])], install)).toEqual([]);
});

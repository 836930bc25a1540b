import { expect, test } from 'vitest';
import { contest, rotated, SMOKE } from './contest.ts';
import { BenchError, type Contender } from './subject.ts';
import { allocators, contender, loners, subjectOf, wrongdoers } from './testing/subjects.ts';

test('a contender that computes something else than the subject asks for fails the bench', async () => {
  const subject = subjectOf('sums', [contender('right'), contender('one short', (n) => n - 1)]);
  await expect(contest(subject, SMOKE)).rejects.toThrow(
    /sums: one short returned \d+ for \d+ operations, expected \d+/,
  );
});

test('what goes wrong in a process of its own is reported here', async () => {
  const size = { ...SMOKE, isolation: 'process' } as const;
  await expect(contest(wrongdoers, size)).rejects.toThrow(/wrongdoers: wrong returned -1/);
});

test('rounds are interleaved, and each begins with another contender', async () => {
  const order: string[] = [];
  const noting = (name: string): Contender => ({
    name,
    kind: 'peer',
    setup: () => ({
      run: (iterations) => {
        if (order.at(-1) !== name) order.push(name);
        return iterations;
      },
    }),
  });
  await contest(subjectOf('order', ['A', 'B', 'C'].map(noting)), { ...SMOKE, rounds: 3 });
  expect(order.join('')).toBe('ABCBCACAB');
});

test('every contender has one sample per round and is taken down in the end', async () => {
  let down = 0;
  const setup = () => ({ run: (iterations: number) => iterations, teardown: () => void down++ });
  const subject = subjectOf('counted', [{ name: 'A', kind: 'peer', setup }]);
  const { rows } = await contest(subject, { ...SMOKE, rounds: 4 });
  expect(rows.map(({ name }) => name)).toEqual(['A']);
  expect(down).toBe(1);
});

test('with isolation, no contender shares a process with another or with its own last round', async () => {
  const { rows } = await contest(loners, { ...SMOKE, rounds: 2, isolation: 'process' });
  expect(rows).toHaveLength(2);
});

test('without isolation, contenders share the process', async () => {
  await expect(contest(loners, SMOKE)).rejects.toThrow(BenchError);
});

test('bytes per operation are 0 where nothing is allocated, and the size of what is', async () => {
  const { rows } = await contest(allocators, { ...SMOKE, warmUpMs: 50, memory: true });
  const [nothing, hundred] = rows;
  expect(nothing?.bytes).toBeLessThan(0.1);
  expect(hundred?.bytes).toBeGreaterThan(400);
  expect(hundred?.bytes).toBeLessThan(2000);
});

test('rotation keeps the order and moves the start', () => {
  expect([0, 1, 2, 3].map((round) => rotated(['A', 'B', 'C'], round).join(''))).toEqual([
    'ABC',
    'BCA',
    'CAB',
    'ABC',
  ]);
});

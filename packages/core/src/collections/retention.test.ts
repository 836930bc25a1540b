import { setImmediate as nextTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { beforeAll, expect, test } from 'vitest';
import { BoundedDeque } from './bounded-deque.ts';
import { IntrusiveHeap } from './intrusive-heap.ts';
import { LinkedList } from './linked-list.ts';
import { LogLinearHistogram } from './log-linear-histogram.ts';
import { Ring } from './ring.ts';

/** An item that fits every structure. */
class Item {
  heapIndex = -1;
  prev: Item | undefined = undefined;
  next: Item | undefined = undefined;
  list: LinkedList<Item> | undefined = undefined;
}

let collectGarbage: () => void;

beforeAll(() => {
  setFlagsFromString('--expose-gc');
  collectGarbage = runInNewContext('gc') as () => void;
});

async function heapUsed(): Promise<number> {
  await nextTurn();
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

interface Structure {
  readonly name: string;
  /** Puts ten items in and takes out the first five of them. */
  readonly use: (items: Item[]) => Iterable<unknown> | IntrusiveHeap<Item>;
}

const structures: Structure[] = [
  {
    name: 'a ring that overwrote them',
    use: (items) => {
      const ring = new Ring<Item>(5);
      for (const item of items) ring.push(item);
      return ring;
    },
  },
  {
    name: 'a bounded deque that gave them from its front',
    use: (items) => {
      const deque = new BoundedDeque<Item>(10);
      for (const item of items) deque.pushBack(item);
      for (let taken = 0; taken < 5; taken++) deque.popFront();
      return deque;
    },
  },
  {
    name: 'a bounded deque that gave them from its back',
    use: (items) => {
      const deque = new BoundedDeque<Item>(10);
      for (const item of items) deque.pushFront(item);
      for (let taken = 0; taken < 5; taken++) deque.popBack();
      return deque;
    },
  },
  {
    name: 'a linked list',
    use: (items) => {
      const list = new LinkedList<Item>();
      for (const item of items) list.append(item);
      for (const item of items.slice(0, 5)) list.remove(item);
      return list;
    },
  },
  {
    name: 'a heap',
    use: (items) => {
      const heap = new IntrusiveHeap<Item>((item) => items.indexOf(item));
      for (const item of items) heap.push(item);
      for (let taken = 0; taken < 5; taken++) heap.pop();
      return heap;
    },
  },
];

function fill({ use }: Structure): { held: unknown; refs: WeakRef<Item>[] } {
  const items = Array.from({ length: 10 }, () => new Item());
  const refs = items.map((item) => new WeakRef(item));
  const held = use(items);
  items.length = 0;
  return { held, refs };
}

test.each(structures)('items that left are not kept in memory by $name', async (structure) => {
  const { held, refs } = fill(structure);
  await heapUsed();
  const alive = refs.map((ref) => ref.deref() !== undefined);
  expect(alive).toEqual([...Array<boolean>(5).fill(false), ...Array<boolean>(5).fill(true)]);
  expect(held).toBeDefined();
});

test('a bounded deque gives the memory of a burst back when the burst has passed', async () => {
  const deque = new BoundedDeque<number>(1_000_000);
  const before = await heapUsed();
  for (let item = 0; item < 1_000_000; item++) deque.pushBack(item);
  const during = await heapUsed();
  expect(during - before).toBeGreaterThan(4e6);
  while (deque.size > 100) deque.popFront();
  expect((await heapUsed()) - before).toBeLessThan(1e6);
  expect(deque.back).toBe(999_999);
});

test('a histogram does not grow with the values recorded', async () => {
  const histogram = new LogLinearHistogram();
  const record = (values: number): void => {
    for (let index = 0; index < values; index++) histogram.record(0.5 + (index % 4096));
  };
  record(100_000); // compiles it
  const before = await heapUsed();
  record(1_000_000);
  expect((await heapUsed()) - before).toBeLessThan(1e6);
  expect(histogram.count).toBe(1_100_000);
});

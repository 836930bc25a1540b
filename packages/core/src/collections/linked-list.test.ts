import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { LinkedList, type ListNode } from './linked-list.ts';

class Waiter implements ListNode<Waiter> {
  prev: Waiter | undefined = undefined;
  next: Waiter | undefined = undefined;
  list: LinkedList<Waiter> | undefined = undefined;
  readonly id: number;

  constructor(id: number) {
    this.id = id;
  }
}

function listOf(...ids: number[]): { list: LinkedList<Waiter>; waiters: Waiter[] } {
  const list = new LinkedList<Waiter>();
  const waiters = ids.map((id) => new Waiter(id));
  for (const waiter of waiters) list.append(waiter);
  return { list, waiters };
}

function idsOf(list: Iterable<Waiter>): number[] {
  return Array.from(list, (waiter) => waiter.id);
}

test('a linked list lets a node go from the middle', () => {
  const { list, waiters } = listOf(1, 2, 3);
  list.remove(waiters[1]!);
  expect(idsOf(list)).toEqual([1, 3]);
  expect(list.size).toBe(2);
  expect(waiters[0]!.next).toBe(waiters[2]);
  expect(waiters[2]!.prev).toBe(waiters[0]);
});

test('a node that has left a linked list holds no link to those it left, and may come back', () => {
  const { list, waiters } = listOf(1, 2, 3);
  const first = list.shift()!;
  expect([first.prev, first.next, first.list]).toEqual([undefined, undefined, undefined]);
  list.append(first);
  expect(idsOf(list)).toEqual([2, 3, 1]);
  list.clear();
  for (const { prev, next, list: held } of waiters) {
    expect([prev, next, held]).toEqual([undefined, undefined, undefined]);
  }
});

test('a node that is on a linked list cannot be added to it or to another', () => {
  const { list, waiters } = listOf(1);
  const refusal = 'LinkedList: the node to add is on a list already; remove it there first.';
  expect(() => list.append(waiters[0]!)).toThrow(refusal);
  expect(() => new LinkedList<Waiter>().prepend(waiters[0]!)).toThrow(refusal);
  expect(idsOf(list)).toEqual([1]);
});

test('a node that is not on a linked list cannot be removed from it', () => {
  const { list, waiters } = listOf(1);
  const refusal = 'LinkedList: the node to remove is not on this list.';
  expect(() => new LinkedList<Waiter>().remove(waiters[0]!)).toThrow(refusal);
  expect(() => list.remove(new Waiter(2))).toThrow(refusal);
  list.remove(waiters[0]!);
  expect(() => list.remove(waiters[0]!)).toThrow(refusal);
});

test('an empty linked list has no node to give', () => {
  const list = new LinkedList<Waiter>();
  expect([list.shift(), list.first, list.last, list.size]).toEqual([
    undefined,
    undefined,
    undefined,
    0,
  ]);
});

test.each([
  { removes: 'the node in hand', offset: 0, visits: [1, 2, 3, 4, 5] },
  { removes: 'the node after it', offset: 1, visits: [1, 3, 5] },
  { removes: 'the node before it', offset: -1, visits: [1, 2, 3, 4, 5] },
])('a walk over a linked list goes on when $removes is removed', ({ offset, visits }) => {
  const { list, waiters } = listOf(1, 2, 3, 4, 5);
  const seen: number[] = [];
  for (const waiter of list) {
    seen.push(waiter.id);
    const doomed = waiters[waiter.id - 1 + offset];
    if (doomed?.list === list) list.remove(doomed);
  }
  expect(seen).toEqual(visits);
});

test('a walk over a linked list visits what is appended meanwhile, and ends when it is cleared', () => {
  const { list } = listOf(1);
  const seen: number[] = [];
  for (const { id } of list) {
    seen.push(id);
    if (id < 5) list.append(new Waiter(id + 1));
    else list.clear();
  }
  expect(seen).toEqual([1, 2, 3, 4, 5]);
  expect(idsOf(list)).toEqual([]);
});

test('a walk over a linked list never strays to another list', () => {
  const { list, waiters } = listOf(1, 2, 3);
  const other = listOf(4).list;
  const seen: number[] = [];
  for (const waiter of list) {
    seen.push(waiter.id);
    if (waiter.id !== 1) continue;
    for (const moved of waiters.slice(0, 2)) {
      list.remove(moved);
      other.prepend(moved);
    }
  }
  expect(seen).toEqual([1]);
});

test('a linked list does what a plain array does', () => {
  const does = fc.constantFrom('append', 'prepend', 'shift', 'remove', 'remove', 'clear');
  const steps = fc.array(fc.tuple(does, fc.nat()), { maxLength: 60 });
  fc.assert(
    fc.property(steps, (taken) => {
      const list = new LinkedList<Waiter>();
      const model: Waiter[] = [];
      const answers: boolean[] = [];
      for (const [id, [action, pick]] of taken.entries()) {
        const node = new Waiter(id);
        if (action === 'append') {
          list.append(node);
          model.push(node);
        } else if (action === 'prepend') {
          list.prepend(node);
          model.unshift(node);
        } else if (action === 'shift') {
          answers.push(list.shift() === model.shift());
        } else if (action === 'remove' && model.length > 0) {
          list.remove(model.splice(pick % model.length, 1)[0]!);
        } else if (action === 'clear' && pick % 4 === 0) {
          list.clear();
          model.length = 0;
        }
        expect(answers).not.toContain(false);
        expect(idsOf(list)).toEqual(idsOf(model));
        expect(list.size).toBe(model.length);
        expect(list.first).toBe(model.at(0));
        expect(list.last).toBe(model.at(-1));
        for (const [place, held] of model.entries()) {
          expect(held.prev).toBe(model[place - 1]);
          expect(held.list).toBe(list);
        }
      }
    }),
  );
});

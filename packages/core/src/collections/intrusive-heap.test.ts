import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { type HeapItem, IntrusiveHeap } from './intrusive-heap.ts';

class Deadline implements HeapItem {
  heapIndex = -1;
  dueMs: number;

  constructor(dueMs: number) {
    this.dueMs = dueMs;
  }
}

function heapOf(...dueMs: number[]): { heap: IntrusiveHeap<Deadline>; items: Deadline[] } {
  const heap = new IntrusiveHeap<Deadline>((item) => item.dueMs);
  const items = dueMs.map((due) => new Deadline(due));
  for (const item of items) heap.push(item);
  return { heap, items };
}

function drain(heap: IntrusiveHeap<Deadline>): number[] {
  return Array.from({ length: heap.size }, () => heap.pop()!.dueMs);
}

test('a heap gives the earliest deadline first', () => {
  const { heap } = heapOf(30, 10.5, Infinity, 20, -1, 10.5);
  expect(heap.peek()?.dueMs).toBe(-1);
  expect(drain(heap)).toEqual([-1, 10.5, 10.5, 20, 30, Infinity]);
  expect(heap.peek()).toBeUndefined();
});

test('a call that has ended takes its deadline out of the middle of the heap', () => {
  const { heap, items } = heapOf(5, 3, 8, 1, 9, 2);
  heap.remove(items[2]!);
  expect(items[2]!.heapIndex).toBe(-1);
  expect(heap.size).toBe(5);
  expect(drain(heap)).toEqual([1, 2, 3, 5, 9]);
});

test('a deadline that changes takes its new place when the heap is told', () => {
  const { heap, items } = heapOf(10, 20, 30, 40, 50, 60);
  items[4]!.dueMs = 5;
  expect(heap.peek()).toBe(items[0]);
  heap.update(items[4]!);
  expect(heap.peek()).toBe(items[4]);
  items[4]!.dueMs = 35;
  heap.update(items[4]!);
  expect(drain(heap)).toEqual([10, 20, 30, 35, 40, 60]);
});

test('a deadline that changes in silence does not disorder the others', () => {
  const { heap, items } = heapOf(10, 20, 30, 40);
  items[1]!.dueMs = 1000;
  heap.push(new Deadline(15));
  expect(drain(heap)).toEqual([10, 15, 1000, 30, 40]);
});

test('an item is in one heap at a time, and once', () => {
  const { heap, items } = heapOf(1);
  const refusal = 'IntrusiveHeap: the item to push is in a heap already; remove it there first.';
  expect(() => heap.push(items[0]!)).toThrow(refusal);
  expect(() => heapOf().heap.push(items[0]!)).toThrow(refusal);
  heap.pop();
  heap.push(items[0]!);
  expect(heap.size).toBe(1);
});

test('an item that is not in a heap can be neither removed from it nor updated in it', () => {
  const { heap, items } = heapOf(1);
  const refusal = 'IntrusiveHeap: the item is not in this heap.';
  for (const stranger of [new Deadline(1), heapOf(1).items[0]!, heapOf(1, 2, 3).items[2]!]) {
    expect(() => heap.remove(stranger)).toThrow(refusal);
    expect(() => heap.update(stranger)).toThrow(refusal);
  }
  heap.remove(items[0]!);
  expect(() => heap.remove(items[0]!)).toThrow(refusal);
});

test('a key that is no number is refused and leaves the heap as it was', () => {
  const { heap, items } = heapOf(1, 2);
  const refusal = new RangeError('IntrusiveHeap: a key must be a number, got NaN.');
  const broken = new Deadline(NaN);
  expect(() => heap.push(broken)).toThrow(refusal);
  expect(broken.heapIndex).toBe(-1);
  items[1]!.dueMs = NaN;
  expect(() => heap.update(items[1]!)).toThrow(refusal);
  items[1]!.dueMs = 2;
  expect(drain(heap)).toEqual([1, 2]);
});

test('a cleared heap is empty, and its items are free', () => {
  const { heap, items } = heapOf(3, 1, 2);
  heap.clear();
  expect([heap.size, heap.peek()]).toEqual([0, undefined]);
  expect(items.map((item) => item.heapIndex)).toEqual([-1, -1, -1]);
  heap.push(items[0]!);
  expect(heap.peek()).toBe(items[0]);
});

test('a heap gives the smallest key after any pushes, pops, removals and updates', () => {
  const does = fc.constantFrom('push', 'push', 'push', 'pop', 'remove', 'update', 'update');
  const key = fc.oneof(fc.integer({ min: 0, max: 9 }), fc.double({ noNaN: true }));
  const steps = fc.array(fc.tuple(does, key, fc.nat()), { maxLength: 120, size: 'max' });
  fc.assert(
    fc.property(steps, (taken) => {
      const { heap } = heapOf();
      const model = new Set<Deadline>();
      const free: number[] = []; // the index of each item that left
      for (const [action, dueMs, pick] of taken) {
        const picked = [...model][pick % Math.max(1, model.size)];
        if (action === 'push') {
          const item = new Deadline(dueMs);
          heap.push(item);
          model.add(item);
        } else if (action === 'pop') {
          const item = heap.pop();
          if (item !== undefined) model.delete(item);
          free.push(item?.heapIndex ?? -1);
        } else if (action === 'remove' && picked !== undefined) {
          heap.remove(picked);
          model.delete(picked);
          free.push(picked.heapIndex);
        } else if (action === 'update' && picked !== undefined) {
          picked.dueMs = dueMs;
          heap.update(picked);
        }
        const dues = Array.from(model, (item) => item.dueMs);
        expect(heap.size).toBe(model.size);
        expect(free.every((index) => index === -1)).toBe(true);
        // + 0 makes -0 a 0: the heap holds the two equal.
        expect((heap.peek()?.dueMs ?? Infinity) + 0).toBe(Math.min(...dues) + 0);
        expect(new Set(Array.from(model, (item) => item.heapIndex)).size).toBe(model.size);
      }
      const sorted = Array.from(model, (item) => item.dueMs).sort((a, b) => a - b);
      expect(drain(heap).map((due) => due + 0)).toEqual(sorted.map((due) => due + 0));
    }),
  );
});

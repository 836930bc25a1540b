import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { StringSlots } from './string-slots.ts';

/** Every text that has a slot, with it. */
function entries(slots: StringSlots): [string, number][] {
  const all = Array.from({ length: slots.end }, (_, slot) => [slots.textOf(slot), slot]);
  return all.filter((entry): entry is [string, number] => entry[0] !== undefined);
}

test('texts get slots from 1 up, and a slot that is freed is given out again', () => {
  const slots = new StringSlots([1, 2]);
  expect([slots.add('a'), slots.add('b'), slots.add('')]).toEqual([1, 2, 3]);
  expect([slots.slotOf('b'), slots.slotOf(''), slots.slotOf('c')]).toEqual([2, 3, 0]);
  slots.delete(2);
  expect([slots.size, slots.end, slots.slotOf('b'), slots.textOf(2)]).toEqual([2, 4, 0, undefined]);
  expect([slots.add('c'), slots.add('d')]).toEqual([2, 4]);
});

test('texts that come and go in any order have their own slots, as a Map would hold them', () => {
  const text = fc.oneof(fc.integer({ min: 0, max: 60 }).map(String), fc.string({ maxLength: 3 }));
  const seeds = fc.tuple(fc.integer(), fc.integer());
  fc.assert(
    fc.property(seeds, fc.array(text, { maxLength: 300 }), (seed, texts) => {
      const slots = new StringSlots(seed);
      const model = new Map<string, number>();
      for (const each of texts) {
        const slot = model.get(each);
        expect(slots.slotOf(each)).toBe(slot ?? 0);
        if (slot === undefined) {
          model.set(each, slots.add(each));
        } else {
          slots.delete(slot);
          model.delete(each);
        }
      }
      expect(new Map(entries(slots))).toEqual(model);
      expect(slots.size).toBe(model.size);
      expect(slots.end).toBeLessThanOrEqual(texts.length + 1);
    }),
    { numRuns: 500 },
  );
});

test('100,000 texts are found after half of them have left, and new ones take their slots', () => {
  const slots = new StringSlots([3, 4]);
  const texts = Array.from({ length: 100_000 }, (_, i) => `10.${i >> 8}.${i & 255}`);
  const given = texts.map((text) => slots.add(text));
  for (let i = 0; i < texts.length; i += 2) slots.delete(given[i] as number);
  const found = texts.filter((text, i) => slots.slotOf(text) === (i % 2 ? given[i] : 0));
  expect(found).toHaveLength(100_000);
  for (let i = 0; i < 50_000; i++) slots.add(`new ${i}`);
  expect([slots.size, slots.end]).toEqual([100_000, 100_001]);
});

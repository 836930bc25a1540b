import type { Running } from './subject.ts';

/** Objects taken, used and given back, one after the other. Checksum: sum of what the uses answer. */
export function pairs<T>(
  take: () => T,
  use: (object: T) => number,
  giveBack: (object: T) => void,
): Running {
  return {
    run(iterations) {
      let sum = 0;
      for (let i = 0; i < iterations; i++) {
        const object = take();
        sum += use(object);
        giveBack(object);
      }
      return sum;
    },
  };
}

const last: { object: unknown } = { object: undefined };

/** Forgets an object, but for the compiler it escapes: one that nobody could see would not be made at all. */
export function sink(object: unknown): void {
  last.object = object;
}

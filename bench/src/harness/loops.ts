import type { Running } from './subject.ts';

/** Calls one after the other, each awaited. Checksum: sum of the results. */
export function awaited(call: () => PromiseLike<number> | number): Running {
  return {
    async run(iterations) {
      let sum = 0;
      for (let i = 0; i < iterations; i++) sum += await call();
      return sum;
    },
  };
}

/** Calls that must be rejected, each awaited. Checksum: how many were. */
export function rejected(call: () => PromiseLike<unknown>): Running {
  return {
    async run(iterations) {
      let refusals = 0;
      for (let i = 0; i < iterations; i++) {
        try {
          await call();
        } catch {
          refusals++;
        }
      }
      return refusals;
    },
  };
}

/** Synchronous calls. Checksum: how many returned `verdict`. */
export function decided(verdict: boolean, call: () => boolean): Running {
  return {
    run(iterations) {
      let count = 0;
      for (let i = 0; i < iterations; i++) if (call() === verdict) count++;
      return count;
    },
  };
}

/** `size` calls started at once, then awaited together. Checksum: sum of the results. */
export function inBatches(size: number, call: () => PromiseLike<number>): Running {
  return {
    async run(iterations) {
      let sum = 0;
      for (let done = 0; done < iterations; done += size) {
        const calls = Array.from<unknown, PromiseLike<number>>({ length: size }, () => call());
        for (const result of await Promise.all(calls)) sum += result;
      }
      return sum;
    },
  };
}

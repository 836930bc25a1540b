import type { AutoscalerOptions } from '../src/index.ts';
import { SeededRandom } from '../src/testing/index.ts';
import { describe, expect, test } from 'vitest';
import { ContendedPlant, scalability, type Capacity } from './kit/contended-plant.ts';
import { medianOf, sizesOf } from './kit/scaled-plant.ts';

/** Its peak of 10.74 tasks per service time is at 43.6 lanes; 28 to 69 lanes give 95 % of it. */
const contended = scalability(0.05, 0.0005);
const PEAK = contended(43.6);
const linear: Capacity = (lanes) => lanes;

const seeds = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1);

interface Setting {
  readonly seed: number;
  readonly capacity: Capacity;
  /** Tasks that arrive per service time. */
  readonly load: number;
  readonly seconds?: number;
  /** The load is drawn anew every three seconds, so far around its mean. */
  readonly noise?: number;
  readonly startSize?: number;
  readonly options?: Partial<AutoscalerOptions>;
  readonly each?: (second: number, plant: ContendedPlant) => void;
}

/** Sizes, second by second, with tasks of 100 ms. */
function run(setting: Setting): number[] {
  const { seed, load, noise = 0, options, each } = setting;
  const random = new SeededRandom(1000 + seed);
  const { capacity } = setting;
  const plant = new ContendedPlant({ capacity, serviceMs: 100, queue: 100, random });
  plant.arrivalsPerMs = load / 100;
  plant.resize(setting.startSize ?? 1);
  return sizesOf(plant, {
    options: { min: 1, max: 200, strategy: 'throughput', ...options },
    seconds: setting.seconds ?? 900,
    seed,
    each: (second) => {
      if (noise > 0 && second % 3 === 0) {
        plant.arrivalsPerMs = (load / 100) * (1 + noise * (2 * random.next() - 1));
      }
      each?.(second, plant);
    },
  });
}

/** Within 15 % of the median, or one step where 15 % is less than that. */
function expectSteady(sizes: readonly number[], what: string): void {
  const median = medianOf(sizes);
  const furthest = Math.max(...sizes.map((size) => Math.abs(size - median)));
  expect(furthest, `${what}: ${Math.min(...sizes)} to ${Math.max(...sizes)}`).toBeLessThanOrEqual(
    Math.max(1, 0.15 * median),
  );
}

describe('over a contended resource at three times its load', () => {
  const settled = (setting: Omit<Setting, 'capacity' | 'load'>): number[] =>
    run({ ...setting, capacity: contended, load: 3 * PEAK });

  test('a pool gives 95 % of the peak throughput after 300 s at most, and from then on', () => {
    for (const seed of seeds(40)) {
      const yields = settled({ seed }).slice(300).map(contended);
      expect(Math.min(...yields) / PEAK, `seed ${seed}`).toBeGreaterThanOrEqual(0.95);
    }
  });

  test('a pool that was far too large comes back from beyond the peak', () => {
    for (const seed of seeds(20)) {
      const yields = settled({ seed, startSize: 180 }).slice(300).map(contended);
      expect(Math.min(...yields) / PEAK, `seed ${seed}`).toBeGreaterThanOrEqual(0.95);
    }
  });

  test('a constant noisy load keeps the size within 15 % of its median, probes included', () => {
    for (const seed of seeds(40)) {
      expectSteady(settled({ seed, noise: 0.5 }).slice(300), `seed ${seed}`);
    }
  });

  test('a pool that may not get as large as it should stays below its max', () => {
    for (const seed of seeds(20)) {
      const sizes = settled({ seed, options: { max: 24 } });
      expect(Math.max(...sizes)).toBe(24);
      expect(Math.min(...sizes.slice(300)), `seed ${seed}`).toBeGreaterThanOrEqual(21);
    }
  });
});

describe('where more lanes gain nothing', () => {
  test('one that is alone as good as many is joined by one probe at most', () => {
    for (const seed of seeds(40)) {
      const sizes = run({ seed, capacity: () => 1, load: 3, seconds: 600 }).slice(120);
      expectSteady(sizes, `seed ${seed}`);
      expect(Math.max(...sizes), `seed ${seed}`).toBeLessThanOrEqual(4);
    }
  });

  test('light load does not grow the pool', () => {
    for (const seed of seeds(20)) {
      const sizes = run({ seed, capacity: linear, load: 0.3, startSize: 3, options: { min: 3 } });
      expect(Math.max(...sizes), `seed ${seed}`).toBe(3);
    }
  });

  test('a light load gets the lanes that it needs, and gives the others back', () => {
    for (const seed of seeds(20)) {
      const sizes = run({ seed, capacity: linear, load: 5, startSize: 60 }).slice(300);
      expect(Math.min(...sizes), `seed ${seed}`).toBeGreaterThanOrEqual(5);
      expect(Math.max(...sizes), `seed ${seed}`).toBeLessThanOrEqual(14);
    }
  });
});

describe('a plant that changes', () => {
  test('is followed to a peak that is four times lower, and 95 % of it reached within 200 s', () => {
    // The peak is at 9.7 lanes.
    const crowded = scalability(0.05, 0.01);
    const each = (second: number, plant: ContendedPlant): void => {
      if (second === 400) plant.capacity = crowded;
    };
    for (const seed of seeds(20)) {
      const sizes = run({ seed, capacity: contended, load: 3 * PEAK, each }).slice(600);
      const least = Math.min(...sizes.map(crowded)) / crowded(9.7);
      expect(least, `seed ${seed}`).toBeGreaterThanOrEqual(0.95);
    }
  });

  test('is followed to six times the capacity', () => {
    const each = (second: number, plant: ContendedPlant): void => {
      if (second === 400) plant.capacity = (lanes) => Math.min(lanes, 60);
    };
    for (const seed of seeds(10)) {
      const sizes = run({ seed, capacity: (n) => Math.min(n, 10), load: 90, each });
      expect(Math.max(...sizes.slice(300, 400)), `seed ${seed}`).toBeLessThan(30);
      expect(Math.min(...sizes.slice(600)), `seed ${seed}`).toBeGreaterThanOrEqual(57);
    }
  });

  test('that has grown only beyond the size of the pool is found by probes', () => {
    const each = (second: number, plant: ContendedPlant): void => {
      if (second === 400) plant.capacity = (lanes) => Math.min(lanes, 60);
    };
    // Up to the old peak of 10 lanes nothing changes.
    const capacity: Capacity = (lanes) => (lanes <= 10 ? lanes : 100 / lanes);
    for (const seed of seeds(10)) {
      const sizes = run({ seed, capacity, load: 90, seconds: 1000, each });
      expect(medianOf(sizes.slice(300, 400)), `seed ${seed}`).toBeLessThanOrEqual(11);
      expect(sizes.at(-1), `seed ${seed}`).toBeGreaterThanOrEqual(57);
    }
  });

  test('that gets twice as slow, with its peak where it was, is near it again within 200 s', () => {
    const each = (second: number, plant: ContendedPlant): void => {
      if (second === 400) plant.serviceMs = 200;
    };
    for (const seed of seeds(20)) {
      const yields = run({ seed, capacity: contended, load: 6 * PEAK, each }).slice(600);
      const least = Math.min(...yields.map(contended)) / PEAK;
      expect(least, `seed ${seed}`).toBeGreaterThanOrEqual(0.93);
    }
  });
});

test('the size that was found is taken up again at once when the load is back', () => {
  const each = (second: number, plant: ContendedPlant): void => {
    if (second === 400) plant.arrivalsPerMs = 0;
    if (second === 600) plant.arrivalsPerMs = (3 * PEAK) / 100;
  };
  for (const seed of seeds(20)) {
    const sizes = run({ seed, capacity: contended, load: 3 * PEAK, seconds: 620, each });
    expect(sizes[598], `seed ${seed}, idle`).toBe(1);
    expect(sizes[612], `seed ${seed}, back`).toBeGreaterThanOrEqual(28);
  }
});

describe('with the rule of thresholds', () => {
  const options: Partial<AutoscalerOptions> = { strategy: 'threshold', min: 4, max: 64 };

  test('a pool at 95 % of its load doubles, and again, while it is not enough', () => {
    const sizes = run({ seed: 1, capacity: linear, load: 30, seconds: 60, startSize: 4, options });
    expect(sizes.every((size) => [4, 8, 16, 32, 64].includes(size))).toBe(true);
    expect(sizes).toEqual([...sizes].sort((a, b) => a - b));
    expect(sizes.at(-1)).toBe(64);
  });

  test('a pool without load halves down to min', () => {
    const sizes = run({
      seed: 1,
      capacity: linear,
      load: 0.5,
      seconds: 90,
      startSize: 64,
      options,
    });
    expect([...new Set(sizes)].sort((a, b) => b - a)).toEqual([64, 32, 16, 8, 4]);
  });

  test('a load between the marks changes nothing', () => {
    for (const seed of seeds(20)) {
      const sizes = run({ seed, capacity: linear, load: 8, startSize: 16, options, seconds: 300 });
      expect(new Set(sizes), `seed ${seed}`).toEqual(new Set([16]));
    }
  });
});

describe('by utilisation', () => {
  const options: Partial<AutoscalerOptions> = { strategy: 'utilisation', min: 2, max: 64 };

  test('a pool gets what its load needs, within 15 % of the median under noise', () => {
    for (const seed of seeds(30)) {
      const setting = { seed, capacity: linear, load: 16, noise: 0.2, seconds: 600, options };
      const sizes = run(setting).slice(60);
      expectSteady(sizes, `seed ${seed}`);
      expect(medianOf(sizes)).toBeGreaterThan(16);
      expect(medianOf(sizes)).toBeLessThan(40);
    }
  });

  test('a step of load is followed within ten seconds, up and, after the cool-down, down', () => {
    const each = (second: number, plant: ContendedPlant): void => {
      plant.arrivalsPerMs = (second >= 100 && second < 200 ? 40 : 4) / 100;
    };
    for (const seed of seeds(20)) {
      const sizes = run({ seed, capacity: linear, load: 4, seconds: 300, options, each });
      expect(Math.max(...sizes.slice(30, 99)), `seed ${seed}`).toBeLessThanOrEqual(12);
      expect(Math.min(...sizes.slice(110, 199)), `seed ${seed}`).toBeGreaterThan(40);
      expect(Math.max(...sizes), `seed ${seed}`).toBeLessThanOrEqual(64);
      expect(Math.max(...sizes.slice(250)), `seed ${seed}`).toBeLessThanOrEqual(12);
    }
  });
});

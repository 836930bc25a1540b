import { expect, test } from 'vitest';
import { UtilisationStrategy } from '../src/index.ts';
import { SeededRandom } from '../src/testing/index.ts';
import { medianOf, sizesOf } from './kit/scaled-plant.ts';
import { ThreadPlant } from './kit/thread-plant.ts';

interface Setting {
  readonly cpus: number;
  /** CPUs that so many computing workers get. @default all of them */
  readonly cpusFor?: (computing: number, second: number) => number;
  readonly waitShare?: number;
  /** What they get is drawn anew every second, so far around that. */
  readonly noise?: number;
  readonly tellsCpu?: boolean;
}

/** Sizes, second by second, at three times the load that the CPUs can bear, after the first minute. */
function run(setting: Setting, seed: number): number[] {
  const { cpus, cpusFor = () => cpus, waitShare = 0, noise = 0, tellsCpu = true } = setting;
  const random = new SeededRandom(500 + seed);
  const serviceMs = 50;
  const plant = new ThreadPlant({ cpusFor: () => cpus, waitShare, serviceMs, random, tellsCpu });
  plant.arrivalsPerMs = (3 * cpus) / serviceMs / (1 - waitShare);
  const strategy = new UtilisationStrategy({ cpus });
  const each = (second: number): void => {
    const share = 1 + noise * (2 * random.next() - 1);
    plant.cpusFor = (computing) => share * cpusFor(computing, second);
  };
  return sizesOf(plant, {
    options: { min: 1, max: 100, strategy },
    seconds: 600,
    seed,
    each,
  }).slice(60);
}

const seeds = Array.from({ length: 10 }, (_, i) => i + 1);

const computing: readonly (Setting & { readonly name: string; readonly most: number })[] = [
  { name: 'that get all CPUs', cpus: 2, most: 2 },
  { name: 'that get 1.3 of 2 CPUs', cpus: 2, cpusFor: () => 1.3, most: 3 },
  {
    name: 'that get 1.3 of 2 CPUs, more or less',
    cpus: 2,
    cpusFor: () => 1.3,
    noise: 0.3,
    most: 3,
  },
  { name: 'beside two neighbours', cpus: 2, cpusFor: (n) => (2 * n) / (n + 2), most: 3 },
  ...[7, 20, 60].map((period) => ({
    name: `beside a neighbour that comes and goes every ${period} s`,
    cpus: 2,
    cpusFor: (_: number, second: number) => (Math.floor(second / period) % 2 === 0 ? 2 : 1),
    most: 3,
  })),
  { name: 'that get 10 of 16 CPUs', cpus: 16, cpusFor: () => 10, most: 18 },
  { name: 'that do not tell what they get', cpus: 2, cpusFor: () => 1.3, tellsCpu: false, most: 3 },
];

test.for(computing)('workers that compute, $name, stay as many as CPUs', (setting) => {
  for (const seed of seeds) {
    const sizes = run(setting, seed);
    expect(medianOf(sizes), `seed ${seed}`).toBe(setting.cpus);
    expect(Math.max(...sizes), `seed ${seed}, probing`).toBeLessThanOrEqual(setting.most);
  }
});

const waiting: readonly (Setting & { readonly name: string })[] = [
  { name: '2', cpus: 2, waitShare: 0.5 },
  { name: '4', cpus: 4, waitShare: 0.5 },
  { name: '4 noisy', cpus: 4, waitShare: 0.5, noise: 0.2 },
  { name: '8', cpus: 8, waitShare: 0.5 },
];

test.for(waiting)(
  'on $name CPUs workers that wait half of their time become about twice as many',
  (setting) => {
    for (const seed of seeds) {
      const sizes = run(setting, seed);
      expect(medianOf(sizes), `seed ${seed}`).toBeGreaterThanOrEqual(1.5 * setting.cpus);
      expect(Math.max(...sizes), `seed ${seed}`).toBeLessThanOrEqual(2.5 * setting.cpus);
    }
  },
);

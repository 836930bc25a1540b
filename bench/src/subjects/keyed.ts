import LocalStore from '@fastify/rate-limit/store/LocalStore.js';
import { KeyedLimiter } from '@sluice/core';
import { SeededRandom } from '@sluice/core/testing';
import { RateLimiterMemory } from 'rate-limiter-flexible';
import { awaited, decided } from '../harness/loops.ts';
import type { Running, Subject } from '../harness/subject.ts';

const KEYS = 100_000;
const MOST = 1_000_000_000;

/** Addresses, drawn once at random, and gone through again and again. */
function someKeys(): () => string {
  const random = new SeededRandom(7);
  const byte = (n: number): number => (n >> 8) & 255;
  const keys = Array.from({ length: KEYS }, (_, i) => `10.${i >> 16}.${byte(i)}.${i & 255}`);
  const drawn = Array.from({ length: 1 << 20 }, () => keys[Math.floor(random.next() * KEYS)]);
  let next = 0;
  return () => drawn[next++ & (drawn.length - 1)] as string;
}

/** A permit comes back in 20 ms, so that keys are forgotten and come again all the time. */
function evicting(): Running {
  const limiter = new KeyedLimiter({ ratePerSecond: 50, capacity: 1000, maxKeys: KEYS });
  const key = someKeys();
  return decided(true, () => limiter.allow(key()));
}

/** No key is ever forgotten. */
function remembering(): Running {
  const limiter = new KeyedLimiter({ ratePerSecond: 0.001, capacity: MOST, maxKeys: KEYS });
  const key = someKeys();
  return decided(true, () => limiter.allow(key()));
}

function flexible(): Running {
  const limit = new RateLimiterMemory({ points: MOST, duration: 60 });
  const key = someKeys();
  const consume = async (): Promise<number> =>
    (await limit.consume(key())).remainingPoints > 0 ? 1 : 0;
  // Its timers, one a key, would keep the process for a minute.
  return awaited(consume);
}

function fastifyStore(): Running {
  const store = new LocalStore(false, false, KEYS / 2);
  const key = someKeys();
  let count = 0;
  const settle = (): void => void count++;
  return decided(true, () => {
    store.incr(key(), settle, 60_000, MOST);
    return count > 0;
  });
}

export const subjects: readonly Subject[] = [
  {
    kind: 'operation',
    url: import.meta.url,
    name: 'keyed',
    title: 'Keyed limiter, 100,000 random keys',
    operation: 'the key, drawn at random from 100,000, is asked for one permit and gets it',
    checksum: (iterations) => iterations,
    contenders: [
      { name: 'sluice KeyedLimiter, keys are forgotten', kind: 'sluice', setup: evicting },
      { name: 'sluice KeyedLimiter, all are remembered', kind: 'sluice', setup: remembering },
      { name: 'rate-limiter-flexible memory', kind: 'peer', setup: flexible },
      { name: '@fastify/rate-limit store, half evicted', kind: 'peer', setup: fastifyStore },
    ],
    limits: [
      { contender: 'sluice KeyedLimiter, keys are forgotten', of: 'figure', max: 450 },
      {
        contender: 'sluice KeyedLimiter, keys are forgotten',
        of: 'ratio',
        to: 'rate-limiter-flexible memory',
        max: 0.2,
      },
      {
        contender: 'sluice KeyedLimiter, keys are forgotten',
        of: 'ratio',
        to: '@fastify/rate-limit store, half evicted',
        max: 0.5,
      },
    ],
    notes: [
      'Every contender reads a clock. rate-limiter-flexible has no synchronous call: its figure includes one await.',
      "@fastify/rate-limit's store keeps half of the keys, the least recently used leave; sluice forgets a key when its limit is whole again.",
    ],
  },
];

import { TokenBucket } from '@sluice/core';
import Bottleneck from 'bottleneck';
import { TokenBucket as PeerBucket } from 'limiter';
import { RateLimiterMemory } from 'rate-limiter-flexible';
import { awaited, decided, rejected } from '../harness/loops.ts';
import type { Limit, OperationSubject, Running, Subject } from '../harness/subject.ts';

/** So many tokens a second that no run ever meets the limit. */
const PLENTY = 1e12;
const DAY_SECONDS = 86_400;

const plentiful = (): TokenBucket => new TokenBucket({ ratePerSecond: PLENTY, capacity: PLENTY });

/** One token a day, and today's is gone at `nowMs`. */
function exhausted(nowMs = performance.now()): TokenBucket {
  const bucket = new TokenBucket({ ratePerSecond: 1 / DAY_SECONDS, capacity: 1 });
  bucket.takeAt(nowMs);
  return bucket;
}

function sluice(verdict: boolean, bucket: TokenBucket): Running {
  return decided(verdict, () => bucket.allow());
}

/** Decisions a microsecond apart, by a caller who holds the time. */
function sluiceToldTheTime(verdict: boolean, bucket: TokenBucket): Running {
  // In an array: a variable that holds a fraction would allocate at each change.
  const clock = new Float64Array(1);
  return decided(verdict, () => {
    const nowMs = (clock[0] as number) + 0.001;
    clock[0] = nowMs;
    return bucket.takeAt(nowMs) === 0;
  });
}

function limiter(tokens: number): PeerBucket {
  const bucket = new PeerBucket({ bucketSize: tokens, tokensPerInterval: tokens, interval: 'day' });
  bucket.content = tokens;
  return bucket;
}

function limiterAdmits(): Running {
  const bucket = limiter(PLENTY);
  return decided(true, () => bucket.tryRemoveTokens(1));
}

function limiterRefuses(): Running {
  const bucket = limiter(1);
  bucket.tryRemoveTokens(1);
  return decided(false, () => bucket.tryRemoveTokens(1));
}

function flexibleAdmits(): Running {
  const limit = new RateLimiterMemory({ points: PLENTY, duration: DAY_SECONDS });
  const consume = async (): Promise<number> =>
    (await limit.consume('key')).remainingPoints > 0 ? 1 : 0;
  return { ...awaited(consume), teardown: () => void limit.delete('key') };
}

function flexibleRefuses(): Running {
  const limit = new RateLimiterMemory({ points: 0, duration: DAY_SECONDS });
  return { ...rejected(() => limit.consume('key')), teardown: () => void limit.delete('key') };
}

/** A limit that is never met: what remains is the way of a job through its queue. */
function bottleneckRuns(): Running {
  const queue = new Bottleneck({ reservoir: PLENTY });
  return awaited(() => queue.schedule(async () => 1));
}

/** What every limiter that reads a clock pays. */
function clockRead(): Running {
  return {
    run(iterations) {
      let forward = 0;
      for (let i = 0; i < iterations; i++) if (performance.now() > 0) forward++;
      return forward;
    },
  };
}

const shared = {
  kind: 'operation',
  url: import.meta.url,
  checksum: (iterations: number) => iterations,
  notes: [
    'takeAt is told the time; every other contender reads a clock.',
    'rate-limiter-flexible has no synchronous call: its figure includes one await. bottleneck runs a job, over timers.',
  ],
} as const;

const decisionLimits: readonly Limit[] = [
  { contender: 'sluice TokenBucket.takeAt', of: 'figure', max: 10 },
  { contender: 'sluice TokenBucket.takeAt', of: 'bytes', max: 0 },
  { contender: 'sluice TokenBucket.allow', of: 'bytes', max: 0 },
];

const admitted: OperationSubject = {
  ...shared,
  name: 'bucket',
  title: 'Token bucket, admitted',
  operation: 'one token is asked for and granted',
  contenders: [
    { name: 'performance.now()', kind: 'floor', setup: clockRead },
    { name: 'sluice TokenBucket.allow', kind: 'sluice', setup: () => sluice(true, plentiful()) },
    {
      name: 'sluice TokenBucket.takeAt',
      kind: 'sluice',
      setup: () => sluiceToldTheTime(true, plentiful()),
    },
    { name: 'limiter TokenBucket', kind: 'peer', setup: limiterAdmits },
    { name: 'rate-limiter-flexible memory', kind: 'peer', setup: flexibleAdmits },
    { name: 'bottleneck', kind: 'peer', setup: bottleneckRuns },
  ],
  limits: decisionLimits,
};

const refused: OperationSubject = {
  ...shared,
  name: 'bucket-refused',
  title: 'Token bucket, refused',
  operation: 'one token is asked for and refused',
  contenders: [
    { name: 'performance.now()', kind: 'floor', setup: clockRead },
    { name: 'sluice TokenBucket.allow', kind: 'sluice', setup: () => sluice(false, exhausted()) },
    {
      name: 'sluice TokenBucket.takeAt',
      kind: 'sluice',
      setup: () => sluiceToldTheTime(false, exhausted(0)),
    },
    { name: 'limiter TokenBucket', kind: 'peer', setup: limiterRefuses },
    { name: 'rate-limiter-flexible memory', kind: 'peer', setup: flexibleRefuses },
  ],
  limits: decisionLimits,
};

export const subjects: readonly Subject[] = [admitted, refused];

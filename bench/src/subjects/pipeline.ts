import { CircuitBreaker, pipeline, TokenBucket, WorkerPool } from '@sluice/core';
import { bulkhead, circuitBreaker, handleAll, retry, SamplingBreaker, wrap } from 'cockatiel';
import { TokenBucket as PeerBucket } from 'limiter';
import OpossumBreaker from 'opossum';
import pLimit from 'p-limit';
import { awaited } from '../harness/loops.ts';
import type { OperationSubject, Running, Subject } from '../harness/subject.ts';
import { awaitTask, task } from './task.ts';

const LANES = 10;
const QUEUE = 1000;
/** Tokens for any run. */
const PLENTY = 1e12;

function policies(): [TokenBucket, CircuitBreaker, WorkerPool] {
  const bucket = new TokenBucket({ ratePerSecond: PLENTY, capacity: PLENTY });
  return [bucket, new CircuitBreaker(), new WorkerPool({ size: LANES, queue: QUEUE })];
}

function sluice(): Running {
  const guarded = pipeline('bench', policies());
  return awaited(() => guarded.execute(task));
}

/** The same three, each with an async hop of its own: what the pipeline saves. */
function sluiceNested(): Running {
  const [bucket, breaker, pool] = policies();
  return awaited(() => bucket.execute(() => breaker.execute(() => pool.execute(task))));
}

function peerLimiter(): PeerBucket {
  const bucket = new PeerBucket({
    bucketSize: PLENTY,
    tokensPerInterval: PLENTY,
    interval: 'second',
  });
  bucket.content = PLENTY;
  return bucket;
}

const samplingBreaker = () =>
  circuitBreaker(handleAll, {
    halfOpenAfter: 500,
    breaker: new SamplingBreaker({ threshold: 0.5, duration: 10_000, minimumRps: 2 }),
  });

/** cockatiel has no rate limiter, so another package's stands before its breaker and bulkhead. */
function cockatielWithLimiter(): Running {
  const limiter = peerLimiter();
  const policy = wrap(samplingBreaker(), bulkhead(LANES, QUEUE));
  return awaited(() => {
    if (!limiter.tryRemoveTokens(1)) throw new Error('rate limited');
    return policy.execute(task);
  });
}

/** Three policies of cockatiel's own. */
function cockatielThree(): Running {
  const policy = wrap(
    retry(handleAll, { maxAttempts: 3 }),
    samplingBreaker(),
    bulkhead(LANES, QUEUE),
  );
  return awaited(() => policy.execute(task));
}

function opossumWithLimiterAndPool(): Running {
  const limiter = peerLimiter();
  const limit = pLimit(LANES);
  const breaker = new OpossumBreaker(() => limit(task), { timeout: false, volumeThreshold: 20 });
  const guarded = (): Promise<number> => {
    if (!limiter.tryRemoveTokens(1)) throw new Error('rate limited');
    return breaker.fire();
  };
  return { ...awaited(guarded), teardown: () => breaker.shutdown() };
}

const pipelined: OperationSubject = {
  kind: 'operation',
  url: import.meta.url,
  name: 'pipeline',
  title: 'Pipeline: limiter, breaker, pool',
  operation:
    'one call that succeeds passes rate limiter, breaker and pool, all of them free, and is awaited',
  checksum: (iterations) => iterations,
  contenders: [
    awaitTask,
    { name: 'sluice pipeline', kind: 'sluice', setup: sluice },
    { name: 'sluice, nested by hand', kind: 'sluice', setup: sluiceNested },
    {
      name: 'limiter + cockatiel wrap(breaker, bulkhead)',
      kind: 'peer',
      setup: cockatielWithLimiter,
    },
    { name: 'cockatiel wrap(retry, breaker, bulkhead)', kind: 'peer', setup: cockatielThree },
    { name: 'limiter + opossum + p-limit', kind: 'peer', setup: opossumWithLimiterAndPool },
  ],
  limits: [
    { contender: 'sluice pipeline', of: 'figure', max: 180 },
    { contender: 'sluice pipeline', of: 'bytes', max: 720 },
    {
      contender: 'sluice pipeline',
      of: 'ratio',
      to: 'cockatiel wrap(retry, breaker, bulkhead)',
      max: 1 / 6,
    },
  ],
};

export const subjects: readonly Subject[] = [pipelined];

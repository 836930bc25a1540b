import { Retry, type RetryOptions } from '@sluice/core';
import { handleAll, retry } from 'cockatiel';
import pRetry from 'p-retry';
import { awaited } from '../harness/loops.ts';
import type { OperationSubject, Running, Subject } from '../harness/subject.ts';
import { awaitTask, task } from './task.ts';

function sluice(options: RetryOptions): Running {
  const policy = new Retry(options);
  return awaited(() => policy.execute(task));
}

function cockatiel(): Running {
  const policy = retry(handleAll, { maxAttempts: 3 });
  return awaited(() => policy.execute(task));
}

function pRetrying(): Running {
  return awaited(() => pRetry(task, { retries: 2 }));
}

const success: OperationSubject = {
  kind: 'operation',
  url: import.meta.url,
  name: 'retry',
  title: 'Retry, success at once',
  operation: 'one call that succeeds at its first try goes through a retry and is awaited',
  checksum: (iterations) => iterations,
  contenders: [
    awaitTask,
    { name: 'sluice', kind: 'sluice', setup: () => sluice({}) },
    { name: 'sluice, no budget', kind: 'sluice', setup: () => sluice({ budget: false }) },
    {
      name: 'sluice, attempt timeout',
      kind: 'sluice',
      setup: () => sluice({ attemptTimeoutMs: 10_000 }),
    },
    { name: 'cockatiel', kind: 'peer', setup: cockatiel },
    { name: 'p-retry', kind: 'peer', setup: pRetrying },
  ],
  limits: [{ contender: 'sluice', of: 'ratio', to: 'F: await the task', max: 1.9 }],
  notes: ['Only sluice has a budget, and only where it says so a time limit for each try.'],
};

export const subjects: readonly Subject[] = [success];

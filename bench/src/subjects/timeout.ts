import { Timeout } from '@sluice/core';
import { timeout, TimeoutStrategy } from 'cockatiel';
import pTimeout from 'p-timeout';
import { awaited } from '../harness/loops.ts';
import type { OperationSubject, Running, Subject } from '../harness/subject.ts';
import { awaitTask, task } from './task.ts';

/** Longer than any call here takes. */
const TIMEOUT_MS = 10_000;

function sluice(strategy: 'abandon' | 'cooperative'): Running {
  const guard = new Timeout({ timeoutMs: TIMEOUT_MS, strategy });
  return awaited(() => guard.execute(task));
}

/** The task reads its signal, which is when one is made. */
function sluiceHeeding(): Running {
  const guard = new Timeout({ timeoutMs: TIMEOUT_MS });
  return awaited(() => guard.execute(async ({ signal }) => (signal.aborted ? 0 : 1)));
}

function cockatiel(strategy: TimeoutStrategy): Running {
  const policy = timeout(TIMEOUT_MS, strategy);
  return awaited(() => policy.execute(task));
}

function pTimingOut(): Running {
  return awaited(() => pTimeout(task(), { milliseconds: TIMEOUT_MS }));
}

/** What is written by hand where no library is at hand. */
async function byHand(): Promise<number> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('late')), TIMEOUT_MS);
  });
  try {
    return await Promise.race([task(), late]);
  } finally {
    clearTimeout(timer);
  }
}

const success: OperationSubject = {
  kind: 'operation',
  url: import.meta.url,
  name: 'timeout',
  title: 'Timeout, success',
  operation: 'one call that succeeds in time goes through a timeout and is awaited',
  checksum: (iterations) => iterations,
  contenders: [
    awaitTask,
    { name: 'sluice, abandon', kind: 'sluice', setup: () => sluice('abandon') },
    { name: 'sluice, cooperative', kind: 'sluice', setup: () => sluice('cooperative') },
    { name: 'sluice, task reads its signal', kind: 'sluice', setup: sluiceHeeding },
    {
      name: 'cockatiel, aggressive',
      kind: 'peer',
      setup: () => cockatiel(TimeoutStrategy.Aggressive),
    },
    {
      name: 'cockatiel, cooperative',
      kind: 'peer',
      setup: () => cockatiel(TimeoutStrategy.Cooperative),
    },
    { name: 'p-timeout', kind: 'peer', setup: pTimingOut },
    { name: 'setTimeout and Promise.race', kind: 'peer', setup: () => awaited(byHand) },
  ],
  limits: [
    { contender: 'sluice, abandon', of: 'figure', max: 300 },
    { contender: 'sluice, abandon', of: 'ratio', to: 'p-timeout', max: 0.1 },
  ],
};

export const subjects: readonly Subject[] = [success];

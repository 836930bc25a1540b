/** Worker of the floors: answers every message, however many calls it carries, with one message. */
import { parentPort } from 'node:worker_threads';
import * as jobs from '../jobs.ts';
import type { JobName } from '../jobs.ts';

const run: Readonly<Record<JobName, (value: never) => unknown>> = { ...jobs, giveBack: jobs.noop };

/** Calls as number, job, value, number, job, value: a flat list is cloned several times faster than objects. */
parentPort?.on('message', (calls: readonly unknown[]) => {
  const answers: unknown[] = [];
  const transfer: ArrayBuffer[] = [];
  for (let i = 0; i < calls.length; i += 3) {
    const job = calls[i + 1] as JobName;
    const result = run[job](calls[i + 2] as never);
    if (job === 'giveBack') transfer.push((result as Uint8Array<ArrayBuffer>).buffer);
    answers.push(calls[i], result);
  }
  parentPort?.postMessage(answers, transfer);
});

import { CallContext, InvalidOptionsError, shown, type Clock, type Task } from '../core/index.ts';
import type { SubmitOptions } from '../job-queue/index.ts';
import { LaneJob, type JobOwner } from './lane-job.ts';

/** The job of a call with options. @throws InvalidOptionsError for one that is wrong. */
export function jobWith(
  owner: JobOwner & { readonly clock: Clock },
  task: Task<unknown>,
  options: SubmitOptions,
): LaneJob {
  if (options instanceof CallContext) {
    const job = new LaneJob(owner, task, options);
    job.ownsContext = false;
    return job;
  }
  const { timeoutMs } = options;
  if (timeoutMs !== undefined && !(typeof timeoutMs === 'number' && timeoutMs > 0)) {
    const expected = 'a number of ms above 0';
    throw new InvalidOptionsError('submit', [
      { option: 'timeoutMs', expected, got: shown(timeoutMs) },
    ]);
  }
  const job = new LaneJob(owner, task, new CallContext(owner.clock, withoutTimeout(options)));
  job.timeoutMs = timeoutMs;
  return job;
}

/** What every policy knows; a context has no timeout of its own, and must go on as it is. */
function withoutTimeout(options: SubmitOptions): SubmitOptions {
  if (!Object.hasOwn(options, 'timeoutMs')) return options;
  const rest: { timeoutMs?: number | undefined } & SubmitOptions = { ...options };
  Reflect.deleteProperty(rest, 'timeoutMs');
  return rest;
}

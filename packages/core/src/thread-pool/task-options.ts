import {
  CallContext,
  DeadlineExceededError,
  InvalidOptionsError,
  plainContext,
  shown,
  type Clock,
  type OptionProblem,
} from '../core/index.ts';
import type { RunOptions } from './options.ts';
import type { TaskExtras } from './shared/protocol.ts';
import type { ThreadJob } from './thread-job.ts';

const NAMES: ReadonlySet<string> = new Set([
  'signal',
  'deadlineMs',
  'priority',
  'key',
  'timeoutMs',
  'transfer',
  'affinity',
  'idempotent',
]);

export interface Specifier {
  readonly name: string;
  readonly clock: Clock;
  readonly carry: (() => unknown) | undefined;
  /** The caller has left. */
  onAbort(job: ThreadJob, reason: unknown): void;
}

/**
 * Writes what the caller said about his task into it. The options may be the context of a call, whose end
 * then ends the task.
 * @throws InvalidOptionsError naming every problem, the caller's reason when he has left already, and
 * DeadlineExceededError when the time is over before the task came.
 */
export function specify(job: ThreadJob, options: RunOptions, pool: Specifier): void {
  const isContext = options instanceof CallContext;
  if (!isContext && options !== plainContext) check(options, pool.name);
  if (isContext && options.aborted) throw options.reason;
  options.signal?.throwIfAborted();
  const { priority = 0, key } = options;
  job.priority = priority;
  job.key = key;
  job.timeoutMs = options.timeoutMs ?? Infinity;
  job.transfer = options.transfer?.length === 0 ? undefined : options.transfer;
  job.affinity = options.affinity;
  job.idempotent = options.idempotent ?? false;
  specifyDeadline(job, options, pool);
  job.isTimed = job.timeoutMs < Infinity || job.deadlineAtMs < Infinity;
  job.extras = extrasOf(job, options, pool.carry);
  if (options !== plainContext) follow(job, options, pool);
}

function specifyDeadline(job: ThreadJob, options: RunOptions, pool: Specifier): void {
  const { deadlineMs = Infinity } = options;
  if (deadlineMs === Infinity) return;
  job.sinceMs = pool.clock.nowMs();
  job.budgetMs = options instanceof CallContext ? options.budgetMs : deadlineMs;
  job.deadlineAtMs =
    options instanceof CallContext ? options.deadlineAtMs : job.sinceMs + deadlineMs;
  if (job.deadlineAtMs > job.sinceMs) return;
  const message = `${pool.name}: the deadline passed before the work began`;
  throw new DeadlineExceededError(pool.name, message);
}

function extrasOf(
  job: ThreadJob,
  options: RunOptions,
  carry: (() => unknown) | undefined,
): TaskExtras | undefined {
  const attempt = (options as { readonly attempt?: number }).attempt ?? 1;
  const isPlain = job.deadlineAtMs === Infinity && job.key === undefined && attempt === 1;
  if (isPlain && carry === undefined) return undefined;
  return {
    ...(job.deadlineAtMs < Infinity && { deadlineAtMs: job.deadlineAtMs }),
    ...(job.key !== undefined && { key: job.key }),
    ...(attempt !== 1 && { attempt }),
    ...(carry !== undefined && { carried: carry() }),
  };
}

function follow(job: ThreadJob, options: RunOptions, pool: Specifier): void {
  if (options instanceof CallContext) {
    const listener = (reason: unknown): void => pool.onAbort(job, reason);
    options.onAbort(listener);
    const leave = (): void => options.offAbort(listener);
    job.leave = leave;
    return;
  }
  const { signal } = options;
  if (signal === undefined) return;
  const listener = (): void => pool.onAbort(job, signal.reason);
  signal.addEventListener('abort', listener);
  const leave = (): void => signal.removeEventListener('abort', listener);
  job.leave = leave;
}

function check(options: RunOptions, pool: string): void {
  const problems: OptionProblem[] = [];
  const rule = (option: keyof RunOptions, isRight: boolean, expected: string): void => {
    if (!isRight) problems.push({ option, expected, got: shown(options[option]) });
  };
  if (typeof options !== 'object' || options === null) {
    const problem = { option: 'options', expected: 'an object', got: shown(options) };
    throw new InvalidOptionsError(pool, [problem]);
  }
  const { signal, deadlineMs = 0, priority = 0, key, timeoutMs = 1 } = options;
  const { transfer = [], affinity, idempotent = false } = options;
  rule('signal', signal === undefined || signal instanceof AbortSignal, 'an AbortSignal');
  rule('deadlineMs', typeof deadlineMs === 'number' && !Number.isNaN(deadlineMs), 'a number of ms');
  const isClass = Number.isInteger(priority) && priority >= -8 && priority <= 7;
  rule('priority', isClass, 'an integer from -8 to 7');
  rule('key', key === undefined || typeof key === 'string', 'a text');
  rule('timeoutMs', typeof timeoutMs === 'number' && timeoutMs > 0, 'a number of ms above 0');
  rule('transfer', Array.isArray(transfer), 'an array of what can be transferred');
  rule('affinity', affinity === undefined || typeof affinity === 'string', 'a text');
  rule('idempotent', typeof idempotent === 'boolean', 'true or false');
  for (const option of Object.keys(options)) {
    if (NAMES.has(option)) continue;
    const expected = `left out: there is no such option, only ${[...NAMES].join(', ')}`;
    problems.push({ option, expected, got: shown(options[option as keyof RunOptions]) });
  }
  if (problems.length > 0) throw new InvalidOptionsError(pool, problems);
}

import {
  aDuration,
  CallContext,
  integer,
  InvalidOptionsError,
  plainContext,
  PRIORITIES,
  shown,
  type Clock,
  type ExecuteOptions,
  type OptionProblem,
} from '../core/index.ts';

/** What may be said about one `acquire`. The context of a call can be handed on as it is. */
export interface AcquireOptions extends ExecuteOptions {
  /**
   * How long to wait, in ms; `deadlineMs` holds, too. At least 0: 0 takes what is there, or fails.
   * @default acquireTimeoutMs
   */
  readonly timeoutMs?: number | undefined;
}

const NAMES: ReadonlySet<string> = new Set([
  'signal',
  'deadlineMs',
  'timeoutMs',
  'priority',
  'key',
]);
const aPriority = integer(PRIORITIES.lowest, PRIORITIES.highest);

/** What ends a call early; a plain context would make a signal that nobody else knows. */
interface Ends {
  readonly signal?: { readonly aborted: boolean; readonly reason: unknown } | undefined;
  readonly deadlineMs?: number | undefined;
}

export function endsOf(options: AcquireOptions): Ends {
  if (options === plainContext) return {};
  return options instanceof CallContext
    ? { signal: options, deadlineMs: options.deadlineMs }
    : options;
}

/** The context of a call that waits; undefined where nothing that it says needs one. */
export function contextOf(options: AcquireOptions, clock: Clock): CallContext | undefined {
  if (options === plainContext) return undefined;
  if (options instanceof CallContext) return new CallContext(clock, options);
  const { signal, priority } = options;
  if (signal === undefined && (priority ?? 0) === 0) return undefined;
  return new CallContext(clock, { signal, priority });
}

/** @throws InvalidOptionsError naming every problem. */
export function checkAcquireOptions(options: AcquireOptions): void {
  if (options instanceof CallContext || options === plainContext) return;
  const problems: OptionProblem[] = [];
  const { signal, deadlineMs = Infinity, timeoutMs, priority = 0 } = options;
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    problems.push({ option: 'signal', expected: 'an AbortSignal', got: shown(signal) });
  }
  if (typeof deadlineMs !== 'number' || Number.isNaN(deadlineMs)) {
    problems.push({ option: 'deadlineMs', expected: 'a number of ms', got: shown(deadlineMs) });
  }
  if (timeoutMs !== undefined && !aDuration.accepts(timeoutMs)) {
    problems.push({ option: 'timeoutMs', expected: aDuration.expected, got: shown(timeoutMs) });
  }
  if (!aPriority.accepts(priority)) {
    problems.push({ option: 'priority', expected: aPriority.expected, got: shown(priority) });
  }
  for (const option in options) {
    if (NAMES.has(option)) continue;
    const expected = `left out: there is no such option, only ${[...NAMES].join(', ')}`;
    problems.push({ option, expected, got: shown(options[option as keyof AcquireOptions]) });
  }
  if (problems.length > 0) throw new InvalidOptionsError('acquire', problems);
}

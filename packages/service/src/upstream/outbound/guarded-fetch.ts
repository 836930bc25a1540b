import { inspect } from 'node:util';

import {
  InvalidOptionsError,
  pipeline,
  RejectedError,
  type OptionProblem,
  type Policy,
} from '@sluice/core';
import { Dispatcher1Wrapper, type Dispatcher } from 'undici';

import { FetchCall, hasSpentItsBody, type Sender } from './fetch-call.ts';
import { isWellFormed, repeatabilityOf, type Repeatability } from './request-traits.ts';
import { sentOnce } from './sent-once.ts';
import { wasNeverSent } from './unsent.ts';

type Fetch = typeof globalThis.fetch;

export interface GuardedFetchOptions {
  /** What sends a request. @default the global fetch, looked up with each call */
  readonly fetch?: Fetch | undefined;
  /**
   * undici's dispatcher for all requests, such as an Agent composed with `breaker()`. The caller closes it.
   * @default the one that the fetch has
   */
  readonly dispatcher?: Dispatcher | undefined;
  /** Whether an answer is a failure for the policies. @default status ≥ 500, or 429 */
  readonly isFailure?: ((response: Response) => boolean) | undefined;
  /**
   * Whether POST, PATCH and the other methods that are not idempotent may be sent more than once, by a retry
   * or a hedge. A request with an `Idempotency-Key` may be anyway. @default false
   */
  readonly retryUnsafe?: boolean | undefined;
  /**
   * What a call is: until the headers are here (`'headers'`), or until the body is, too (`'body'`). Then the
   * policies' time limits hold for the body, one that breaks off is a failure, and the response comes when
   * its whole body is held in memory. @default 'headers'
   */
  readonly until?: 'headers' | 'body' | undefined;
}

/** Overload, and what went wrong at the other side. */
const isFailedAnswer = ({ status }: Response): boolean => status >= 500 || status === 429;

/**
 * A `fetch` whose every call goes through `policies`: one, a pipeline, or a row of them, outermost first.
 *
 * To them an answer that `isFailure` is an error ({@link HttpStatusError}, which says when to come back by
 * its `Retry-After`), and so retries and breakers see it. When there is no further try, the caller gets the
 * last response itself, as from any fetch. The bodies of the others are cancelled.
 *
 * A request is sent again only if that is safe: not if its body is a stream, and not if its method is not
 * idempotent, unless the error says that it was never sent. A hedge leaves such requests alone.
 *
 * `signal` ends the call in every policy, the waits of a retry included, and later the body.
 * @throws InvalidOptionsError when an option is wrong.
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-9.2.2 on idempotent methods
 *
 * @example
 * const stock = guardedFetch([new Retry({ deadlineMs: 2000 }), new CircuitBreaker({ name: 'stock' })]);
 * const find = (id: string): Promise<Response> => stock(`https://stock.example/items/${id}`);
 */
export function guardedFetch(
  policies: Policy | readonly Policy[],
  options: GuardedFetchOptions = {},
): Fetch {
  checkOptions(options);
  const { isFailure = isFailedAnswer, until = 'headers', retryUnsafe = false } = options;
  const send = senderOf(options);
  const whole = isRow(policies) ? pipeline('fetch', policies) : policies;
  const unsafe = retryUnsafe ? whole : sentOnce(whole, (error) => !wasNeverSent(error));
  // Read from, a stream is spent, also if nothing arrived; refused by a policy, it was not read from.
  const stream = sentOnce(
    whole,
    (error) => hasSpentItsBody(error) || !(error instanceof RejectedError),
  );
  const rows: Readonly<Record<Repeatability, Policy | undefined>> = {
    repeatable: whole,
    unsafe,
    stream,
  };
  return async function guarded(input, init) {
    // What no server has part in is no call: the fetch itself says what is wrong. Another may take more.
    if (options.fetch === undefined && !isWellFormed(input, init)) return send(input, init);
    const kind = repeatabilityOf(input, init);
    return new FetchCall({ send, isFailure, until }, { input, init, kind }).run(rows[kind]);
  };
}

function isRow(policies: Policy | readonly Policy[]): policies is readonly Policy[] {
  return Array.isArray(policies);
}

function senderOf({ fetch: given, dispatcher }: GuardedFetchOptions): Sender {
  if (dispatcher === undefined) return (input, init) => (given ?? globalThis.fetch)(input, init);
  // Node's own fetch is of an older undici, which speaks to its handlers by other names.
  const spoken = given === undefined ? new Dispatcher1Wrapper(dispatcher) : dispatcher;
  // Each undici has its own type for the one thing.
  const own = { dispatcher: spoken } as unknown as RequestInit;
  return (input, init) => (given ?? globalThis.fetch)(input, { ...own, ...init });
}

const RULES: Readonly<
  Record<keyof GuardedFetchOptions, { expected: string; accepts: (value: unknown) => boolean }>
> = {
  fetch: { expected: 'a function', accepts: isFunction },
  dispatcher: {
    expected: "undici's Dispatcher (an object with dispatch)",
    accepts: (value) => isFunction((Object(value) as Record<string, unknown>)['dispatch']),
  },
  isFailure: { expected: 'a function', accepts: isFunction },
  retryUnsafe: { expected: 'true or false', accepts: (value) => typeof value === 'boolean' },
  until: {
    expected: "'headers' or 'body'",
    accepts: (value) => value === 'headers' || value === 'body',
  },
};

function checkOptions(options: GuardedFetchOptions): void {
  const problems: OptionProblem[] = [];
  for (const [option, value] of Object.entries<unknown>({ ...options })) {
    if (value === undefined) continue;
    const rule = Object.hasOwn(RULES, option) ? RULES[option as keyof typeof RULES] : undefined;
    if (rule?.accepts(value)) continue;
    const expected =
      rule?.expected ?? `left out: there is no such option, only ${Object.keys(RULES).join(', ')}`;
    problems.push({ option, expected, got: inspect(value, { depth: 0 }) });
  }
  if (problems.length > 0) throw new InvalidOptionsError('guardedFetch', problems);
}

function isFunction(value: unknown): boolean {
  return typeof value === 'function';
}

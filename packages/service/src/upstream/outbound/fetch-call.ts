import {
  CallContext,
  plainContext,
  RejectedError,
  systemClock,
  type Policy,
  type TaskContext,
} from '@sluice/core';

import { HttpStatusError } from './http-status-error.ts';
import { isRequest, type Asked } from './request-traits.ts';

type Fetch = typeof globalThis.fetch;

export type Sender = (...args: Parameters<Fetch>) => ReturnType<Fetch>;

/** What is the same for all calls. */
export interface Sending {
  readonly send: Sender;
  readonly isFailure: (response: Response) => boolean;
  readonly until: 'headers' | 'body';
}

/** One call of a guarded fetch, which holds at most one answer that was a failure. */
export class FetchCall {
  readonly #sending: Sending;
  readonly #asked: Asked;
  readonly #signal: AbortSignal | undefined;
  /** What the caller gets if there is nothing better. */
  #failed: Response | undefined;
  #isOver = false;

  constructor(sending: Sending, asked: Asked) {
    this.#sending = sending;
    this.#asked = asked;
    this.#signal = signalOf(asked);
  }

  /** Goes through the policies of `row`, if there are any. */
  async run(row: Policy | undefined): Promise<Response> {
    const options = this.#signal && { signal: this.#signal };
    try {
      const answer = await (row
        ? row.execute((context) => this.#try(context), options)
        : this.#try());
      // A fallback may have chosen it.
      if (answer === this.#failed) this.#failed = undefined;
      return answer;
    } catch (error) {
      const last = this.#failed;
      if (!(error instanceof HttpStatusError) || last === undefined) throw error;
      this.#failed = undefined;
      return last;
    } finally {
      this.#isOver = true;
      this.#dropFailed();
    }
  }

  async #try(context: TaskContext = plainContext): Promise<Response> {
    this.#dropFailed();
    // The policies end a try, but no longer a body that the caller may be reading by then.
    const part = context instanceof CallContext ? new CallContext(systemClock, context) : undefined;
    try {
      return this.#judge(await this.#sendWithin(part ?? context));
    } finally {
      part?.close();
    }
  }

  async #sendWithin(context: TaskContext): Promise<Response> {
    const { send, until } = this.#sending;
    const { input, init, kind } = this.#asked;
    const signal = this.#signalFor(context);
    try {
      const response = await send(input, signal ? { ...init, signal } : init);
      // A clone is read through the response, which keeps what the clone has read.
      if (until === 'body') await response.clone().arrayBuffer();
      return response;
    } catch (error) {
      const told = refusalIn(error);
      if (kind === 'stream') spent.add(Object(told) as object);
      throw told;
    }
  }

  /** Answers with a good one, and keeps a failed one, unless whoever waited for it has been answered. */
  #judge(response: Response): Response {
    let isFailed = true;
    try {
      isFailed = this.#sending.isFailure(response);
    } catch (mistake) {
      cancel(response);
      throw mistake;
    }
    if (this.#isOver) cancel(response);
    if (!isFailed) return response;
    this.#dropFailed();
    if (!this.#isOver) this.#failed = response;
    throw new HttpStatusError(response);
  }

  /** The caller's own holds for the body, too, when the call is over. */
  #signalFor(context: TaskContext): AbortSignal | undefined {
    if (context === plainContext) return this.#signal;
    return this.#signal ? AbortSignal.any([this.#signal, context.signal]) : context.signal;
  }

  /** Its socket is free for others. */
  #dropFailed(): void {
    if (this.#failed) cancel(this.#failed);
    this.#failed = undefined;
  }
}

/** Errors of tries after which there is no body left to send. */
const spent = new WeakSet<object>();

export function hasSpentItsBody(error: unknown): boolean {
  return spent.has(Object(error) as object);
}

function signalOf({ input, init }: Asked): AbortSignal | undefined {
  if (init?.signal !== undefined) return init.signal ?? undefined;
  return isRequest(input) ? input.signal : undefined;
}

/** What a dispatcher refused, `fetch` tells as the cause of a TypeError; to policies it is a refusal. */
function refusalIn(error: unknown): unknown {
  const { cause } = Object(error) as { readonly cause?: unknown };
  return cause instanceof RejectedError ? cause : error;
}

function cancel(response: Response): void {
  // Rejects when somebody reads it, or when it has failed already: then there is nothing to end.
  response.body?.cancel().catch(() => undefined);
}

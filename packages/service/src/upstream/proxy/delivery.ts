import type { Duplex } from 'node:stream';

import { TimeoutError, type Clock } from '@sluice/core';
import type { Dispatcher } from 'undici';

import type { Attempt } from '../balancer/index.ts';
import type { RequestBody } from './request-body.ts';

type Handler = Dispatcher.DispatchHandler;
type Controller = Dispatcher.DispatchController;
type RawHeaders = Controller['rawHeaders'];
type ParsedHeaders = Parameters<NonNullable<Handler['onResponseStart']>>[2];

/** The head of an answer, as it came. */
export interface AnswerHead {
  readonly status: number;
  readonly statusText: string;
  readonly raw: RawHeaders;
  /** By their names in lower case. */
  readonly headers: ParsedHeaders;
}

/** Who began a delivery is told what becomes of it: of its head or its failure, of the rest, and of its end. */
export interface DeliveryHost {
  /** Says whether the body may flow on; it is held where it may not. */
  answered(delivery: Delivery, head: AnswerHead): boolean;
  /** Says whether the next part may come. */
  received(delivery: Delivery, chunk: Buffer): boolean;
  ended(delivery: Delivery, trailers: RawHeaders): void;
  failed(delivery: Delivery, error: Error): void;
  /** The connection is another's now; `release` is called when it is over. */
  upgraded(delivery: Delivery, head: AnswerHead, socket: Duplex, release: () => void): void;
}

/** What is the same for all deliveries of an upstream. */
export interface DeliveryTimes {
  readonly clock: Clock;
  /** From the request being sent to the head of the answer. */
  readonly headersTimeoutMs: number;
  /** A request that was not answered when its time was over speaks against the target if that had so long, in ms. */
  readonly blameAfterMs: number;
}

/** How much of an answer that nobody wants is read to save its connection, in bytes. */
const MOST_DISCARDED = 64 * 1024;

/**
 * One attempt on its way: a request to the target that was chosen, to the last that its connection has to do
 * with it. Settles the attempt once, as what it turned out to be.
 */
export class Delivery implements Handler {
  readonly attempt: Attempt;
  readonly body: RequestBody | undefined;
  /** Resolves when the target has nothing more to do with it. Never rejects. */
  readonly over: Promise<void>;
  readonly #host: DeliveryHost;
  readonly #times: DeliveryTimes;
  readonly #startMs: number;
  #resolveOver!: () => void;
  #isOver = false;
  #controller: Controller | undefined;
  #abortion: Error | undefined;
  #status = 0;
  #headersMs: number | undefined;
  #isToBlame = false;
  #isDiscarding = false;
  #discarded = 0;
  #hasSentAll = false;
  #sentMs: number;
  #cancelWatch: (() => void) | undefined;

  constructor(
    attempt: Attempt,
    body: RequestBody | undefined,
    host: DeliveryHost,
    times: DeliveryTimes,
  ) {
    this.attempt = attempt;
    this.body = body;
    this.#host = host;
    this.#times = times;
    this.#startMs = times.clock.nowMs();
    this.#sentMs = this.#startMs;
    this.over = new Promise((resolve) => {
      this.#resolveOver = resolve;
    });
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Whether anything may have reached the target. */
  get wasSent(): boolean {
    return this.#controller !== undefined;
  }

  /** Whether the client's body was asked for: then there is none left for another. */
  get hasConsumedBody(): boolean {
    return this.body?.isConsumed ?? false;
  }

  /** Sends it. What goes wrong is told to the host. */
  send(dispatcher: Dispatcher, request: Dispatcher.DispatchOptions): void {
    if (this.body) this.#watchSending();
    dispatcher.dispatch(request, this);
  }

  /** Ends it, for the caller's reasons: the target is to blame only for having had the time and not answered. */
  abort(reason: unknown): void {
    if (this.#isOver || this.#abortion) return;
    const { clock, blameAfterMs } = this.#times;
    const isLate = reason instanceof TimeoutError && this.#status === 0;
    this.#isToBlame = isLate && clock.nowMs() - this.#startMs >= blameAfterMs;
    this.#abortion = reason instanceof Error ? reason : new Error('aborted', { cause: reason });
    this.body?.destroy();
    // Without a controller it is on no connection yet, and ends as soon as it would be.
    this.#controller?.abort(this.#abortion);
  }

  /** Ends it because the target took too long. */
  expire(error: Error): void {
    if (this.#isOver || this.#abortion) return;
    this.#abortion = error;
    this.#fail(error);
    this.body?.destroy();
    this.#controller?.abort(error);
  }

  /** Lets a held answer flow. Soon, not now: undici reads one connection at a time, and it may be reading another. */
  resume(): void {
    queueMicrotask(() => this.#controller?.resume());
  }

  /** Nobody wants its answer: reads a small rest, so that the connection can be used again. */
  discard(): void {
    if (this.#isOver) return;
    this.#isDiscarding = true;
    this.resume();
  }

  onRequestStart(controller: Controller): void {
    this.#controller = controller;
    if (this.#abortion) controller.abort(this.#abortion);
  }

  onBodySent(): void {
    this.#sentMs = this.#times.clock.nowMs();
  }

  onRequestSent(): void {
    this.#hasSentAll = true;
    this.#sentMs = this.#times.clock.nowMs();
  }

  onResponseStart(
    controller: Controller,
    status: number,
    headers: ParsedHeaders,
    statusText = '',
  ): void {
    // An interim answer: the final one follows.
    if (status < 200) return;
    this.#headIsHere(status);
    const head = { status, statusText, raw: controller.rawHeaders, headers };
    if (!this.#host.answered(this, head)) controller.pause();
  }

  onRequestUpgrade(
    controller: Controller,
    status: number,
    headers: ParsedHeaders,
    socket: Duplex,
  ): void {
    this.#headIsHere(status);
    const head = { status, statusText: '', raw: controller.rawHeaders, headers };
    const release = (): void => this.#end();
    if (this.#abortion) {
      socket.destroy();
      release();
    } else {
      this.#host.upgraded(this, head, socket, release);
    }
  }

  onResponseData(controller: Controller, chunk: Buffer): void {
    if (this.#isDiscarding) {
      this.#discarded += chunk.length;
      if (this.#discarded > MOST_DISCARDED) this.abort(new Error('the answer is not wanted'));
    } else if (!this.#host.received(this, chunk)) {
      controller.pause();
    }
  }

  onResponseEnd(controller: Controller): void {
    this.#end();
    if (!this.#isDiscarding) this.#host.ended(this, controller.rawTrailers);
  }

  onResponseError(_controller: Controller | null, error: Error): void {
    if (this.#abortion) this.#end();
    else this.#fail(error);
  }

  #headIsHere(status: number): void {
    const nowMs = this.#times.clock.nowMs();
    this.#status = status;
    this.#headersMs = nowMs - this.#startMs;
    this.#cancelWatch?.();
    if (status < 500) this.attempt.answered(nowMs, this.#headersMs);
  }

  #end(): void {
    if (this.#isOver) return;
    if (this.#isToBlame) this.#settle('failure');
    // One that was ended by the caller says something only if it had been answered.
    else if (this.#abortion && this.#status === 0) this.#settle('ignored');
    else this.#settle(this.#status < 500 ? 'success' : 'failure');
  }

  #fail(error: Error): void {
    if (this.#isOver) return;
    // A body that would not come is the client's failure.
    this.#settle(this.body?.errored ? 'ignored' : 'failure');
    this.#host.failed(this, this.body?.errored ?? error);
  }

  #settle(outcome: 'success' | 'failure' | 'ignored'): void {
    const nowMs = this.#times.clock.nowMs();
    this.#isOver = true;
    this.#cancelWatch?.();
    this.attempt.settle(nowMs, outcome, this.#headersMs ?? nowMs - this.#startMs);
    this.#resolveOver();
  }

  /**
   * A body may take as long to send as the client takes to bring it, so the time for the head of the answer
   * counts from the last part that was sent, and not while the client owes the next one.
   */
  #watchSending(): void {
    const { clock, headersTimeoutMs } = this.#times;
    const check = (): void => {
      const nowMs = clock.nowMs();
      if (!this.#hasSentAll && this.body?.readableLength === 0) this.#sentMs = nowMs;
      const leftMs = this.#sentMs + headersTimeoutMs - nowMs;
      if (leftMs > 0) this.#cancelWatch = clock.schedule(leftMs, check);
      else this.expire(new HeadersOverdueError(headersTimeoutMs));
    };
    this.#cancelWatch = clock.schedule(headersTimeoutMs, check);
  }
}

/** The target took the whole request, or would not take more of it, and did not answer. */
class HeadersOverdueError extends Error {
  override readonly name = 'HeadersOverdueError';
  readonly code = 'UND_ERR_HEADERS_TIMEOUT';

  constructor(timeoutMs: number) {
    super(`no answer within ${timeoutMs} ms`);
  }
}

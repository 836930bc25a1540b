import type { Duplex } from 'node:stream';

import { TimeoutError, type Clock } from '@sluice/core';
import type { Dispatcher } from 'undici';

import type { Attempt } from '../balancer/index.ts';
import { isOwnFault } from '../outbound/index.ts';
import type { AnswerSink } from './answer-sink.ts';
import { ClientStalledError } from './client-errors.ts';
import { isOtherProtocol } from './failure-of.ts';
import { KeptAnswer } from './kept-answer.ts';
import type { RequestBody } from './request-body.ts';
import { trailersOf } from './trailers.ts';

type Handler = Dispatcher.DispatchHandler;
type Controller = Dispatcher.DispatchController;
type ParsedHeaders = Parameters<NonNullable<Handler['onResponseStart']>>[2];

/** The head of an answer, as it came. */
export interface AnswerHead {
  readonly status: number;
  readonly statusText: string;
  readonly raw: Controller['rawHeaders'];
  /** By their names in lower case. */
  readonly headers: ParsedHeaders;
}

/** Who began a delivery is told of its head, and of its failure. */
export interface DeliveryHost {
  /** Says at once what becomes of the answer: `flowInto`, `keep` or `discard`. */
  answered(delivery: Delivery, head: AnswerHead): void;
  failed(delivery: Delivery, error: Error): void;
  /** The connection is another's now; `release` is called when it is over. */
  upgraded(delivery: Delivery, head: AnswerHead, socket: Duplex, release: () => void): void;
}

/** What is the same for all deliveries of an upstream. */
export interface DeliveryTimes {
  readonly clock: Clock;
  /** From the request being sent to the head of the answer. */
  readonly headersTimeoutMs: number;
  /** Longest silence within a body, in ms. */
  readonly bodyTimeoutMs: number;
}

/** How much of an answer that nobody wants is read to save its connection, in bytes and in ms. */
const MOST_DISCARDED = 64 * 1024;
const DISCARDED_WITHIN_MS = 1000;

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
  #isToBlame = false;
  #status = 0;
  #headersMs: number | undefined;
  /** Where the answer goes; a number is what was thrown away of it, in bytes. */
  #into: AnswerSink | KeptAnswer | number = 0;
  /** When the target had the last part of the request that there is. */
  #sentMs: number;
  #hasSentAll: boolean;
  #clientBytes = 0;
  #clientMs: number;
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
    this.#clientMs = this.#startMs;
    this.#hasSentAll = body === undefined;
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
    const { headersTimeoutMs, bodyTimeoutMs } = this.#times;
    this.#lookAgainIn(this.body ? Math.min(headersTimeoutMs, bodyTimeoutMs) : headersTimeoutMs);
    try {
      dispatcher.dispatch(request, this);
    } catch (mistake) {
      this.onResponseError(null, mistake as Error);
    }
  }

  /**
   * Ends it, for the caller's reasons. The target is to blame only where the time was over, and it had had
   * the request for half of that time or more.
   */
  abort(reason: Error): void {
    if (this.#isOver || this.#abortion) return;
    this.#isToBlame = reason instanceof TimeoutError && this.#wasIdleFor(reason.timeoutMs / 2);
    this.#abortion = reason;
    this.#giveUp(reason);
  }

  /** Ends it because of what the target has done, or left undone. */
  expire(error: Error): void {
    if (this.#isOver || this.#abortion) return;
    this.#abortion = error;
    this.#fail(error);
    this.#giveUp(error);
  }

  /** The answer goes to the client, with what was kept of it. */
  flowInto(sink: AnswerSink): void {
    const kept = this.#into;
    this.#into = sink;
    if (kept instanceof KeptAnswer && kept.playInto(sink)) this.resume();
  }

  /** Nobody knows yet whether the answer is wanted. A small one is kept as a whole, and its connection free. */
  keep(): void {
    this.#into = new KeptAnswer();
  }

  /** Nobody wants its answer: reads a small rest, so that the connection can be used again. */
  discard(): void {
    if (this.#isOver) return;
    this.#into = 0;
    const tooLong = new Error('an answer that nobody wants takes too long');
    this.#cancelWatch?.();
    this.#cancelWatch = this.#times.clock.schedule(DISCARDED_WITHIN_MS, () => this.abort(tooLong));
    this.resume();
  }

  /** Lets the answer come on. Soon, not now: undici reads one connection at a time, and it may be reading another. */
  resume(): void {
    queueMicrotask(() => this.#controller?.resume());
  }

  onRequestStart(controller: Controller): void {
    this.#controller = controller;
    this.#sentMs = this.#times.clock.nowMs();
    if (this.#abortion) this.#giveUp(this.#abortion);
  }

  onBodySent(): void {
    this.#sentMs = this.#times.clock.nowMs();
  }

  onRequestSent(): void {
    this.#hasSentAll = true;
    if (this.body) this.#sentMs = this.#times.clock.nowMs();
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
    this.#host.answered(this, { status, statusText, raw: controller.rawHeaders, headers });
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
    const into = this.#into;
    if (typeof into !== 'number') {
      const mayGoOn = into instanceof KeptAnswer ? into.keep(chunk) : into.write(chunk);
      if (!mayGoOn) controller.pause();
      return;
    }
    this.#into = into + chunk.length;
    if (this.#into > MOST_DISCARDED) this.abort(new Error('an answer that nobody wants is large'));
  }

  onResponseEnd({ rawTrailers }: Controller): void {
    const into = this.#into;
    this.#end();
    if (into instanceof KeptAnswer) into.end(rawTrailers);
    else if (typeof into !== 'number') into.end(trailersOf(rawTrailers));
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
    const clients = this.body?.errored ?? undefined;
    // A body that would not come is the client's failure, and a mistake on this side nobody else's.
    const isTheirs = clients === undefined && !isOwnFault(error) && !isOtherProtocol(error);
    this.#settle(isTheirs ? 'failure' : 'ignored');
    this.#host.failed(this, clients ?? error);
  }

  #settle(outcome: 'success' | 'failure' | 'ignored'): void {
    const nowMs = this.#times.clock.nowMs();
    this.#isOver = true;
    this.#cancelWatch?.();
    this.body?.destroy();
    this.attempt.settle(nowMs, outcome, this.#headersMs ?? nowMs - this.#startMs);
    this.#resolveOver();
  }

  /** Without a controller it is on no connection yet, and ends as soon as it would be. */
  #giveUp(reason: Error): void {
    this.body?.destroy();
    this.#controller?.abort(reason);
  }

  /** Whether the target has had all that there is of the request for so long, and has not answered. */
  #wasIdleFor(ms: number): boolean {
    if (this.#status > 0 || this.#controller === undefined || this.#isClientSlow) return false;
    return this.#times.clock.nowMs() - this.#sentMs >= ms;
  }

  /** Whether the client owes the next part of the body. */
  get #isClientSlow(): boolean {
    // Nobody has asked for it before there is a connection.
    if (this.#controller === undefined || this.#hasSentAll) return false;
    return this.body?.readableLength === 0;
  }

  /**
   * A body may take as long to send as the client takes to bring it, so the time for the head of the answer
   * counts from the last part that was sent; while the client owes the next one, its silence is timed.
   */
  #lookAgainIn(ms: number): void {
    this.#cancelWatch = this.#times.clock.schedule(ms, () => this.#look());
  }

  #look(): void {
    const { clock, headersTimeoutMs, bodyTimeoutMs } = this.#times;
    const nowMs = clock.nowMs();
    const bytes = this.body?.bytes ?? 0;
    if (bytes !== this.#clientBytes || !this.#isClientSlow) this.#clientMs = nowMs;
    this.#clientBytes = bytes;
    if (this.#isClientSlow) {
      this.#sentMs = nowMs;
      if (nowMs - this.#clientMs >= bodyTimeoutMs) this.body?.destroy(new ClientStalledError());
      else this.#lookAgainIn(Math.min(headersTimeoutMs, this.#clientMs + bodyTimeoutMs - nowMs));
      return;
    }
    // Connecting has a time limit of its own.
    if (this.#controller === undefined) this.#sentMs = nowMs;
    const leftMs = this.#sentMs + headersTimeoutMs - nowMs;
    if (leftMs > 0) this.#lookAgainIn(leftMs);
    else this.expire(new HeadersOverdueError(headersTimeoutMs));
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

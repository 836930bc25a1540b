import { TimeoutError, type CircuitBreaker, type Permit } from '@sluice/core';
import type { Dispatcher } from 'undici';

import type { IsFailedAnswer } from './options.ts';
import { isOwnFault } from './own-fault.ts';

type Handler = Dispatcher.DispatchHandler;
type Controller = Dispatcher.DispatchController;
type Headers = Parameters<IsFailedAnswer>[1];
type Socket = Parameters<NonNullable<Handler['onRequestUpgrade']>>[3];

/**
 * One request under a breaker: passes on all that undici tells its handler, and settles the permit once,
 * always before it passes on what settles it, since a handler may throw.
 */
export class GuardedRequest implements Handler {
  readonly #breaker: CircuitBreaker;
  readonly #handler: Handler;
  readonly #isFailure: IsFailedAnswer;
  #permit: Permit | undefined;
  #startMs = 0;
  /** From the start to the headers of the answer. */
  #headersMs: number | undefined;
  /** The request's body; undefined but for a stream, which may break on its own. */
  #upload: { readonly errored?: unknown } | undefined;
  /** Whether the handler has thrown, by which undici ends the request. */
  #isForsaken = false;

  constructor(breaker: CircuitBreaker, handler: Handler, isFailure: IsFailedAnswer) {
    this.#breaker = breaker;
    this.#handler = handler;
    this.#isFailure = isFailure;
  }

  /** Hands it on, unless the breaker is open: then it fails at once. */
  send(dispatch: Dispatcher.Dispatch, request: Dispatcher.DispatchOptions): boolean {
    const { clock } = this.#breaker;
    this.#permit = this.#breaker.tryAcquire();
    this.#startMs = clock.nowMs();
    if (this.#permit === undefined) return this.#refuse();
    const { body } = request;
    if (typeof body === 'object' && body !== null && 'errored' in body) this.#upload = body;
    try {
      return dispatch(request, this);
    } catch (mistake) {
      this.#ignore(); // It never left this side.
      throw mistake;
    }
  }

  onRequestStart(controller: Controller, context: unknown): void {
    this.#passOn(() => this.#handler.onRequestStart?.(controller, context));
  }

  onResponseStart(
    controller: Controller,
    statusCode: number,
    headers: Headers,
    statusMessage?: string,
  ): void {
    // Those below are interim: the answer is still to come.
    if (statusCode >= 200) this.#judge(statusCode, headers);
    this.#passOn(() =>
      this.#handler.onResponseStart?.(controller, statusCode, headers, statusMessage),
    );
  }

  onRequestUpgrade(
    controller: Controller,
    statusCode: number,
    headers: Headers,
    socket: Socket,
  ): void {
    this.#judge(statusCode, headers);
    this.#succeed();
    this.#handler.onRequestUpgrade?.(controller, statusCode, headers, socket);
  }

  onResponseData(controller: Controller, chunk: Buffer): void {
    this.#passOn(() => this.#handler.onResponseData?.(controller, chunk));
  }

  onResponseEnd(controller: Controller, trailers: Headers): void {
    this.#succeed();
    this.#handler.onResponseEnd?.(controller, trailers);
  }

  onResponseError(controller: Controller, error: Error): void {
    this.#settle(controller, error);
    this.#handler.onResponseError?.(controller, error);
  }

  onResponseStarted(): void {
    this.#handler.onResponseStarted?.();
  }

  onBodySent(chunk: Buffer): void {
    this.#handler.onBodySent?.(chunk);
  }

  onRequestSent(): void {
    this.#handler.onRequestSent?.();
  }

  #refuse(): boolean {
    const { clock } = this.#breaker;
    const error = this.#breaker.refuse(Math.max(0, this.#breaker.peek(clock.nowMs())));
    // As undici itself does for a request that never had a controller.
    const none = null as unknown as Controller;
    if (this.#handler.onResponseError === undefined) throw error;
    this.#handler.onResponseError(none, error);
    return true;
  }

  #judge(statusCode: number, headers: Headers): void {
    this.#headersMs = this.#breaker.clock.nowMs() - this.#startMs;
    // Now rather than at its end: the bodies of failures are seldom read.
    if (this.#isFailed(statusCode, headers)) this.#fail();
  }

  #isFailed(statusCode: number, headers: Headers): boolean {
    try {
      return this.#isFailure(statusCode, headers);
    } catch (mistake) {
      process.emitWarning(mistake instanceof Error ? mistake : String(mistake));
      return statusCode >= 500;
    }
  }

  #settle(controller: Controller | null, error: Error): void {
    const wasEnded = this.#isForsaken || controller?.aborted === true;
    const reason = wasEnded ? (controller?.reason ?? error) : error;
    if (isTimeout(reason)) this.#fail(reason);
    else if (wasEnded && this.#headersMs !== undefined) this.#succeed();
    else if (wasEnded || this.#isOwn(reason)) this.#ignore();
    else this.#fail(error);
  }

  #isOwn(error: Error): boolean {
    const { name } = error as { name?: unknown };
    return isOwnFault(error) || name === 'AbortError' || this.#upload?.errored === error;
  }

  /** What the handler does wrong is the caller's, not the origin's. */
  #passOn(tell: () => void): void {
    try {
      tell();
    } catch (mistake) {
      this.#isForsaken = true;
      throw mistake;
    }
  }

  #succeed(): void {
    this.#take()?.success(this.#headersMs);
  }

  #fail(error?: Error): void {
    this.#take()?.failure(error);
  }

  #ignore(): void {
    this.#take()?.ignore();
  }

  #take(): Permit | undefined {
    const permit = this.#permit;
    this.#permit = undefined;
    return permit;
  }
}

/** Also that of `AbortSignal.timeout`, by which most callers set their time limits. */
function isTimeout(reason: unknown): reason is Error {
  if (reason instanceof TimeoutError) return !reason.cutShort;
  return reason instanceof Error && reason.name === 'TimeoutError';
}

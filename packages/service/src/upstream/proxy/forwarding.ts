import type { Duplex } from 'node:stream';

import {
  CallContext,
  QueueFullError,
  RejectedError,
  UpstreamError,
  type Clock,
  type Policy,
  type Retry,
  type TaskContext,
} from '@sluice/core';
import type { Dispatcher } from 'undici';

import type { Attempt, Targets } from '../balancer/index.ts';
import { AnswerSink, type AnswerSinkHost } from './answer-sink.ts';
import { Forwarded, type ForwardCall } from './call.ts';
import { ClientStalledError } from './client-errors.ts';
import type { Connections } from './connections.ts';
import { Delivery, type AnswerHead, type DeliveryHost, type DeliveryTimes } from './delivery.ts';
import { failureOf, mayBeRepeated } from './failure-of.ts';
import { RequestBody } from './request-body.ts';
import { tunnel } from './tunnel.ts';

/** What all requests to one upstream have in common. */
export interface ForwardingParts extends DeliveryTimes {
  readonly name: string;
  readonly targets: Targets;
  readonly connections: Connections;
  /** Longest silence of a stream, a tunnel, or a client that takes none of its answer, in ms. */
  readonly idleTimeoutMs: number;
  /** For requests that may be sent more than once at a time; undefined where none is. */
  readonly hedged: Policy | undefined;
  /** For all others, once their first try has failed; undefined where there is no second one. */
  readonly retry: Retry | undefined;
  /** Statuses that ask for another try. */
  readonly retryStatuses: ReadonlySet<number>;
}

/** RFC 9110, section 9.2.2. */
const IDEMPOTENT: ReadonlySet<string> = new Set([
  'GET',
  'HEAD',
  'OPTIONS',
  'PUT',
  'DELETE',
  'TRACE',
]);

/** What Node writes into a status line. */
const REASON = /^[\t\u0020-\u007e\u0080-\u00ff]*$/;

/**
 * One request on its way to an upstream: tries targets until one answers, passes that answer on as it
 * comes, and ends the other tries.
 */
export class Forwarding implements DeliveryHost, AnswerSinkHost {
  readonly #parts: ForwardingParts;
  readonly #call: ForwardCall;
  readonly #isIdempotent: boolean;
  readonly #deliveries: Delivery[] = [];
  /** Those without an answer, and how their makers learn of it. */
  readonly #waiting = new Map<Delivery, PromiseWithResolvers<Delivery>>();
  /** The one whose answer the client gets. */
  #winner: Delivery | undefined;
  /** An answer that asked for another try, kept until there is a better one. */
  #held: { readonly delivery: Delivery; readonly head: AnswerHead } | undefined;
  #sink: AnswerSink | undefined;
  #status = 0;
  #broken: Error | undefined;
  #cutTunnel: (() => void) | undefined;

  constructor(parts: ForwardingParts, call: ForwardCall) {
    this.#parts = parts;
    this.#call = call;
    this.#isIdempotent = IDEMPOTENT.has(call.request.method ?? '');
  }

  /**
   * Settles when the target is through with the answer that was passed on: with how it went, or with why
   * nothing could be passed on, or not all.
   */
  async run(): Promise<Forwarded> {
    const { context } = this.#call;
    const end = (reason: unknown): void => this.#abort(asError(reason));
    context.onAbort(end);
    try {
      await this.#answer();
      await this.#winner?.over;
      if (this.#broken !== undefined) throw this.#broken;
      return new Forwarded(this.#status);
    } finally {
      context.offAbort(end);
    }
  }

  answered(delivery: Delivery, head: AnswerHead): void {
    const waiting = this.#leave(delivery);
    if (this.#winner !== undefined || waiting === undefined) {
      delivery.discard();
    } else if (this.#asksForAnother(delivery, head)) {
      this.#held?.delivery.discard();
      this.#held = { delivery, head };
      delivery.keep();
      waiting.reject(this.#statusError(delivery, head));
    } else {
      const mistake = this.#start(delivery, head);
      if (mistake) waiting.reject(mistake);
      else waiting.resolve(delivery);
    }
  }

  failed(delivery: Delivery, error: Error): void {
    const told = this.#told(delivery, error);
    const waiting = this.#leave(delivery);
    if (waiting) waiting.reject(told);
    else if (delivery === this.#winner) this.#breakOff(told);
    else if (delivery === this.#held?.delivery) this.#held = undefined;
  }

  upgraded(delivery: Delivery, head: AnswerHead, socket: Duplex, release: () => void): void {
    const waiting = this.#leave(delivery);
    const { upgrade, context } = this.#call;
    if (upgrade === undefined || waiting === undefined || context.aborted) {
      socket.destroy();
      release();
      return;
    }
    this.#winner = delivery;
    this.#status = head.status;
    try {
      const client = upgrade.accept(head.status, this.#call.answerHeaders(head.raw, false));
      const { idleTimeoutMs } = this.#parts;
      this.#cutTunnel = tunnel({ client, target: socket, idleTimeoutMs }, release);
      waiting.resolve(delivery);
    } catch (mistake) {
      socket.destroy();
      release();
      waiting.reject(asError(mistake));
    }
  }

  get clock(): Clock {
    return this.#parts.clock;
  }

  /** A slow client takes so much at a time that it seems to take nothing for long. */
  get patienceMs(): number {
    return this.#parts.idleTimeoutMs;
  }

  drained(): void {
    this.#winner?.resume();
  }

  stalled(): void {
    const error = new ClientStalledError('the client takes none of its answer any more');
    this.#winner?.abort(error);
    this.#breakOff(error);
  }

  /** Until an answer flows to the client. */
  async #answer(): Promise<void> {
    const { hedged } = this.#parts;
    const { context, hasBody, upgrade } = this.#call;
    const isRepeatable = this.#isIdempotent && !hasBody && upgrade === undefined;
    try {
      if (hedged && isRepeatable) await hedged.execute((part) => this.#try(part), context);
      else await this.#tryUntilItAnswers();
    } catch (error) {
      const held = this.#held;
      // A refusal, or the end of the time, says less than what a target has answered.
      if (held === undefined || context.aborted || this.#winner !== undefined) throw error;
      this.#held = undefined;
      const mistake = this.#start(held.delivery, held.head);
      if (mistake) throw mistake;
    } finally {
      this.#held?.delivery.discard();
      this.#held = undefined;
      for (const delivery of this.#waiting.keys()) delivery.abort(new Error('another was quicker'));
    }
  }

  /** Nearly every first try is the last: a retry begins where one has failed, and hears of it as of its own. */
  async #tryUntilItAnswers(): Promise<void> {
    const { retry } = this.#parts;
    const { context } = this.#call;
    let failed: Error | undefined;
    try {
      await this.#try(context);
      if (retry?.budget) retry.budget.recordFirstTry();
      return;
    } catch (error) {
      if (retry === undefined || !mayBeRepeated(error)) throw error;
      failed = error;
    }
    await retry.execute((part) => {
      if (failed === undefined) return this.#try(part);
      const error = failed;
      failed = undefined;
      throw error;
    }, context);
  }

  /** One try: resolves when its answer flows. Throws for a refusal. */
  #try(part: TaskContext): Promise<Delivery> {
    const attempt = this.#parts.targets.isAwaited ? undefined : this.#take();
    return attempt === undefined ? this.#tryWhenThereIsRoom(part) : this.#deliver(attempt, part);
  }

  #take(): Attempt | undefined {
    const before = this.#deliveries;
    const tried = before.length === 0 ? undefined : before.map(({ attempt }) => attempt);
    const attempt = this.#parts.targets.take(this.#parts.clock.nowMs(), tried);
    if (attempt instanceof RejectedError) throw attempt;
    return attempt;
  }

  /** Others may have more connections than requests that were let in: by hedges, or since they end slowly. */
  #tryWhenThereIsRoom(part: TaskContext): Promise<Delivery> {
    const { name, targets } = this.#parts;
    if (this.#waiting.size > 0) throw new QueueFullError(name, `${name}: no room for a hedge`);
    const context = part instanceof CallContext ? part : this.#call.context;
    return new Promise((resolve, reject) => {
      const leave = targets.whenRoom(() => {
        try {
          const attempt = this.#take();
          if (attempt === undefined) return false;
          context.offAbort(end);
          resolve(this.#deliver(attempt, part));
        } catch (refusal) {
          context.offAbort(end);
          reject(asError(refusal));
        }
        return true;
      });
      const end = (reason: unknown): void => {
        leave();
        reject(asError(reason));
      };
      context.onAbort(end);
    });
  }

  #deliver(attempt: Attempt, part: TaskContext): Promise<Delivery> {
    const { request, context, hasBody, maxBodyBytes } = this.#call;
    const body = hasBody ? new RequestBody(request, maxBodyBytes) : undefined;
    const delivery = new Delivery(attempt, body, this, this.#parts);
    const waiting = Promise.withResolvers<Delivery>();
    this.#deliveries.push(delivery);
    this.#waiting.set(delivery, waiting);
    if (part instanceof CallContext && part !== context) {
      part.onAbort((reason) => {
        if (delivery !== this.#winner) delivery.abort(asError(reason));
      });
    }
    this.#send(delivery);
    return waiting.promise;
  }

  #send(delivery: Delivery): void {
    const { connections, bodyTimeoutMs, idleTimeoutMs } = this.#parts;
    const { request, upgrade, path, isStream } = this.#call;
    const { target } = delivery.attempt;
    const isWhole = upgrade !== undefined || delivery.body !== undefined;
    const line = isWhole ? connections.forWhole(target) : connections.to(target);
    const options: Dispatcher.DispatchOptions & { servername: string } = {
      path,
      method: request.method as Dispatcher.HttpMethod,
      headers: this.#call.headersFor(line.authority),
      body: delivery.body ?? null,
      upgrade: upgrade?.protocol ?? null,
      headersTimeout: 0,
      bodyTimeout: isStream ? idleTimeoutMs : bodyTimeoutMs,
      servername: line.serverName,
    };
    delivery.send(line.dispatcher, options);
  }

  /** Passes the head on to the client; gives why it cannot, if no client may be sent it. */
  #start(delivery: Delivery, { status, statusText, raw, headers }: AnswerHead): Error | undefined {
    const { response, request } = this.#call;
    const hasBody = request.method !== 'HEAD' && status !== 204 && status !== 304;
    try {
      const reason = REASON.test(statusText) ? statusText : '';
      response.writeHead(status, reason, this.#call.answerHeaders(raw, hasBody));
    } catch (cause) {
      // What it has kept of that head would stand in the answer of our own.
      response.statusMessage = '';
      response.shouldKeepAlive = false;
      const message = `${this.#parts.name}: the head of the answer is not valid`;
      const error = new UpstreamError(this.#parts.name, message, {
        failure: 'invalid',
        repeatable: false,
        cause,
      });
      delivery.expire(error);
      return error;
    }
    this.#winner = delivery;
    this.#status = status;
    this.#call.onStart();
    const length = Number(headers['content-length'] ?? Number.NaN);
    this.#sink = new AnswerSink(response, { hasBody, length }, this);
    delivery.flowInto(this.#sink);
    return undefined;
  }

  #asksForAnother(delivery: Delivery, { status }: AnswerHead): boolean {
    const { retryStatuses } = this.#parts;
    return retryStatuses.has(status) && this.#isIdempotent && !delivery.hasConsumedBody;
  }

  #statusError({ attempt }: Delivery, { status, headers }: AnswerHead): UpstreamError {
    const { name, targets } = this.#parts;
    // Another target may be free at once; a single one is left alone for as long as it asks.
    const seconds = targets.all.length === 1 ? Number(headers['retry-after']) : Number.NaN;
    return new UpstreamError(name, `${name}: ${attempt.name} answered ${status}`, {
      failure: 'status',
      repeatable: true,
      retryAfterMs: seconds >= 0 ? seconds * 1000 : undefined,
    });
  }

  #told(delivery: Delivery, error: Error): Error {
    return failureOf(error, {
      upstream: this.#parts.name,
      target: delivery.attempt.name,
      repeatable: !delivery.hasConsumedBody && (this.#isIdempotent || !delivery.wasSent),
    });
  }

  #breakOff(error: Error): void {
    this.#broken ??= error;
    this.#sink?.breakOff();
    this.#call.onBroken(error);
  }

  #abort(reason: Error): void {
    for (const [delivery, waiting] of this.#waiting) {
      delivery.abort(reason);
      waiting.reject(reason);
    }
    this.#waiting.clear();
    this.#held?.delivery.discard();
    this.#held = undefined;
    this.#cutTunnel?.();
    const winner = this.#winner;
    if (winner === undefined || winner.isOver) return;
    winner.abort(reason);
    if (!this.#call.response.destroyed) this.#breakOff(reason);
    else this.#broken ??= reason;
  }

  #leave(delivery: Delivery): PromiseWithResolvers<Delivery> | undefined {
    const waiting = this.#waiting.get(delivery);
    this.#waiting.delete(delivery);
    return waiting;
  }
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error('ended', { cause: reason });
}

import type { Duplex } from 'node:stream';

import {
  CallContext,
  QueueFullError,
  RejectedError,
  UpstreamError,
  type Clock,
  type Policy,
  type TaskContext,
} from '@sluice/core';
import type { Dispatcher } from 'undici';

import type { Targets } from '../balancer/index.ts';
import { AnswerSink, type AnswerSinkHost } from './answer-sink.ts';
import { Forwarded, type ForwardCall } from './call.ts';
import type { Connections } from './connections.ts';
import { Delivery, type AnswerHead, type DeliveryHost, type DeliveryTimes } from './delivery.ts';
import { failureOf } from './failure-of.ts';
import { ClientLeftError, RequestBody } from './request-body.ts';
import { trailersOf } from './trailers.ts';
import { tunnel } from './tunnel.ts';

/** What all requests to one upstream have in common. */
export interface ForwardingParts extends DeliveryTimes {
  readonly name: string;
  readonly targets: Targets;
  readonly connections: Connections;
  /** Longest silence within a body, in ms. */
  readonly bodyTimeoutMs: number;
  /** Longest silence of a stream or a tunnel, in ms. */
  readonly idleTimeoutMs: number;
  /** For requests that may be sent more than once; undefined where there is no second try. */
  readonly repeats: Policy | undefined;
  /** For all others: tried again only while nothing was sent. */
  readonly retries: Policy | undefined;
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

/**
 * One request on its way to an upstream: tries targets until one answers, passes that answer on as it
 * comes, and ends the other tries. Whatever happens to it, it settles when no target has to do with it any
 * more.
 */
export class Forwarding implements DeliveryHost, AnswerSinkHost {
  readonly #parts: ForwardingParts;
  readonly #call: ForwardCall;
  readonly #isIdempotent: boolean;
  readonly #deliveries: Delivery[] = [];
  /** How its maker learns that it has answered or failed. */
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

  /** Settles when it is over: with how it went, or with why nothing could be passed on. */
  async run(): Promise<Forwarded> {
    const { context } = this.#call;
    const end = (reason: unknown): void => this.#abort(reason);
    context.onAbort(end);
    try {
      await this.#answer();
      await this.#winner?.over;
      if (this.#broken !== undefined) throw this.#broken;
      return new Forwarded(this.#status);
    } finally {
      context.offAbort(end);
      for (const delivery of this.#deliveries) if (!delivery.isOver) await delivery.over;
    }
  }

  answered(delivery: Delivery, head: AnswerHead): boolean {
    const waiting = this.#waiting.get(delivery);
    this.#waiting.delete(delivery);
    if (this.#winner !== undefined || waiting === undefined) {
      delivery.discard();
      return true;
    }
    if (this.#asksForAnother(delivery, head)) {
      this.#drop(this.#held?.delivery);
      this.#held = { delivery, head };
      waiting.reject(this.#statusError(delivery, head));
      return false;
    }
    const mistake = this.#start(delivery, head);
    if (mistake) waiting.reject(mistake);
    else waiting.resolve(delivery);
    return true;
  }

  received(_delivery: Delivery, chunk: Buffer): boolean {
    return this.#sink?.write(chunk) ?? true;
  }

  ended(delivery: Delivery, trailers: AnswerHead['raw']): void {
    if (delivery === this.#winner) this.#sink?.end(trailersOf(trailers));
  }

  failed(delivery: Delivery, error: Error): void {
    const told = this.#told(delivery, error);
    const waiting = this.#waiting.get(delivery);
    this.#waiting.delete(delivery);
    if (waiting) waiting.reject(told);
    else if (delivery === this.#winner) this.#breakOff(told);
    else if (delivery === this.#held?.delivery) this.#held = undefined;
  }

  drained(): void {
    this.#winner?.resume();
  }

  stalled(): void {
    this.#abort(new ClientLeftError());
  }

  get clock(): Clock {
    return this.#parts.clock;
  }

  upgraded(delivery: Delivery, head: AnswerHead, socket: Duplex, release: () => void): void {
    const waiting = this.#waiting.get(delivery);
    this.#waiting.delete(delivery);
    const { upgrade, context } = this.#call;
    if (upgrade === undefined || waiting === undefined || context.aborted) {
      socket.destroy();
      release();
      return;
    }
    this.#winner = delivery;
    this.#status = head.status;
    const client = upgrade.accept(head.status, this.#call.answerHeaders(head.raw, false));
    const { idleTimeoutMs } = this.#parts;
    this.#cutTunnel = tunnel({ client, target: socket, idleTimeoutMs }, release);
    waiting.resolve(delivery);
  }

  /** Until an answer flows to the client. */
  async #answer(): Promise<void> {
    const { repeats, retries } = this.#parts;
    const { context, hasBody, upgrade } = this.#call;
    const isRepeatable = this.#isIdempotent && !hasBody && upgrade === undefined;
    const policy = isRepeatable ? repeats : retries;
    try {
      if (policy) await policy.execute((part) => this.#try(part), context);
      else await this.#try(context);
    } catch (error) {
      const held = this.#held;
      // A refusal, or the end of the time, says less than what a target has answered.
      if (held === undefined || context.aborted || this.#winner !== undefined) throw error;
      this.#held = undefined;
      const mistake = this.#start(held.delivery, held.head);
      if (mistake) throw mistake;
      held.delivery.resume();
    } finally {
      this.#drop(this.#held?.delivery);
      for (const delivery of this.#waiting.keys()) delivery.abort(new Error('another was quicker'));
    }
  }

  #try(part: TaskContext): Promise<Delivery> {
    const { targets, clock, name } = this.#parts;
    const before = this.#deliveries;
    const tried = before.length === 0 ? undefined : before.map(({ attempt }) => attempt);
    const attempt = targets.take(clock.nowMs(), tried);
    if (attempt === undefined) {
      throw new QueueFullError(name, `${name}: every target has as many requests as it may have`);
    }
    if (attempt instanceof RejectedError) throw attempt;
    const body = this.#call.hasBody
      ? new RequestBody(this.#call.request, this.#call.maxBodyBytes)
      : undefined;
    const delivery = new Delivery(attempt, body, this, this.#parts);
    const waiting = Promise.withResolvers<Delivery>();
    this.#deliveries.push(delivery);
    this.#waiting.set(delivery, waiting);
    if (part instanceof CallContext && part !== this.#call.context) {
      part.onAbort((reason) => {
        if (delivery !== this.#winner) delivery.abort(reason);
      });
    }
    try {
      this.#send(delivery);
    } catch (mistake) {
      delivery.onResponseError(null, mistake as Error);
    }
    return waiting.promise;
  }

  #send(delivery: Delivery): void {
    const { connections, headersTimeoutMs } = this.#parts;
    const { request, upgrade, path } = this.#call;
    const line = upgrade
      ? connections.forUpgrade(delivery.attempt.target)
      : connections.to(delivery.attempt.target);
    const options: Dispatcher.DispatchOptions & { servername: string } = {
      path,
      method: request.method as Dispatcher.HttpMethod,
      headers: this.#call.headersFor(line.authority),
      body: delivery.body ?? null,
      upgrade: upgrade?.protocol ?? null,
      headersTimeout: delivery.body ? 0 : headersTimeoutMs,
      bodyTimeout: this.patienceMs,
      servername: line.serverName,
    };
    delivery.send(line.dispatcher, options);
  }

  /** The longest silence in the body of the answer, in ms. */
  get patienceMs(): number {
    const { bodyTimeoutMs, idleTimeoutMs } = this.#parts;
    return this.#call.isStream ? idleTimeoutMs : bodyTimeoutMs;
  }

  /** Passes the head on to the client; gives why it cannot, if no client may be sent it. */
  #start(delivery: Delivery, head: AnswerHead): Error | undefined {
    const { response, request } = this.#call;
    this.#winner = delivery;
    this.#status = head.status;
    const hasBody = request.method !== 'HEAD' && head.status !== 204 && head.status !== 304;
    try {
      const headers = this.#call.answerHeaders(head.raw, hasBody);
      response.writeHead(head.status, head.statusText, headers);
    } catch (cause) {
      this.#winner = undefined;
      // What it has kept of that head would stand in the answer of our own.
      response.statusMessage = '';
      response.shouldKeepAlive = false;
      const message = `${this.#parts.name}: the head of the answer is not valid`;
      const details = { failure: 'invalid', repeatable: false, cause } as const;
      const error = new UpstreamError(this.#parts.name, message, details);
      delivery.abort(error);
      return error;
    }
    this.#call.onStart();
    const length = Number(head.headers['content-length'] ?? Number.NaN);
    this.#sink = new AnswerSink(response, { hasBody, length }, this);
    return undefined;
  }

  #asksForAnother(delivery: Delivery, head: AnswerHead): boolean {
    const { retryStatuses } = this.#parts;
    return retryStatuses.has(head.status) && this.#isIdempotent && !delivery.hasConsumedBody;
  }

  #statusError(delivery: Delivery, { status, headers }: AnswerHead): UpstreamError {
    const { name, targets } = this.#parts;
    // Another target may be free at once; a single one is left alone for as long as it asks.
    const seconds = targets.all.length === 1 ? Number(headers['retry-after']) : Number.NaN;
    return new UpstreamError(name, `${name}: ${delivery.attempt.name} answered ${status}`, {
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

  #abort(given: unknown): void {
    const reason = given instanceof Error ? given : new Error('ended', { cause: given });
    for (const [delivery, waiting] of this.#waiting) {
      delivery.abort(reason);
      waiting.reject(reason);
    }
    this.#waiting.clear();
    this.#drop(this.#held?.delivery);
    this.#cutTunnel?.();
    const winner = this.#winner;
    if (winner === undefined || winner.isOver) return;
    winner.abort(reason);
    if (!this.#call.response.destroyed) this.#breakOff(reason);
    else this.#broken ??= reason;
  }

  #drop(delivery: Delivery | undefined): void {
    this.#held = undefined;
    delivery?.discard();
  }
}

import {
  Hedge,
  pipeline,
  Retry,
  RetryBudget,
  UpstreamFailure,
  WorkerPool,
  type Clock,
  type HedgeStats,
  type Listener,
  type Policy,
  type Random,
  type RetryStats,
  type WorkerPoolStats,
} from '@sluice/core';

import type { ResolvedUpstream } from '../../config/index.ts';
import {
  HealthChecks,
  type Probe,
  Targets,
  type TargetsEvents,
  type TargetStats,
} from '../balancer/index.ts';
import type { Forwarded, ForwardCall } from './call.ts';
import { Connections } from './connections.ts';
import { Forwarding, type ForwardingParts } from './forwarding.ts';
import { readTls, type TlsFileProblem } from './read-tls.ts';

/** How long a request that was given up may hold its place, at the least, in ms. */
const ABANDON_AFTER_MS = 5000;

export interface UpstreamEnvironment {
  readonly clock: Clock;
  readonly random: Random;
}

export interface UpstreamStats {
  readonly targets: readonly TargetStats[];
  /** The requests under way, and those that wait to be. */
  readonly admission: WorkerPoolStats;
  readonly retry: RetryStats | undefined;
  readonly hedge: HedgeStats | undefined;
}

/** What happens to targets now and then, each with the target's name. */
export type UpstreamEvents = TargetsEvents;

/**
 * Servers that do the same, and to which routes go in place of a handler: chooses one for each request,
 * passes request and answer on as they flow, and stays away from targets that fail. Requests reach the
 * configured targets and no others.
 *
 * Routes admit their requests through `admission`, which bounds those under way and those that wait.
 */
export class Upstream {
  readonly name: string;
  readonly targets: Targets;
  /** As many lanes as targets that can be used may have requests, and `pending` places to wait. */
  readonly admission: WorkerPool;
  readonly #config: ResolvedUpstream;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #connections: Connections;
  readonly #parts: ForwardingParts;
  readonly #retry: Retry | undefined;
  readonly #hedge: Hedge | undefined;
  #health: HealthChecks | undefined;

  constructor(name: string, config: ResolvedUpstream, environment: UpstreamEnvironment) {
    const { clock, random } = environment;
    this.name = `upstream ${name}`;
    this.#clock = clock;
    this.#random = random;
    this.#config = config;
    this.#connections = new Connections(config);
    const { connections, breaker, ejection, slowStartMs, targets } = config;
    const isLookedUp = config.resolve === 'dns';
    this.targets = new Targets(isLookedUp ? [] : targets.map((origin) => ({ origin })), {
      name: this.name,
      connections,
      breaker,
      ejection,
      slowStartMs,
      clock,
      random,
    });
    this.admission = new WorkerPool({
      name: this.name,
      size: Math.max(1, this.targets.capacity),
      queue: config.pending,
      abandonAfterMs: ABANDON_AFTER_MS + config.connectTimeoutMs,
      clock,
    });
    this.targets.on('capacity', ({ capacity }) => {
      this.admission.update({ size: Math.max(1, capacity) });
    });
    this.targets.on('removed', ({ target }) => this.#connections.forget(target));
    this.#retry = retryOf(this.name, config, environment);
    this.#hedge = config.hedge && new Hedge({ ...config.hedge, name: `${this.name} hedge`, clock });
    this.#parts = this.#partsOf(config);
  }

  /** Reads the certificates that the configuration names, relative to `folder`; gives what is wrong with them. */
  async prepare(folder: string): Promise<readonly TlsFileProblem[]> {
    const { tls: named } = this.#config;
    if (named === undefined) return [];
    const { tls, problems } = await readTls(named, folder);
    this.#connections.secureWith(tls);
    return problems;
  }

  /** Looks up names and begins the health checks. Resolves when there are targets, or soon in any case. */
  async start(): Promise<void> {
    this.#health ??= this.#checksOf(this.#config);
  }

  /** Answers a request that was let in; see {@link Forwarding}. */
  forward(call: ForwardCall): Promise<Forwarded> {
    return new Forwarding(this.#parts, call).run();
  }

  on<K extends keyof UpstreamEvents>(event: K, listener: Listener<UpstreamEvents[K]>): () => void {
    return this.targets.on(event, listener);
  }

  stats(): UpstreamStats {
    return {
      targets: this.targets.stats(),
      admission: this.admission.stats(),
      retry: this.#retry?.stats(),
      hedge: this.#hedge?.stats(),
    };
  }

  /** Ends the watch over the targets and cuts every connection to them. */
  async stop(): Promise<void> {
    this.#health?.stop();
    this.targets.stop();
    await this.#connections.stop();
  }

  #partsOf(config: ResolvedUpstream): ForwardingParts {
    const retry = this.#retry;
    const hedge = this.#hedge;
    const row: Policy[] = [retry, hedge].filter((policy) => policy !== undefined);
    const { headersTimeoutMs, bodyTimeoutMs, idleTimeoutMs } = config;
    return {
      name: this.name,
      clock: this.#clock,
      targets: this.targets,
      connections: this.#connections,
      headersTimeoutMs,
      bodyTimeoutMs,
      idleTimeoutMs,
      blameAfterMs: Math.min(headersTimeoutMs, config.timeoutMs) / 2,
      repeats: row.length < 2 ? row[0] : pipeline(this.name, row),
      retries: retry,
      retryStatuses: new Set(config.retry === false ? [] : config.retry.statuses),
    };
  }

  #checksOf({ health }: ResolvedUpstream): HealthChecks | undefined {
    if (health === undefined) return undefined;
    const { path, statuses, ...times } = health;
    const probe: Probe = async (target, signal) => {
      const { dispatcher, serverName, authority } = this.#connections.to(target);
      // undici's own types leave the name for TLS out.
      const secured: object = { servername: serverName };
      const headers = { host: authority };
      const answer = await dispatcher.request({ ...secured, path, method: 'GET', headers, signal });
      await answer.body.dump();
      return answer.statusCode >= statuses.from && answer.statusCode <= statuses.to;
    };
    return new HealthChecks(this.targets, probe, {
      ...times,
      clock: this.#clock,
      random: this.#random,
    });
  }
}

function retryOf(
  name: string,
  { retry }: ResolvedUpstream,
  { clock, random }: UpstreamEnvironment,
): Retry | undefined {
  if (retry === false) return undefined;
  const { maxAttempts, backoff, maxRetryAfterMs, budget } = retry;
  return new Retry({
    name: `${name} retry`,
    maxAttempts,
    backoff,
    maxRetryAfterMs,
    budget: budget && new RetryBudget({ ...budget, clock }),
    when: (error) => error instanceof UpstreamFailure && error.repeatable,
    clock,
    random,
  });
}

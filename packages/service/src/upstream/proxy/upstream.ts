import {
  WorkerPool,
  type HedgeStats,
  type Listener,
  type RetryStats,
  type WorkerPoolStats,
} from '@sluice/core';

import type { ResolvedUpstream } from '../../config/index.ts';
import {
  DnsTargets,
  HealthChecks,
  Targets,
  type DnsEvents,
  type DnsNameStats,
  type HealthChecksStats,
  type TargetsEvents,
  type TargetStats,
} from '../balancer/index.ts';
import type { Forwarded, ForwardCall } from './call.ts';
import { Connections } from './connections.ts';
import { Forwarding, type ForwardingParts } from './forwarding.ts';
import { healthProbe } from './health-probe.ts';
import { readTls, type TlsFileProblem } from './read-tls.ts';
import {
  upstreamPolicies,
  type UpstreamEnvironment,
  type UpstreamPolicies,
} from './upstream-policies.ts';

/** How long a request that was given up may hold its place, at the least, in ms. */
const ABANDON_AFTER_MS = 5000;
/** How long a start waits for the addresses of names, in ms. */
const FIRST_LOOKUP_MS = 5000;

export interface UpstreamStats {
  readonly targets: readonly TargetStats[];
  /** The requests under way, and those that wait to be. */
  readonly admission: WorkerPoolStats;
  /** Of requests whose first try failed, or that are hedged; undefined: there are no retries; and so for the rest. */
  readonly retry: RetryStats | undefined;
  readonly hedge: HedgeStats | undefined;
  readonly health: HealthChecksStats | undefined;
  readonly names: readonly DnsNameStats[] | undefined;
}

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
  readonly #environment: UpstreamEnvironment;
  readonly #connections: Connections;
  readonly #policies: UpstreamPolicies;
  readonly #parts: ForwardingParts;
  readonly #dns: DnsTargets | undefined;
  #health: HealthChecks | undefined;

  constructor(name: string, config: ResolvedUpstream, environment: UpstreamEnvironment) {
    const { dns, pending, connectTimeoutMs } = config;
    const { clock } = environment;
    this.name = `upstream ${name}`;
    this.#config = config;
    this.#environment = environment;
    this.#connections = new Connections(config);
    this.targets = targetsOf(this.name, config, environment);
    this.#dns = dns && new DnsTargets(this.targets, config.targets, { ...dns, ...environment });
    this.admission = new WorkerPool({
      name: this.name,
      size: Math.max(1, this.targets.capacity),
      queue: pending,
      abandonAfterMs: ABANDON_AFTER_MS + connectTimeoutMs,
      clock,
    });
    this.targets.on('capacity', ({ capacity }) => {
      this.admission.update({ size: Math.max(1, capacity) });
    });
    this.targets.on('removed', ({ target }) => this.#connections.forget(target));
    this.#policies = upstreamPolicies(this.name, config, environment);
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

  /** Looks up names and begins the health checks. Resolves when the addresses are there, or soon in any case. */
  async start(): Promise<void> {
    await this.#dns?.start(FIRST_LOOKUP_MS);
    const { health } = this.#config;
    if (health === undefined) return;
    const probe = healthProbe(this.#connections, health);
    this.#health = new HealthChecks(this.targets, probe, { ...health, ...this.#environment });
  }

  /** Answers a request that was let in; see {@link Forwarding}. */
  forward(call: ForwardCall): Promise<Forwarded> {
    return new Forwarding(this.#parts, call).run();
  }

  /** What happens to targets now and then. */
  on<K extends keyof TargetsEvents>(event: K, listener: Listener<TargetsEvents[K]>): () => void {
    return this.targets.on(event, listener);
  }

  /** Of the lookups of names; never where there are none. */
  onLookup<K extends keyof DnsEvents>(event: K, listener: Listener<DnsEvents[K]>): () => void {
    return this.#dns?.on(event, listener) ?? ((): void => undefined);
  }

  stats(): UpstreamStats {
    const { retry, hedge } = this.#policies;
    return {
      targets: this.targets.stats(),
      admission: this.admission.stats(),
      retry: retry?.stats(),
      hedge: hedge?.stats(),
      health: this.#health?.stats(),
      names: this.#dns?.stats(),
    };
  }

  /** Ends the watch over the targets and cuts every connection to them. */
  async stop(): Promise<void> {
    this.#health?.stop();
    this.#dns?.stop();
    this.targets.stop();
    await this.#connections.stop();
  }

  #partsOf(config: ResolvedUpstream): ForwardingParts {
    const { headersTimeoutMs, bodyTimeoutMs, idleTimeoutMs, retry } = config;
    return {
      name: this.name,
      clock: this.#environment.clock,
      targets: this.targets,
      connections: this.#connections,
      headersTimeoutMs,
      bodyTimeoutMs,
      idleTimeoutMs,
      hedged: this.#policies.hedged,
      retry: this.#policies.retry,
      retryStatuses: new Set(retry === false ? [] : retry.statuses),
    };
  }
}

/** Where names are looked up there is no target before that. */
function targetsOf(
  name: string,
  config: ResolvedUpstream,
  environment: UpstreamEnvironment,
): Targets {
  const { connections, breaker, ejection, slowStartMs, dns, targets } = config;
  const addresses = dns === undefined ? targets.map((origin) => ({ origin })) : [];
  const options = { name, connections, breaker, ejection, slowStartMs, ...environment };
  return new Targets(addresses, options);
}

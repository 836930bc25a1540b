import type { AddressInfo } from 'node:net';

import {
  InvalidOptionsError,
  MetricsCollector,
  PoolStoppedError,
  systemClock,
  type CircuitBreakerStats,
  type Clock,
  type KeyedLimiterStats,
  type MetricsSnapshot,
  type PolicyRegistry,
  type RateLimiterStats,
  type WorkerPoolStats,
} from '@sluice/core';
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';

import { resolveConfig, type ResolvedConfig, type ServiceConfig } from './config/index.ts';
import { loadHandlers } from './handlers/index.ts';
import { createHttpServer, Exchanges, pathOf, requestFields } from './http/index.ts';
import type { Exchange, Handler } from './http/index.ts';
import { operations } from './operations.ts';
import { createPolicies, type Policies } from './policies.ts';
import { createRoutes } from './routes.ts';
import { shutDown, stopAll, type StopReport } from './shutdown.ts';
import { createLogger, Endpoints, flushLog } from './telemetry/index.ts';
import type { Upstream, UpstreamStats } from './upstream/index.ts';

export interface ServiceOptions {
  /** @default a pino logger that writes JSON lines to standard output */
  readonly logger?: Logger;
  /** @default systemClock */
  readonly clock?: Clock;
  /** The folder that handlers in files are looked up from. @default the working directory */
  readonly folder?: string;
}

export type ServiceState = 'new' | 'starting' | 'ready' | 'draining' | 'stopped';

export interface ServiceStats {
  readonly state: ServiceState;
  readonly uptimeMs: number;
  readonly connections: number;
  readonly activeRequests: number;
  /** All requests since the start; answered below 400 is a success. */
  readonly requests: MetricsSnapshot;
  readonly limiters: Readonly<Record<string, RateLimiterStats | KeyedLimiterStats>>;
  readonly breakers: Readonly<Record<string, CircuitBreakerStats>>;
  readonly pools: Readonly<Record<string, WorkerPoolStats>>;
  readonly upstreams: Readonly<Record<string, UpstreamStats>>;
}

/**
 * An HTTP service that holds under load: request → limiter → breaker → pool → handler → metrics, per
 * route. Its policies are public, so that every setting can be changed while it runs.
 */
export class Service {
  readonly config: ResolvedConfig<Handler>;
  readonly limiters: Policies['limiters'];
  readonly breakers: Policies['breakers'];
  readonly pools: Policies['pools'];
  readonly upstreams: Policies['upstreams'];
  /**
   * All of them in one, by the policies' own names: `breaker orders` is `breakers.get('orders')`.
   * Add what the handlers call through, and an operator finds it here, too.
   */
  readonly policies: PolicyRegistry;
  readonly #policies: Policies;
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #folder: string;
  readonly #startedMs: number;
  readonly #endpoints = new Endpoints();
  readonly #exchanges: Exchanges;
  readonly #requests = new MetricsCollector();
  #state: ServiceState = 'new';
  #app: FastifyInstance | undefined;
  #starting: Promise<string> | undefined;
  #stopping: Promise<StopReport> | undefined;

  /** @throws InvalidOptionsError naming everything that is wrong with the configuration. */
  constructor(config: ServiceConfig<Handler>, options: ServiceOptions = {}) {
    const resolution = resolveConfig<Handler>(config);
    if (!resolution.ok) throw invalidConfig(resolution.problems);
    this.config = resolution.config;
    this.#clock = options.clock ?? systemClock;
    this.#logger = options.logger ?? createLogger(this.config.log);
    this.#folder = options.folder ?? process.cwd();
    this.#startedMs = this.#clock.nowMs();
    this.#exchanges = new Exchanges(this.#clock, (exchange, ms) => this.#count(exchange, ms));
    const policies = createPolicies(this.config, this.#clock);
    this.#policies = policies;
    this.limiters = policies.limiters;
    this.breakers = policies.breakers;
    this.pools = policies.pools;
    this.upstreams = policies.upstreams;
    this.policies = policies.registry;
    logEvents(policies, this.#logger);
  }

  get state(): ServiceState {
    return this.#state;
  }

  /**
   * Loads the handlers and listens. Resolves with the URL; asked again, it answers the same.
   * Rejects with InvalidOptionsError for a handler that cannot be had, with the system's error when
   * the address cannot be listened on, and with PoolStoppedError after `stop`.
   */
  start(): Promise<string> {
    this.#starting ??= this.#stopping ? Promise.reject(neverAgain()) : this.#start();
    return this.#starting;
  }

  /**
   * Shuts down so that nothing accepted is lost, within `shutdown.timeoutMs`; see {@link shutDown} for
   * the steps. Never rejects; asked again, it answers the same.
   */
  stop(): Promise<StopReport> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  stats(): ServiceStats {
    return {
      state: this.#state,
      uptimeMs: this.#clock.nowMs() - this.#startedMs,
      connections: this.#exchanges.connections,
      activeRequests: this.#exchanges.active,
      requests: this.#requests.snapshot(),
      limiters: statsOf<RateLimiterStats | KeyedLimiterStats>(this.limiters),
      breakers: statsOf(this.breakers),
      pools: statsOf(this.pools),
      upstreams: statsOf(this.upstreams),
    };
  }

  async #start(): Promise<string> {
    this.#state = 'starting';
    try {
      const { handlers, findings } = await loadHandlers(
        this.config.routes,
        this.#folder,
        this.#clock,
      );
      const wrong = [...findings, ...(await this.#prepareUpstreams())];
      if (wrong.length > 0) throw invalidConfig(wrong);
      await Promise.all([...this.upstreams.values()].map((upstream) => upstream.start()));
      this.#app = this.#createApp(handlers);
      const { host, port } = this.config.server;
      await this.#app.listen({ host, port });
      this.#state = 'ready';
      return urlOf(this.#app.server.address() as AddressInfo);
    } catch (error) {
      this.#state = 'stopped';
      await this.#app?.close();
      await stopAll(this.upstreams.values());
      throw error;
    }
  }

  async #prepareUpstreams(): Promise<readonly Wrong[]> {
    const found = await Promise.all(
      [...this.upstreams].map(async ([name, upstream]) => {
        const problems = await upstream.prepare(this.#folder);
        return problems.map(({ option, path, reason }) => ({
          path: `upstreams.${name}.tls.${option}`,
          expected: 'a file that can be read',
          found: JSON.stringify(path),
          remedy: reason,
        }));
      }),
    );
    return found.flat();
  }

  #createApp(handlers: readonly (Handler | undefined)[]): FastifyInstance {
    const { server: config } = this.config;
    const [clock, logger, exchanges] = [this.#clock, this.#logger, this.#exchanges];
    const routes = createRoutes({
      config: this.config,
      handlers,
      policies: this.#policies,
      clock,
      logger,
      exchanges,
    });
    const parts = { config, routes, endpoints: this.#endpoints, exchanges, logger, clock };
    const { limiters, breakers, pools } = this;
    const activeRequests = (): number => exchanges.active;
    const metrics = { endpoints: this.#endpoints, activeRequests, limiters, breakers, pools };
    const isReady = (): boolean => this.#state === 'ready';
    return createHttpServer(parts, operations({ isReady, stats: () => this.stats(), metrics }));
  }

  async #stop(): Promise<StopReport> {
    // At once when it is ready, so that nobody is told so any more.
    if (this.#state !== 'ready') await this.#starting?.catch(() => undefined);
    const app = this.#app;
    if (app === undefined || this.#state !== 'ready') {
      await stopAll([...this.limiters.values(), ...this.upstreams.values()]);
      this.#state = 'stopped';
      return { endedEarly: 0, cut: 0, durationMs: 0 };
    }
    this.#state = 'draining';
    this.#logger.info('draining: not ready any more, finishing what was accepted');
    const upstreams = [...this.upstreams.values()];
    const report = await shutDown({
      app,
      exchanges: this.#exchanges,
      limiters: this.limiters.values(),
      pools: [...this.pools.values(), ...upstreams.map(({ admission }) => admission)],
      upstreams,
      clock: this.#clock,
      config: this.config.shutdown,
    });
    this.#state = 'stopped';
    this.#logger.info(report, 'stopped');
    await flushLog(this.#logger);
    return report;
  }

  /** An exchange is over: counts it, and logs it if wanted. */
  #count(exchange: Exchange, durationMs: number): void {
    const { request, method, status } = exchange;
    const endpoint = exchange.endpoint ?? this.#endpoints.unmatched;
    endpoint.record(status, durationMs);
    this.#requests.record(durationMs, status < 400);
    if (!this.config.log.requests || request === undefined) return;
    const path = pathOf(request.url);
    const fields = { ...requestFields(request), method, path, route: endpoint.pattern };
    this.#logger.info({ ...fields, status, durationMs }, 'request');
  }
}

/** Makes a service; see {@link Service}. @throws InvalidOptionsError */
export function createService(
  config: ServiceConfig<Handler>,
  options: ServiceOptions = {},
): Service {
  return new Service(config, options);
}

function neverAgain(): PoolStoppedError {
  return new PoolStoppedError(
    'service',
    'service: it was stopped, and cannot be started after that',
  );
}

/** What an operator wants to read of afterwards. */
function logEvents({ breakers, pools, upstreams }: Policies, logger: Logger): void {
  for (const [name, breaker] of breakers) {
    breaker.on('stateChange', ({ from, to, reason }) =>
      logger.warn({ breaker: name, from, to, reason }, 'a breaker changed its state'),
    );
  }
  for (const [name, pool] of pools) {
    pool.on('abandoned', ({ afterMs }) =>
      logger.warn({ pool: name, afterMs }, 'a task would not end, and its lane was given away'),
    );
  }
  for (const [name, upstream] of upstreams) logUpstream(name, upstream, logger);
}

function logUpstream(name: string, upstream: Upstream, logger: Logger): void {
  upstream.on('ejected', ({ target, forMs, count }) =>
    logger.warn(
      { upstream: name, target: target.name, forMs, count },
      'a target keeps failing, and is left alone',
    ),
  );
  upstream.on('returned', ({ target }) =>
    logger.info({ upstream: name, target: target.name }, 'a target gets requests again'),
  );
  upstream.onLookup('failed', ({ host, error, failures }) =>
    logger.warn({ upstream: name, host, failures, err: error }, 'a name could not be looked up'),
  );
  upstream.on('unhealthy', ({ target }) =>
    logger.warn({ upstream: name, target: target.name }, 'a target fails its health checks'),
  );
  upstream.on('healthy', ({ target }) =>
    logger.info({ upstream: name, target: target.name }, 'a target passes its health checks again'),
  );
}

function statsOf<S>(policies: ReadonlyMap<string, { stats(): S }>): Readonly<Record<string, S>> {
  return Object.fromEntries([...policies].map(([name, policy]) => [name, policy.stats()]));
}

interface Wrong {
  readonly path: string;
  readonly expected: string;
  readonly found: string;
  readonly remedy?: string | undefined;
}

function invalidConfig(problems: readonly Wrong[]): InvalidOptionsError {
  const listed = problems.map(({ path, expected, found, remedy }) => ({
    option: path === '' ? 'the configuration' : path,
    expected,
    got: remedy === undefined ? found : `${found} (${remedy})`,
  }));
  return new InvalidOptionsError('createService', listed);
}

function urlOf({ address, port, family }: AddressInfo): string {
  const host = address === '0.0.0.0' || address === '::' ? 'localhost' : address;
  return `http://${family === 'IPv6' && host !== 'localhost' ? `[${host}]` : host}:${port}`;
}

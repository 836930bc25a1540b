import { isIP } from 'node:net';

import { Emitter, type Listener } from '@sluice/core';

import { nameOf, type TargetAddress } from '../target.ts';
import type { Targets } from '../targets.ts';
import { NameLookup } from './name-lookup.ts';
import { resolveDnsOptions, type DnsOptions, type DnsTargetsOptions } from './options.ts';
import { WatchedName, type WatchHost } from './watched-name.ts';

const QUERY_TIMEOUT_MS = 2000;

export interface DnsEvents {
  /** The targets are others than before. */
  changed: { readonly addresses: readonly TargetAddress[] };
  /** A lookup failed: what was known of the name stays. `failures`: so many in a row. */
  failed: { readonly host: string; readonly error: unknown; readonly failures: number };
}

export interface DnsNameStats {
  readonly host: string;
  readonly addresses: readonly string[];
  /** Lookups that failed since the last that went well. */
  readonly failures: number;
}

/**
 * Keeps the targets of a set what DNS says that their names stand for: each address is a target of its own,
 * and a name is looked up again when its TTL is over. The order of the answers does not matter. A lookup that
 * fails leaves the last known addresses, and is repeated with backoff. Origins whose host is an IP address are
 * targets as they are.
 *
 * Timers do not keep the process alive.
 */
export class DnsTargets {
  readonly #targets: Targets;
  readonly #clock: DnsTargetsOptions['clock'];
  readonly #lookup = new NameLookup();
  readonly #events = new Emitter<DnsEvents>();
  readonly #host: WatchHost;
  #origins: readonly string[];
  readonly #names = new Map<string, WatchedName>();
  #published = '';
  /** Whoever waits for the first results. */
  #onStarted: (() => void) | undefined;
  #isStarted = false;
  #isStopped = false;

  /** @param targets whose addresses are changed by this alone. */
  constructor(targets: Targets, origins: readonly string[], options: DnsTargetsOptions) {
    const { clock, random, queryTimeoutMs: timeoutMs = QUERY_TIMEOUT_MS } = options;
    this.#targets = targets;
    this.#clock = clock;
    this.#origins = origins;
    this.#host = {
      clock,
      random,
      options: resolveDnsOptions(options),
      lookUp: (name) => {
        return this.#lookup.resolve(name, { servers: this.#host.options.servers, timeoutMs });
      },
      lookedUp: (name, error) => this.#lookedUp(name, error),
    };
  }

  /**
   * Begins. Resolves when every name was looked up once, well or not, or after `timeoutMs`: with what is known
   * then, all at once, or with no target. Never rejects. To be called once.
   */
  async start(timeoutMs: number): Promise<void> {
    const started = new Promise<void>((resolve) => {
      this.#onStarted = resolve;
    });
    const cancel = this.#clock.schedule(timeoutMs, () => this.#setStarted());
    this.#watch();
    this.#startIfReady();
    await started;
    cancel();
  }

  /** Changes what is given, live: TTLs and servers from the next lookup of each name on. */
  update(changes: DnsOptions & { readonly origins?: readonly string[] }): void {
    const { origins, ...options } = changes;
    this.#host.options = resolveDnsOptions({ ...this.#host.options, ...options });
    if (origins === undefined) return;
    this.#origins = origins;
    if (this.#onStarted === undefined || this.#isStopped) return;
    this.#watch();
    this.#publish();
  }

  on<K extends keyof DnsEvents>(event: K, listener: Listener<DnsEvents[K]>): () => void {
    return this.#events.on(event, listener);
  }

  /** Of each name that is watched. */
  stats(): readonly DnsNameStats[] {
    return [...this.#names.values()].map(({ name, addresses, failures }) => {
      return { host: name, addresses, failures };
    });
  }

  /** Ends lookups and timers. The targets stay as they are. */
  stop(): void {
    this.#isStopped = true;
    for (const name of this.#names.values()) name.stop();
    this.#lookup.cancel();
    this.#onStarted?.();
  }

  /** Watches the names of the origins, and no others. */
  #watch(): void {
    const wanted = new Set(this.#origins.map(hostOf).filter((host) => isIP(host) === 0));
    for (const [host, name] of this.#names) {
      if (wanted.has(host)) continue;
      name.stop();
      this.#names.delete(host);
    }
    for (const host of wanted) {
      if (!this.#names.has(host)) this.#names.set(host, new WatchedName(this.#host, host));
    }
  }

  #lookedUp({ name: host, failures }: WatchedName, error: unknown): void {
    if (error !== undefined) this.#events.emit('failed', { host, error, failures });
    if (this.#isStarted) this.#publish();
    else this.#startIfReady();
  }

  #startIfReady(): void {
    if ([...this.#names.values()].every(({ hasResult }) => hasResult)) this.#setStarted();
  }

  /** All at once, so that none of the first targets counts as a newcomer among the others. */
  #setStarted(): void {
    if (this.#isStarted || this.#isStopped) return;
    this.#isStarted = true;
    this.#publish();
    this.#onStarted?.();
  }

  #publish(): void {
    if (!this.#isStarted) return;
    const addresses = this.#origins.flatMap((origin) => this.#addressesOf(origin));
    const published = addresses.map(nameOf).join('\n');
    if (published === this.#published) return;
    this.#published = published;
    this.#targets.update({ addresses });
    this.#events.emit('changed', { addresses });
  }

  #addressesOf(origin: string): readonly TargetAddress[] {
    const host = hostOf(origin);
    if (isIP(host) > 0) return [{ origin }];
    const { addresses = [] } = this.#names.get(host) ?? {};
    return addresses.map((address) => ({ origin, address }));
  }
}

/** The host of an origin, without the brackets of an IPv6 address. */
function hostOf(origin: string): string {
  return new URL(origin).hostname.replace(/^\[|\]$/g, '');
}

import { connect, type Socket } from 'node:net';
import {
  integer,
  label,
  objectWith,
  optional,
  required,
  resolveOptions,
  systemClock,
  systemRandom,
  type Clock,
  type OptionRules,
  type Random,
  type Rule,
} from '../../core/index.ts';
import { FaultLink } from './fault-link.ts';
import { faultRules, type Direction, type Faults } from './faults.ts';
import { HeldListener } from './held-listener.ts';

/** Where the proxy sends what comes in. */
export interface FaultProxyTarget {
  readonly port: number;
  /** @default '127.0.0.1' */
  readonly host?: string;
}

export interface FaultProxyOptions {
  readonly target: FaultProxyTarget;
  /** Address to listen at. @default '127.0.0.1' */
  readonly host?: string;
  /** Port to listen at; 0: any free one. @default 0 */
  readonly port?: number;
  /** Times latency and bandwidth. @default the machine's */
  readonly clock?: Clock;
  /** Draws the jitter. @default the machine's */
  readonly random?: Random;
}

/** Who is touched by a fault: one direction, or both. */
export type Directions = Direction | 'both';

const HEALTHY: Required<Faults> = resolveOptions('Faults', {}, faultRules);

/**
 * A TCP proxy that spoils the network on purpose, between a client under test and a real server: latency,
 * narrow bandwidth, silence, refusals, resets. Faults can be set and taken back at any time, for new and
 * for existing connections. The words are those of Toxiproxy.
 *
 * A proxy has a TCP stack at either side, so it cannot drop single packets, and it accepts what a real
 * network would leave in the SYN state: a hang begins after the connection is made.
 * @see https://github.com/Shopify/toxiproxy
 */
export class FaultProxy implements AsyncDisposable {
  readonly #options: Required<FaultProxyOptions>;
  readonly #links = new Set<FaultLink>();
  readonly #faults: Record<Direction, Required<Faults>> = {
    upstream: HEALTHY,
    downstream: HEALTHY,
  };
  readonly #bytes: Record<Direction, number> = { upstream: 0, downstream: 0 };
  #listener: HeldListener | undefined;
  #accepted = 0;
  #resetsNew = false;

  private constructor(options: Required<FaultProxyOptions>) {
    this.#options = options;
  }

  /**
   * A proxy that listens, and has no faults yet.
   * @throws InvalidOptionsError; the system's error (`EADDRINUSE`, …) when it cannot listen
   */
  static async listen(options: FaultProxyOptions): Promise<FaultProxy> {
    const proxy = new FaultProxy(
      resolveOptions('FaultProxy', options, rules) as Required<FaultProxyOptions>,
    );
    proxy.#listener = await HeldListener.open(proxy.#options, (client) => proxy.#accept(client));
    return proxy;
  }

  get host(): string {
    return this.#options.host;
  }

  get port(): number {
    return (this.#listener as HeldListener).port;
  }

  /** As a base for HTTP: `http://host:port`. */
  get url(): string {
    return `http://${this.host.includes(':') ? `[${this.host}]` : this.host}:${this.port}`;
  }

  /** How many connections are open now. */
  get connections(): number {
    return this.#links.size;
  }

  /** How many connections came in so far, those that were reset at once included. */
  get accepted(): number {
    return this.#accepted;
  }

  /** How many bytes were passed on so far, each way. */
  get bytes(): Readonly<Record<Direction, number>> {
    return { ...this.#bytes };
  }

  /**
   * Sets faults, beside those that are there: what `faults` leaves out stays as it is. At once, for all
   * connections and for the bytes that are under way.
   * @throws InvalidOptionsError
   */
  set(faults: Faults, directions: Directions = 'both'): void {
    for (const direction of each(directions)) {
      const next = resolveOptions('Faults', { ...this.#faults[direction], ...faults }, faultRules);
      this.#faults[direction] = next;
      for (const link of this.#links) link.update(direction, next);
    }
  }

  /** From now on nothing comes through, and nobody is told: `set({ hang: true })`. */
  hang(directions: Directions = 'both'): void {
    this.set({ hang: true }, directions);
  }

  /**
   * Lets no new connections in; existing ones go on. `'closed'`: nobody listens, so that a connect fails
   * with ECONNREFUSED; the port stays the proxy's. `'reset'`: a connection is made and reset at once.
   */
  async refuse(how: 'closed' | 'reset' = 'closed'): Promise<void> {
    this.#resetsNew = how === 'reset';
    if (how === 'closed') await this.#listener?.close();
    else await this.#listener?.reopen();
  }

  /**
   * Sends an RST to both ends of every connection that was made before the call; later ones are let in.
   * Resolves when it has been sent.
   */
  async reset(): Promise<void> {
    await this.#toEach((link) => link.reset());
  }

  /**
   * Sends a FIN on every connection that was made before the call: `'downstream'` to the clients,
   * `'upstream'` to the target. What is under way in that direction is lost; the other one goes on. Resolves
   * when it has been sent.
   */
  async halfClose(directions: Directions): Promise<void> {
    await this.#toEach((link) => link.halfClose(directions));
  }

  /** Takes back all faults and lets connections in. Those that live go on, with what was held up. */
  async heal(): Promise<void> {
    this.#resetsNew = false;
    await this.#listener?.reopen();
    this.set(HEALTHY);
  }

  /** Closes the port and all connections. Resolves when no socket and no timer is left. */
  async stop(): Promise<void> {
    await this.#listener?.stop();
    await Promise.all([...this.#links].map((link) => link.stop()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #toEach(act: (link: FaultLink) => void): Promise<void> {
    await this.#listener?.afterBacklog(() => {
      for (const link of this.#links) act(link);
    });
  }

  #accept(client: Socket): void {
    this.#accepted++;
    if (this.#resetsNew) {
      client.resetAndDestroy();
      return;
    }
    const { host = '127.0.0.1', port } = this.#options.target;
    const link = new FaultLink({
      client,
      target: connect({ host, port, allowHalfOpen: true, noDelay: true }),
      clock: this.#options.clock,
      random: this.#options.random,
      faults: this.#faults,
      onPassed: (direction, bytes) => {
        this.#bytes[direction] += bytes;
      },
      onGone: () => this.#links.delete(link),
    });
    this.#links.add(link);
    // Pipes that begin in a hang do not read.
    for (const direction of each('both')) link.update(direction, this.#faults[direction]);
  }
}

function each(directions: Directions): readonly Direction[] {
  return directions === 'both' ? ['upstream', 'downstream'] : [directions];
}

const aPort = integer(1, 65_535);

/** A server that has an address is one, whatever else it has. */
const aTarget: Rule<FaultProxyTarget> = {
  expected: 'an object with a port from 1 to 65535, and a host if it is not 127.0.0.1',
  accepts: (v): v is FaultProxyTarget => {
    const { port, host } = (v ?? {}) as Partial<FaultProxyTarget>;
    return aPort.accepts(port) && (host === undefined || label.accepts(host));
  },
};

const rules: OptionRules<FaultProxyOptions> = {
  target: required(aTarget),
  host: optional(label, () => '127.0.0.1'),
  port: optional(integer(0, 65_535), () => 0),
  clock: optional(
    objectWith<Clock>('a Clock', 'nowMs', 'wallTimeMs', 'schedule'),
    () => systemClock,
  ),
  random: optional(objectWith<Random>('a Random', 'next'), () => systemRandom),
};

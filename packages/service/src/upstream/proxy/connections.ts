import { isIP } from 'node:net';

import { buildConnector, Pool, type Dispatcher } from 'undici';

import type { Target } from '../balancer/index.ts';

export interface TlsOptions {
  readonly ca?: string | Buffer | undefined;
  readonly cert?: string | Buffer | undefined;
  readonly key?: string | Buffer | undefined;
  readonly serverName?: string | undefined;
  readonly verify?: boolean | undefined;
}

export interface ConnectionsOptions {
  readonly connections: number;
  readonly connectTimeoutMs: number;
  readonly keepAliveMs: number;
  readonly http2: boolean;
}

/** How a target is spoken to. */
export interface Line {
  readonly dispatcher: Dispatcher;
  /** What its certificate must be for; ignored without TLS. */
  readonly serverName: string;
  /** `host:port` as the target knows itself. */
  readonly authority: string;
}

type LineKind = Pick<ConnectionsOptions, 'http2' | 'connections'>;

/** The connections of one upstream, by target and by what they are for: heads, whole requests, health checks. */
export class Connections {
  readonly #options: ConnectionsOptions;
  #tls: TlsOptions = {};
  readonly #multiplexed = new Map<Target, Line>();
  readonly #plain = new Map<Target, Line>();
  readonly #probes = new Map<Target, Line>();
  /** Those of targets that are gone, while requests are under way to them. */
  readonly #closing = new Set<Dispatcher>();

  constructor(options: ConnectionsOptions) {
    this.#options = options;
  }

  /** Where a request goes that is no more than a head. */
  to(target: Target): Line {
    const { http2, connections } = this.#options;
    const isSecure = target.address.origin.startsWith('https:');
    if (!http2 || !isSecure) return this.forWhole(target);
    return this.#lineIn(this.#multiplexed, target, { http2, connections });
  }

  /**
   * Where a request goes that has a body, or may take the connection over. Always HTTP/1.1: an upload that is
   * broken off over HTTP/2 stops Node for good, and its target is not told (undici 8.12, Node 24).
   */
  forWhole(target: Target): Line {
    const { connections } = this.#options;
    return this.#lineIn(this.#plain, target, { http2: false, connections });
  }

  /** A connection that no request takes. */
  forProbe(target: Target): Line {
    return this.#lineIn(this.#probes, target, { http2: false, connections: 1 });
  }

  /** From now on, connections with TLS are made with these. */
  secureWith(tls: TlsOptions): void {
    this.#tls = tls;
  }

  /** Ends the connections to a target when what is under way on them is over. */
  forget(target: Target): void {
    for (const lines of this.#kinds) {
      const dispatcher = lines.get(target)?.dispatcher;
      if (dispatcher !== undefined) this.#close(dispatcher);
      lines.delete(target);
    }
  }

  /** Cuts them all. */
  async stop(): Promise<void> {
    const all = this.#kinds.flatMap((lines) => [...lines.values()]);
    for (const lines of this.#kinds) lines.clear();
    const dispatchers = [...all.map(({ dispatcher }) => dispatcher), ...this.#closing];
    await Promise.all(dispatchers.map((dispatcher) => dispatcher.destroy()));
  }

  #close(dispatcher: Dispatcher): void {
    this.#closing.add(dispatcher);
    const forget = (): void => void this.#closing.delete(dispatcher);
    dispatcher.close().then(forget, forget);
  }

  get #kinds(): readonly Map<Target, Line>[] {
    return [this.#multiplexed, this.#plain, this.#probes];
  }

  #lineIn(lines: Map<Target, Line>, target: Target, kind: LineKind): Line {
    let line = lines.get(target);
    if (line === undefined) {
      line = this.#open(target, kind);
      lines.set(target, line);
    }
    return line;
  }

  #open(target: Target, { http2, connections }: LineKind): Line {
    const { connectTimeoutMs, keepAliveMs } = this.#options;
    const tls = this.#tls;
    const { origin, address } = target.address;
    const url = new URL(origin);
    const { hostname } = url;
    const serverName = tls.serverName ?? hostname.replaceAll(/^\[|\]$/g, '');
    const authority = url.host;
    if (address !== undefined) url.hostname = address.includes(':') ? `[${address}]` : address;
    const dispatcher = new Pool(url.origin, {
      connections,
      allowH2: http2,
      keepAliveTimeout: keepAliveMs,
      connect: connectorFor(serverName, {
        timeout: connectTimeoutMs,
        allowH2: http2,
        ...(tls.ca === undefined ? {} : { ca: tls.ca }),
        ...(tls.cert === undefined ? {} : { cert: tls.cert }),
        ...(tls.key === undefined ? {} : { key: tls.key }),
        rejectUnauthorized: tls.verify ?? true,
      }),
    });
    // Told of by the request that it concerns.
    dispatcher.on('connectionError', () => undefined);
    return { dispatcher, serverName, authority };
  }
}

/** An address is no name that TLS could ask for: of such a target none is sent, whatever Host says. */
function connectorFor(
  serverName: string,
  options: buildConnector.BuildOptions,
): buildConnector.connector {
  const connect = buildConnector(options);
  if (isIP(serverName) === 0) return connect;
  return (request, callback) => connect({ ...request, servername: '' }, callback);
}

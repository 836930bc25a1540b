import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls';
import {
  aFunction,
  aDuration,
  integer,
  optional,
  orUndefined,
  required,
  resolveOptions,
  type OptionRules,
  type Rule,
} from '../core/index.ts';
import type { ConnectionHooks } from './options.ts';

/** Where sockets are to lead, and what makes them ready. */
export interface TcpEndpoint {
  /** Name or address. A name is looked up for each dial. */
  readonly host: string;
  /** 1 to 65,535. */
  readonly port: number;
  /**
   * TLS: true, or options of `tls.connect`. `servername` is `host` unless that is an address; certificates are
   * verified unless `rejectUnauthorized` is false. @default false
   */
  readonly tls?: boolean | ConnectionOptions | undefined;
  /** Sends small writes at once (TCP_NODELAY). @default true */
  readonly noDelay?: boolean | undefined;
  /**
   * The operating system asks the other side whether it is there, after so long without traffic, in ms; 0:
   * never. It gives up after minutes: `ping` tells sooner. @default 30_000
   */
  readonly keepAliveDelayMs?: number | undefined;
  /** What is to be done before the socket is a connection: greeting, login. Within `createTimeoutMs`. @default undefined */
  readonly prepare?:
    | ((socket: Socket, signal: AbortSignal) => PromiseLike<void> | void)
    | undefined;
  /**
   * Asks the other side whether it is there: true or nothing if it is. The only way to find out that it went
   * away without a word (power, network, firewall). Must leave nothing unread. @default undefined
   */
  readonly ping?:
    | ((socket: Socket, signal: AbortSignal) => PromiseLike<boolean | void> | boolean | void)
    | undefined;
}

type Resolved = {
  readonly [K in 'host' | 'port' | 'tls' | 'noDelay' | 'keepAliveDelayMs']-?: Exclude<
    TcpEndpoint[K],
    undefined
  >;
} & Pick<TcpEndpoint, 'prepare' | 'ping'>;

const aHost: Rule<string> = {
  expected: 'a host name or an address',
  accepts: (v): v is string => typeof v === 'string' && v.length > 0 && v.length <= 255,
};

const aFlag: Rule<boolean> = {
  expected: 'true or false',
  accepts: (v): v is boolean => typeof v === 'boolean',
};

const tlsOptions: Rule<boolean | ConnectionOptions> = {
  expected: 'true, false or options of tls.connect',
  accepts: (v): v is boolean | ConnectionOptions =>
    typeof v === 'boolean' || (typeof v === 'object' && v !== null),
};

const rules: OptionRules<Resolved> = {
  host: required(aHost),
  port: required(integer(1, 65_535)),
  tls: optional(tlsOptions, () => false),
  noDelay: optional(aFlag, () => true),
  keepAliveDelayMs: optional(aDuration, () => 30_000),
  prepare: optional(orUndefined(aFunction('a function of a socket')), () => undefined),
  ping: optional(orUndefined(aFunction('a function of a socket')), () => undefined),
};

/** The names of what {@link TcpEndpoint} says, apart from what a pool is told besides. */
export const ENDPOINT_OPTIONS: readonly string[] = Object.keys(rules);

/**
 * The hooks of a {@link ConnectionPool} for sockets that lead to `endpoint`. By `pool.update(tcpHooks(…))` and
 * `pool.evict()` a pool moves to another one.
 *
 * A socket that has ended, failed, or received what nobody asked for is never handed out. On its way back it
 * loses all listeners of whoever had it, and its timeout. One with unread data, that decodes text, is corked, or
 * still has a listener for `readable` is ended: the next caller would read or send what is not his, or nothing.
 * @throws InvalidOptionsError naming every problem.
 */
export function tcpHooks(endpoint: TcpEndpoint): ConnectionHooks<Socket> {
  const resolved = resolveOptions('tcpHooks', endpoint, rules);
  const { prepare, ping } = resolved;
  return {
    create: async (signal) => {
      const socket = await dial(resolved, signal);
      if (prepare !== undefined) await prepared(socket, signal, prepare);
      return socket;
    },
    watch: (socket, died) => {
      socket.once('error', died);
      socket.once('end', () => died());
      socket.once('close', () => died());
      ownListeners.set(socket, listenersOf(socket));
    },
    isOpen,
    isHealthy:
      ping && (async (socket, signal) => (await ping(socket, signal)) !== false && isOpen(socket)),
    reset,
    destroy,
  };
}

/** Also where `prepare` does not heed its signal, the socket ends with it. */
async function prepared(
  socket: Socket,
  signal: AbortSignal,
  prepare: NonNullable<TcpEndpoint['prepare']>,
): Promise<void> {
  const end = (): void => void socket.destroy();
  signal.addEventListener('abort', end);
  try {
    await prepare(socket, signal);
    signal.throwIfAborted();
    if (!isOpen(socket)) throw new Error('the socket was no longer usable after prepare');
  } catch (error) {
    end();
    throw error;
  } finally {
    signal.removeEventListener('abort', end);
  }
}

/** Whether it can be written to and read from, and nothing has come that nobody asked for. */
function isOpen(socket: Socket): boolean {
  return (
    !socket.destroyed && socket.writable && !socket.readableEnded && socket.readableLength === 0
  );
}

/** Whoever listened to a socket when it was new: the pool, and Node. */
const ownListeners = new WeakMap<Socket, ReadonlySet<unknown>>();

function listenersOf(socket: Socket): ReadonlySet<unknown> {
  return new Set(socket.eventNames().flatMap((event) => socket.rawListeners(event as string)));
}

/** Makes it as it was when it was new. */
function reset(socket: Socket): boolean {
  const isChanged = socket.readableEncoding !== null || socket.listenerCount('readable') > 0;
  if (!isOpen(socket) || isChanged) return false;
  // What waits to be sent would go out with the request of the next one, or keep it back.
  if (socket.writableNeedDrain || socket.writableCorked > 0) return false;
  removeOthers(socket);
  socket.setTimeout(0);
  // While it flows without a listener, data is lost; paused, it would not flow for the next one by itself.
  (socket as { readableFlowing: boolean | null }).readableFlowing = null;
  return true;
}

/** Leaves those listeners that were there when it was new. */
function removeOthers(socket: Socket): void {
  const own = ownListeners.get(socket);
  for (const event of socket.eventNames() as string[]) {
    for (const listener of socket.rawListeners(event)) {
      if (!own?.has(listener)) socket.off(event, listener as () => void);
    }
  }
}

function destroy(socket: Socket): Promise<void> | void {
  if (socket.closed) return undefined;
  return new Promise((resolve) => {
    socket.once('close', () => resolve());
    socket.destroy();
  });
}

function dial(endpoint: Resolved, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = open(endpoint);
    // Also what nobody waits for any more must not end the process.
    socket.on('error', () => undefined);
    const onAbort = (): void => fail(signal.reason);
    const fail = (error: unknown): void => {
      signal.removeEventListener('abort', onAbort);
      socket.destroy();
      reject(error);
    };
    const onClose = (): void => fail(new Error('the socket closed before it was connected'));
    signal.addEventListener('abort', onAbort);
    socket.once('error', fail);
    socket.once('close', onClose);
    socket.once(endpoint.tls === false ? 'connect' : 'secureConnect', () => {
      signal.removeEventListener('abort', onAbort);
      socket.off('error', fail);
      socket.off('close', onClose);
      resolve(socket);
    });
  });
}

function open({ host, port, tls, noDelay, keepAliveDelayMs }: Resolved): Socket | TLSSocket {
  const tcp = {
    host,
    port,
    noDelay,
    keepAlive: keepAliveDelayMs > 0,
    keepAliveInitialDelay: keepAliveDelayMs,
  };
  if (tls === false) return connectTcp(tcp);
  const servername = isIP(host) === 0 ? { servername: host } : {};
  return connectTls({ ...servername, ...(tls === true ? {} : tls), ...tcp });
}

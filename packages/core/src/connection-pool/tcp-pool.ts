import type { Socket } from 'node:net';
import { ConnectionPool } from './connection-pool.ts';
import type { ConnectionHooks, ConnectionLimits } from './options.ts';
import { ENDPOINT_OPTIONS, tcpHooks, type TcpEndpoint } from './tcp-hooks.ts';

/** Where the sockets lead, and how many for how long. */
export interface TcpPoolOptions
  extends TcpEndpoint, ConnectionLimits, Pick<ConnectionHooks<Socket>, 'isFatal'> {}

/**
 * A pool of TCP or TLS sockets to one endpoint, for a protocol of your own. For HTTP take an HTTP client.
 * @throws InvalidOptionsError naming every problem of the endpoint, or else of the limits.
 *
 * @example
 * const pool = tcpPool({ host: '127.0.0.1', port: 6379, max: 8 });
 * console.log(pool.stats().open); // 0
 * await pool.stop();
 */
export function tcpPool(options: TcpPoolOptions): ConnectionPool<Socket> {
  const endpoint: [string, unknown][] = [];
  const limits: [string, unknown][] = [];
  for (const entry of Object.entries(options)) {
    (ENDPOINT_OPTIONS.includes(entry[0]) ? endpoint : limits).push(entry);
  }
  const hooks = tcpHooks(Object.fromEntries(endpoint) as unknown as TcpEndpoint);
  return new ConnectionPool({ name: 'tcp-pool', ...Object.fromEntries(limits), ...hooks });
}

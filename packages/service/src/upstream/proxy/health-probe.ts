import type { ResolvedHealth } from '../../config/index.ts';
import type { Probe } from '../balancer/index.ts';
import type { Connections } from './connections.ts';

/** Asks a target on a connection kept for that: under load the others may all be busy, and it is well all the same. */
export function healthProbe(
  connections: Connections,
  { path, statuses }: Pick<ResolvedHealth, 'path' | 'statuses'>,
): Probe {
  return async (target, signal) => {
    const { dispatcher, serverName, authority } = connections.forProbe(target);
    // undici's own types leave the name for TLS out.
    const secured: object = { servername: serverName };
    const headers = { host: authority, 'user-agent': 'sluice' };
    const answer = await dispatcher.request({ ...secured, path, method: 'GET', headers, signal });
    await answer.body.dump();
    return answer.statusCode >= statuses.from && answer.statusCode <= statuses.to;
  };
}

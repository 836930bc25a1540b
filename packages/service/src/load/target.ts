import { buildConnector } from 'undici';
import type { Target } from './connection.ts';
import type { LoadPlan } from './plan.ts';

/** The one request that a run sends over and over, and the way to its server. */
export function targetOf({ url, method, headers, body, timeoutMs }: LoadPlan): Target {
  const named = headers.some(([name]) => name.toLowerCase() === 'user-agent');
  const closed = new AbortController();
  return {
    origin: url.origin,
    request: {
      path: url.pathname + url.search,
      method,
      headers: [...(named ? [] : ['user-agent', 'sluice-load']), ...headers.flat()],
      body: typeof body === 'string' ? Buffer.from(body) : (body ?? null),
    },
    // Shared by all connections, and so are its TLS sessions. HTTP/2 would put many requests on one
    // connection.
    connect: buildConnector({ timeout: timeoutMs, allowH2: false, signal: closed.signal }),
    close: () => closed.abort(),
  };
}

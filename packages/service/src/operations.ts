import type { FastifyReply } from 'fastify';

import type { OperationsRoute } from './http/index.ts';
import { createRegistry, type MetricSources } from './telemetry/index.ts';

/** What the operations routes ask the service for. */
export interface OperationsSource {
  readonly isReady: () => boolean;
  readonly stats: () => object;
  readonly metrics: MetricSources;
}

/**
 * What answers at the reserved paths:
 *
 * - `/livez`: the process answers. For whoever restarts it.
 * - `/readyz`: new requests are welcome; 503 from the first moment of a shutdown. For the balancer.
 * - `/metrics`: Prometheus' text format.
 * - `/stats`: the same counts as JSON, for people.
 */
export function operations(source: OperationsSource): readonly OperationsRoute[] {
  const registry = createRegistry(source.metrics);
  return [
    { path: '/livez', answer: () => ({ status: 'alive' }) },
    { path: '/readyz', answer: (reply) => readiness(source.isReady(), reply) },
    { path: '/stats', answer: source.stats },
    {
      path: '/metrics',
      answer: (reply) => {
        reply.type(registry.contentType);
        return registry.metrics();
      },
    },
  ];
}

function readiness(ready: boolean, reply: FastifyReply): object {
  if (ready) return { status: 'ready' };
  reply.code(503).header('retry-after', '1');
  return { status: 'draining' };
}

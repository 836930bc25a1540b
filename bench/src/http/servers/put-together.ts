import rateLimit from '@fastify/rate-limit';
import underPressure from '@fastify/under-pressure';
import { fastify, type FastifyInstance } from 'fastify';
import OpossumBreaker from 'opossum';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Listening } from '../../harness/subject.ts';
import { listening } from './bare-fastify.ts';
import { BODY, LANES, PATH, QUEUE } from './setting.ts';

export interface PutTogetherOptions {
  /** Requests per second, of all clients together. */
  readonly ratePerSecond: number;
  /** Longest time of a call in ms; false: none, which is cheaper. */
  readonly timeoutMs: number | false;
}

/**
 * What people build today for the guarantees of sluice's chain: a rate limit, shedding when the event
 * loop lags, a breaker that also bounds the calls under way and their time, and the same three metrics.
 */
export async function putTogether(options: PutTogetherOptions): Promise<Listening> {
  const { ratePerSecond, timeoutMs } = options;
  const app = fastify();
  await app.register(underPressure, { maxEventLoopDelay: 1000 });
  await app.register(rateLimit, {
    max: ratePerSecond,
    timeWindow: 1000,
    keyGenerator: () => 'all',
  });
  observe(app, new Registry());
  const breaker = new OpossumBreaker(async () => BODY, {
    timeout: timeoutMs,
    volumeThreshold: 20,
    // What sluice's pool holds, running and waiting; opossum has no queue.
    capacity: LANES + QUEUE,
  });
  app.get(PATH, () => breaker.fire());
  return listening(app);
}

/** Requests by method, endpoint and status, their duration, and how many are under way. */
function observe(app: FastifyInstance, registry: Registry): void {
  const registers = [registry];
  const requests = new Counter({
    name: 'http_requests_total',
    help: 'Requests answered',
    labelNames: ['method', 'endpoint', 'status'],
    registers,
  });
  const duration = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'Time to answer',
    labelNames: ['method', 'endpoint'],
    registers,
  });
  const active = new Gauge({
    name: 'http_server_active_requests',
    help: 'Requests under way',
    registers,
  });
  app.addHook('onRequest', (_request, _reply, done) => {
    active.inc();
    done();
  });
  app.addHook('onResponse', (request, reply, done) => {
    active.dec();
    const endpoint = request.routeOptions.url ?? 'unknown';
    requests.inc({ method: request.method, endpoint, status: reply.statusCode });
    duration.observe({ method: request.method, endpoint }, reply.elapsedTime / 1000);
    done();
  });
  app.get('/metrics', async (_request, reply) =>
    reply.type(registry.contentType).send(await registry.metrics()),
  );
}

import httpProxy from '@fastify/http-proxy';
import { fastify } from 'fastify';
import type { Listening } from '../../harness/subject.ts';
import { listening } from './bare-fastify.ts';
import { UPSTREAM_CONNECTIONS } from './setting.ts';

/** Fastify and its proxy plugin as its page shows it, on undici. */
export async function fastifyHttpProxy(upstreamPort: number): Promise<Listening> {
  const app = fastify();
  await app.register(httpProxy, {
    upstream: `http://127.0.0.1:${upstreamPort}`,
    undici: { connections: UPSTREAM_CONNECTIONS },
  });
  return listening(app);
}

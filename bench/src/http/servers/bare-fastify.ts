import { fastify, type FastifyInstance } from 'fastify';
import type { AddressInfo } from 'node:net';
import type { Listening } from '../../harness/subject.ts';
import { BODY, PATH } from './setting.ts';

/** Fastify with one route and nothing before it. */
export async function bareFastify(): Promise<Listening> {
  const app = fastify();
  app.get(PATH, async () => BODY);
  return listening(app);
}

export async function listening(app: FastifyInstance): Promise<Listening> {
  await app.listen({ port: 0, host: '127.0.0.1' });
  return { port: (app.server.address() as AddressInfo).port, close: () => app.close() };
}

import type { HttpSubject, Subject } from '../harness/subject.ts';
import { bareFastify } from '../http/servers/bare-fastify.ts';
import { nodeHttp } from '../http/servers/node-http.ts';
import { putTogether } from '../http/servers/put-together.ts';
import { sluiceRefusing, sluiceServing } from '../http/servers/sluice.ts';
import { BODY, PATH, TIMEOUT_MS, UNLIMITED } from '../http/servers/setting.ts';

const served: HttpSubject = {
  kind: 'http',
  url: import.meta.url,
  name: 'http',
  title: 'HTTP, answered',
  operation: 'one GET on a keep-alive connection is answered by a trivial handler',
  path: PATH,
  status: 200,
  body: BODY,
  contenders: [
    { name: 'bare node:http', kind: 'floor', listen: () => nodeHttp() },
    { name: 'bare fastify', kind: 'floor', listen: bareFastify },
    { name: 'sluice chain', kind: 'sluice', listen: sluiceServing },
    {
      name: 'fastify, put together',
      kind: 'peer',
      listen: () => putTogether({ ratePerSecond: UNLIMITED, timeoutMs: TIMEOUT_MS }),
    },
    {
      name: 'fastify, put together, no timeout',
      kind: 'peer',
      listen: () => putTogether({ ratePerSecond: UNLIMITED, timeoutMs: false }),
    },
  ],
  notes: [
    'sluice: limiter, breaker, pool with its queue, a deadline of 10 s, metrics.',
    'Put together: fastify, @fastify/under-pressure, @fastify/rate-limit, opossum with a timeout of 10 s, prom-client.',
    '`core busy` near 1 means that the server, and not the client, set the pace.',
  ],
};

const refused: HttpSubject = {
  kind: 'http',
  url: import.meta.url,
  name: 'http-refused',
  title: 'HTTP, refused by the rate limiter',
  operation: 'one GET on a keep-alive connection is answered with 429',
  path: PATH,
  status: 429,
  contenders: [
    { name: 'bare node:http, always 429', kind: 'floor', listen: () => nodeHttp(429) },
    { name: 'sluice chain', kind: 'sluice', listen: sluiceRefusing },
    {
      name: 'fastify, put together',
      kind: 'peer',
      listen: () => putTogether({ ratePerSecond: 0, timeoutMs: TIMEOUT_MS }),
    },
  ],
};

export const subjects: readonly Subject[] = [served, refused];

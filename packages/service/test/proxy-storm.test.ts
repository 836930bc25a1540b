import { request, type IncomingMessage, type ServerResponse } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';

import { SeededRandom } from '@sluice/core/testing';
import { expect, test } from 'vitest';

import { proxying } from './support/proxying.ts';
import { targetServer } from './support/target.ts';
import { until } from './support/until.ts';
import { strayErrors } from './support/upstream.ts';

type Behaviour = (request: IncomingMessage, response: ServerResponse, text: string) => void;

/** What targets do with a request; `text` says which request it is. */
const BEHAVIOURS: readonly Behaviour[] = [
  (_request, response, text) => response.end(text),
  (_request, response, text) => response.end(text),
  (_request, response, text) => void setTimeout(() => response.end(text), 15),
  (incoming, response, text) => incoming.resume().on('end', () => response.end(text)),
  (_request, response, text) => {
    response.write(text.slice(0, 10));
    setTimeout(() => response.end(text.slice(10)), 10);
  },
  (_request, response, text) => response.writeHead(503).end(text),
  (_request, response, text) => response.writeHead(401, { connection: 'close' }).end(text),
  (incoming) => incoming.socket.destroy(),
  (incoming) => incoming.socket.resetAndDestroy(),
  (_request, response, text) => {
    response.writeHead(200, { 'content-length': text.length + 50 }).write(text);
    setTimeout(() => response.destroy(), 5);
  },
  // It reads, since a connection that is not read from does not notice its end.
  (incoming) => incoming.resume(),
];

interface Outcome {
  readonly status: number;
  readonly isWhole: boolean;
  readonly text: string;
}

/** One client; it leaves after `leaveMs` if it has no answer by then. */
function ask(
  port: number,
  name: string,
  plan: { bytes: number; leaveMs: number },
): Promise<Outcome | undefined> {
  return new Promise((resolve) => {
    const method = plan.bytes > 0 ? 'PUT' : 'GET';
    const outgoing = request(
      { port, host: '127.0.0.1', path: `/${name}`, method, agent: false },
      (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (part: string) => (text += part));
        answer.on('error', () => undefined);
        answer.on('close', () => {
          resolve({ status: answer.statusCode ?? 0, isWhole: answer.complete, text });
        });
      },
    );
    outgoing.on('error', () => resolve(undefined));
    outgoing.on('close', () => resolve(undefined));
    setTimeout(() => outgoing.destroy(), plan.leaveMs);
    outgoing.end(Buffer.alloc(plan.bytes, 'x'));
  });
}

test('in a storm of broken targets and clients that leave, every answer is that of its request, and nothing is left', async () => {
  const strays = strayErrors();
  const random = new SeededRandom(6);
  const pick = (most: number): number => Math.floor(random.next() * most);
  const targets = await Promise.all(
    [1, 2, 3].map(() =>
      targetServer((incoming, response) => {
        response.on('error', () => undefined);
        BEHAVIOURS[pick(BEHAVIOURS.length)]?.(
          incoming,
          response,
          `this is the answer to ${incoming.url}`,
        );
      }),
    ),
  );
  const { port, service, log } = await proxying(
    targets.map(({ origin }) => origin),
    {
      route: { timeoutMs: 500 },
      upstream: {
        connections: 20,
        pending: 50,
        breaker: false,
        hedge: { delayMs: 30, budgetRatio: 1 },
      },
    },
  );
  const outcomes: Promise<void>[] = [];
  const statuses = new Map<number, number>();
  for (let i = 0; i < 1500; i++) {
    const name = `request-${i}`;
    const bytes = pick(3) === 0 ? pick(200_000) : 0;
    const leaveMs = pick(4) === 0 ? pick(40) : 5000;
    const outcome = ask(port, name, { bytes, leaveMs }).then((seen) => {
      if (seen === undefined) return;
      statuses.set(seen.status, (statuses.get(seen.status) ?? 0) + 1);
      const isOfTarget = [200, 401].includes(seen.status);
      if (isOfTarget && seen.isWhole) expect(seen.text).toBe(`this is the answer to /${name}`);
    });
    outcomes.push(outcome);
    if (i % 10 === 0) await pause(5);
  }
  await Promise.all(outcomes);
  const state = (): unknown => {
    const { admission, targets: all } = service.stats().upstreams['u']!;
    return [admission.active, admission.queued, ...all.map(({ inFlight }) => inFlight)];
  };
  await until('nothing is under way', () => JSON.stringify(state()) === '[0,0,0,0,0]');
  expect(statuses.get(200)).toBeGreaterThan(100);
  for (const status of statuses.keys()) expect([200, 401, 413, 502, 503, 504]).toContain(status);
  await service.stop();
  await until('no connection is left', () => targets.every(({ sockets }) => sockets.size === 0));
  expect(service.stats().activeRequests).toBe(0);
  expect(strays).toEqual([]);
  expect(log.filter(({ msg }) => String(msg).includes('handler failed')).length).toBeGreaterThan(0);
});

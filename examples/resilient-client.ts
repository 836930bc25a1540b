/** A client of a flaky HTTP service: it tries again, gives up in time, lets it rest, and always has an answer. */
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import {
  CircuitBreaker,
  CircuitOpenError,
  Fallback,
  pipeline,
  Retry,
  RetryBudget,
  Timeout,
  TimeoutError,
} from '@sluice/core';

/** What the service does next; it is well when there is nothing more on the list. */
const plan: ('fail' | 'hang')[] = [];
let requests = 0;

const server = createServer((_request, response) => {
  requests++;
  const next = plan.shift();
  if (next === 'hang') return;
  response.statusCode = next === 'fail' ? 503 : 200;
  response.setHeader('retry-after', '0').end('7 in stock');
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/lamps`;

/** Carries status and headers, by which the retry knows whether and when to come back. */
class StatusError extends Error {
  readonly status: number;
  readonly headers: Headers;
  constructor({ status, headers }: Response) {
    super(`the service answered ${status}`);
    this.status = status;
    this.headers = headers;
  }
}

let lastKnown = 'unknown';

const breaker = new CircuitBreaker({
  consecutiveFailures: 5,
  openMs: 1000,
  openJitter: 0,
  permittedCallsInHalfOpen: 1,
});
const retry = new Retry({
  attemptTimeoutMs: 1000,
  backoff: { type: 'exponential', baseMs: 10, maxMs: 50 },
  budget: new RetryBudget({ ratio: 0.2, minRetriesPerSecond: 10 }),
  maxRetryAfterMs: 100, // rather the last known answer than a wait for the breaker
});
const fallback = new Fallback({
  on: [StatusError, CircuitOpenError, TimeoutError],
  run: () => `${lastKnown} when last seen`,
});
const stock = pipeline('stock', [fallback, new Timeout({ timeoutMs: 5000 }), retry, breaker]);

async function lamps(): Promise<string> {
  return stock.execute(async ({ signal }) => {
    const response = await fetch(url, { signal });
    const text = await response.text();
    if (!response.ok) throw new StatusError(response);
    lastKnown = text;
    return text;
  });
}

async function show(what: string): Promise<void> {
  const before = requests;
  console.log(`${what}: ${await lamps()}, ${requests - before} at the service`);
}

breaker.on('stateChange', ({ from, to, reason }) => console.log(`${from} → ${to}: ${reason}`));

await show('well');
plan.push('fail');
await show('one 503');
plan.push('hang');
await show('one that never answers');

plan.push(...Array.from({ length: 60 }, () => 'fail' as const));
const before = requests;
const answers = new Set<string>();
for (let call = 0; call < 20; call++) answers.add(await lamps());
console.log(`20 while it is down: ${[...answers].join(', ')}, ${requests - before} at the service`);

plan.length = 0;
await new Promise((resolve) => setTimeout(resolve, breaker.stats().retryAfterMs + 1));
await show('well again');

const { calls, recovered, retries } = retry.stats();
console.log(`${calls} calls, ${retries} retries, ${recovered} saved by them`);
console.log(
  `${fallback.stats().used} answered by the fallback, ${breaker.stats().notPermitted} never sent`,
);
server.close();
server.closeAllConnections();

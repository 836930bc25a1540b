/** A third party allows so many calls a second and so many an hour: ours wait their turn, and it refuses none. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { all, LeakyBucket, RateLimitedError, SlidingLog, type WaitOptions } from '@sluice/core';

const QUOTA = { perSecond: 40, perHour: 70 };
const HOUR_MS = 3_600_000;

/** The third party, which counts what reaches it, refuses what is too much, and forgets all of it at `reset`. */
const arrivals: number[] = [];
let refused = 0;
const thirdParty = createServer((_request, response) => {
  const nowMs = performance.now();
  const lastSecond = arrivals.filter((atMs) => atMs > nowMs - 1000).length;
  const isTooMuch = lastSecond >= QUOTA.perSecond || arrivals.length >= QUOTA.perHour;
  if (isTooMuch) refused++;
  else arrivals.push(nowMs);
  response.writeHead(isTooMuch ? 429 : 200).end();
});
function reset(): void {
  arrivals.length = 0;
  refused = 0;
}
thirdParty.listen(0, '127.0.0.1');
await once(thirdParty, 'listening');
const url = `http://127.0.0.1:${(thirdParty.address() as AddressInfo).port}`;

// Two of our machines share the quota, so each takes half of it.
const quota = all([
  new LeakyBucket({ name: 'per second', ratePerSecond: QUOTA.perSecond / 2 }), // Evenly spaced.
  new SlidingLog({ name: 'per hour', limit: QUOTA.perHour / 2, windowMs: HOUR_MS }),
]);

const sent: string[] = [];
async function lookUp(id: string, options?: WaitOptions): Promise<number> {
  await quota.wait(1, { maxWaitMs: 10_000, ...options });
  sent.push(id);
  return (await fetch(`${url}/${id}`)).status;
}

/** How many of the calls were answered, given up by their callers, and refused here. */
async function outcomes(calls: readonly Promise<number>[]): Promise<string> {
  const results = await Promise.allSettled(calls);
  const refusals = results.filter((result) => result.status === 'rejected');
  const reasons = refusals.map(({ reason }): unknown => reason);
  const busy = reasons.filter((reason) => reason instanceof RateLimitedError);
  const left = reasons.length - busy.length;
  const minutes = Math.ceil((busy[0]?.retryAfterMs ?? 0) / 60_000);
  const comeBack = busy.length > 0 ? `: come back in ${minutes} minutes` : '';
  return `${calls.length - reasons.length} answered, ${left} left, ${busy.length} refused here${comeBack}`;
}

await Promise.all(Array.from({ length: 60 }, () => fetch(url)));
console.log(`60 at once: ${refused} refused by the third party`);
reset();

const controller = new AbortController();
const calls = Array.from({ length: 29 }, (_, i) => lookUp(`book-${i}`));
calls.push(lookUp('book-29', { signal: controller.signal }));
calls.push(lookUp('paid-for', { priority: 1 }));
controller.abort(); // Its reader has gone: it is never sent.
console.log(`31 in turn: ${await outcomes(calls)}`);
console.log(`sent first: ${sent.slice(0, 3).join(', ')}`);

// Five more make the hour's share full. The rest would have to wait for longer than they want to.
const more = Array.from({ length: 10 }, (_, i) => lookUp(`more-${i}`, { maxWaitMs: 5000 }));
console.log(`10 more: ${await outcomes(more)}`);
console.log(`${arrivals.length} reached the third party, ${refused} refused there`);

thirdParty.close();
thirdParty.closeAllConnections();

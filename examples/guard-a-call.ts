/** A dependency that fails: the breaker stops calling it, and finds out by probes when it is well again. */
import { CircuitBreaker, CircuitOpenError, pipeline, TokenBucket, WorkerPool } from '@sluice/core';

let isWell = false;

async function askInventory(item: string): Promise<string> {
  if (!isWell) throw new Error('the inventory does not answer');
  return `7 of ${item}`;
}

const breaker = new CircuitBreaker({ consecutiveFailures: 3, openMs: 50, openJitter: 0 });
const inventory = pipeline('inventory', [
  new TokenBucket({ ratePerSecond: 100, capacity: 100 }),
  breaker,
  new WorkerPool({ size: 4, queue: 16 }),
]);

breaker.on('stateChange', ({ from, to, reason }) => console.log(`${from} → ${to}: ${reason}`));

async function ask(): Promise<number> {
  try {
    console.log(await inventory.execute(() => askInventory('a1'), { deadlineMs: 500 }));
  } catch (error) {
    if (error instanceof CircuitOpenError) {
      console.log(`refused at once, come back in ${Math.ceil(error.retryAfterMs ?? 0)} ms`);
      return error.retryAfterMs ?? 0;
    }
    console.log(`failed: ${(error as Error).message}`);
  }
  return 0;
}

let retryAfterMs = 0;
for (let call = 0; call < 4; call++) retryAfterMs = await ask();

isWell = true;
await new Promise((resolve) => setTimeout(resolve, Math.ceil(retryAfterMs) + 1));
for (let call = 0; call < 3; call++) await ask();
console.log(breaker.state);

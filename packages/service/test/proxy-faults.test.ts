import { Agent, request } from 'node:http';

import { expect, onTestFinished, test } from 'vitest';

import { proxying } from './support/proxying.ts';
import { targetServer } from './support/target.ts';
import { until } from './support/until.ts';

interface Answered {
  readonly atMs: number;
  readonly tookMs: number;
  readonly status: number;
}

/** Sends so many requests a second, whether answers come or not, until it is stopped. */
function openLoop(
  port: number,
  ratePerSecond: number,
): { answers: readonly Answered[]; stop(): Promise<void> } {
  const answers: Answered[] = [];
  const agent = new Agent({ keepAlive: true });
  let sent = 0;
  const startMs = performance.now();
  const send = (): void => {
    const atMs = performance.now();
    const note = (status: number): void => {
      answers.push({ atMs: atMs - startMs, tookMs: performance.now() - atMs, status });
    };
    request({ port, host: '127.0.0.1', agent }, (answer) => {
      answer.resume().on('end', () => note(answer.statusCode ?? 0));
    })
      .on('error', () => note(0))
      .end();
  };
  const timer = setInterval(() => {
    const due = ((performance.now() - startMs) / 1000) * ratePerSecond;
    for (; sent < due; sent++) send();
  }, 5);
  const stop = async (): Promise<void> => {
    clearInterval(timer);
    await until('all are answered', () => answers.length === sent);
    agent.destroy();
  };
  onTestFinished(() => clearInterval(timer));
  return { answers, stop };
}

test('of three targets one is killed and one slowed tenfold under load: only the first few notice', async () => {
  let slowMs = 100;
  const answerAfter =
    (ms: () => number) =>
    (_request: unknown, response: { end(text: string): void }): void =>
      void setTimeout(() => response.end('ok'), ms());
  const steady = await targetServer(answerAfter(() => 100));
  const slowed = await targetServer(answerAfter(() => slowMs));
  const killed = await targetServer(answerAfter(() => 100));
  const { port, service } = await proxying([steady.origin, slowed.origin, killed.origin]);
  const load = openLoop(port, 30);
  await until('it is under load', () => load.answers.length > 60);
  const faultMs = load.answers.at(-1)!.atMs;
  slowMs = 1000;
  await killed.kill();
  const before = service.stats().upstreams['u']!.targets;
  await until('three seconds more are answered', () => load.answers.at(-1)!.atMs > faultMs + 3500);
  await load.stop();
  const failed = load.answers.filter(({ status }) => status !== 200);
  expect(failed.length).toBeLessThanOrEqual(5);
  const settled = load.answers.filter(({ atMs }) => atMs > faultMs + 1000);
  expect(settled.length).toBeGreaterThan(50);
  const slow = settled.filter(({ tookMs }) => tookMs >= 1000);
  expect(slow.length).toBeLessThanOrEqual(1);
  const [, slowAfter, killedAfter] = service.stats().upstreams['u']!.targets;
  expect(slowAfter!.requests - before[1]!.requests).toBeLessThan(25);
  expect(killedAfter!.requests - before[2]!.requests).toBeLessThan(15);
});

import { expect, test } from 'vitest';

import { ask } from './support/ask.ts';
import { Balancer } from './support/balancer.ts';
import { folderWith } from './support/folder.ts';
import { KeepAliveClients } from './support/keep-alive-clients.ts';
import { RawConnection } from './support/raw-connection.ts';
import { serve, type Serving } from './support/service-process.ts';
import { until } from './support/until.ts';

const HANDLER = `
import { setTimeout as pause } from 'node:timers/promises';
export const work = async () => { await pause(20); return 'done'; };
`;

/** A service of lanes that work for 20 ms. */
async function working(options: { lanes: number; delayMs: number }): Promise<Serving> {
  const config = `
server: { host: 127.0.0.1, port: 0 }
pools: { io: { size: ${options.lanes}, queue: 1000 } }
routes: [{ path: /work, handler: ./work.js#work, pool: io }]
log: { requests: false }
shutdown: { delayMs: ${options.delayMs}, timeoutMs: 15000 }
`;
  const cwd = await folderWith({ 'work.js': HANDLER, 'sluice.yaml': config });
  return serve(['sluice.yaml'], { cwd });
}

const NOTHING_LOST = { endedEarly: 0, cut: 0, msg: 'stopped' };

test.each(['SIGTERM', 'SIGINT'] as const)(
  'a service that a balancer takes out after %s loses no request of 300 busy clients',
  async (signal) => {
    const { process, url, port } = await working({ lanes: 40, delayMs: 300 });
    const balancer = new Balancer(url);
    const mayReconnect = (): boolean => balancer.isReady;
    const clients = new KeepAliveClients({ port, path: '/work', count: 300, mayReconnect });
    await until('all clients are busy', () => clients.answered > 600);
    process.signal(signal);
    const { code } = await process.ended;
    await clients.done;
    expect(clients.failures).toEqual([]);
    expect(Object.keys(clients.statuses)).toEqual(['200']);
    expect(clients.answered).toBeGreaterThan(900);
    expect(code).toBe(0);
    expect(process.log.at(-1)).toMatchObject(NOTHING_LOST);
  },
);

test('a service that stops without a delay answers all that 300 busy clients have asked', async () => {
  const { process, port } = await working({ lanes: 40, delayMs: 0 });
  const mayReconnect = (): boolean => false;
  const clients = new KeepAliveClients({ port, path: '/work', count: 300, mayReconnect });
  await until('all clients are busy', () => clients.answered > 600);
  process.signal('SIGTERM');
  const { code } = await process.ended;
  await clients.done;
  expect(clients.failures).toEqual([]);
  expect(Object.keys(clients.statuses)).toEqual(['200']);
  expect(code).toBe(0);
  expect(process.log.at(-1)).toMatchObject(NOTHING_LOST);
});

test('what waits for a lane at the signal is worked on and answered 200', async () => {
  const { process, url, port } = await working({ lanes: 2, delayMs: 0 });
  const clients = Array.from({ length: 80 }, async () =>
    (await RawConnection.open(port)).send('GET /work HTTP/1.1\r\nhost: test\r\n\r\n'),
  );
  await until('most of them wait', async () => {
    const { pools } = (await (await ask(`${url}/stats`)).json()) as {
      pools: { io: { submitted: number; queued: number } };
    };
    return pools.io.submitted === 80 && pools.io.queued > 40;
  });
  process.signal('SIGTERM');
  const answers = await Promise.all(clients.map(async (client) => (await client).answer()));
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
  expect((await process.ended).code).toBe(0);
  expect(process.log.at(-1)).toMatchObject(NOTHING_LOST);
});

test('clients whom only the kernel has connected at the signal are served too', async () => {
  const { process, port } = await working({ lanes: 40, delayMs: 0 });
  // While it stands still, connections pile up before the service has seen any of them.
  process.signal('SIGSTOP');
  const clients = await Promise.all(
    Array.from({ length: 200 }, async () =>
      (await RawConnection.open(port)).send('GET /work HTTP/1.1\r\nhost: test\r\n\r\n'),
    ),
  );
  process.signal('SIGTERM');
  process.signal('SIGCONT');
  const answers = await Promise.allSettled(clients.map((client) => client.answer()));
  expect(answers.filter(({ status }) => status === 'rejected')).toEqual([]);
  expect((await process.ended).code).toBe(0);
  expect(process.log.at(-1)).toMatchObject(NOTHING_LOST);
});

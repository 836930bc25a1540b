import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { startChild } from '../../harness/child-process.ts';
import { runProgram, versionOf, type ProgramSetting } from './program.ts';
import { connected, script } from './testing/connected.ts';

async function upstream(): Promise<{ server: Server; port: number }> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return { server, port: (server.address() as AddressInfo).port };
}

/** Resolves when the one who connects to it has ended. */
async function connectionOf(server: Server): Promise<{ ended: Promise<unknown> }> {
  const [socket] = (await once(server, 'connection')) as [Socket];
  socket.on('error', () => undefined).resume();
  return { ended: once(socket, 'close') };
}

const isMeasurable = versionOf(connected) !== undefined;

test('a program that the machine does not have has no version', () => {
  expect(versionOf({ ...connected, command: 'no-such-proxy' })).toBeUndefined();
});

test.runIf(isMeasurable)('a program serves until it is closed, and leaves no folder', async () => {
  let used: ProgramSetting | undefined;
  const program = script((setting) => {
    used = setting;
    return connected.configuration(setting);
  });
  const { server, port } = await upstream();
  const [running, { ended }] = await Promise.all([runProgram(program, port), connectionOf(server)]);
  expect(running.port).toBe(used?.port);
  expect(running.cpuMicros?.()).toBeGreaterThan(0);
  await running.close();
  await ended;
  expect(existsSync(used?.folder ?? '')).toBe(false);
});

test.runIf(isMeasurable)('a program that does not stay is quoted', async () => {
  const program = script(() => `process.stderr.write('no such directive'); process.exitCode = 1`);
  await expect(runProgram(program, 0)).rejects.toThrow('no such directive');
});

test.runIf(isMeasurable)(
  'a program ends with the process that ran it, even a killed one',
  async () => {
    const { server, port } = await upstream();
    // A killed process takes no folder away.
    const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    vi.stubEnv('TMPDIR', folder);
    onTestFinished(() => void vi.unstubAllEnvs());
    const runner = startChild({ url: new URL('./testing/runner.ts', import.meta.url), task: port });
    const { ended } = await connectionOf(server);
    runner.kill('SIGKILL');
    await expect(ended).resolves.toBeDefined();
  },
);

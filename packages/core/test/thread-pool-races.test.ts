import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const run = promisify(execFile);
const program = (name: string): string =>
  fileURLToPath(new URL(`./kit/threads/${name}.ts`, import.meta.url));

test('a pool that stops keeps the process alive until its last worker has ended', async () => {
  const { stdout } = await run(process.execPath, [program('stop-at-once')]);
  expect(stdout).toContain('stopped');
});

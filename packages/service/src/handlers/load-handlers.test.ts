import { ManualClock } from '@sluice/core/testing';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

import type { ResolvedRoute } from '../config/index.ts';
import type { Handler } from '../http/index.ts';
import { loadHandlers } from './load-handlers.ts';

const here = fileURLToPath(new URL('.', import.meta.url));

function load(...routes: readonly Partial<ResolvedRoute<Handler>>[]) {
  return loadHandlers(routes as never, here, new ManualClock());
}

test('handlers come in the order of the routes: functions, built-in ones, exports of modules', async () => {
  const own: Handler = () => 'own';
  const { handlers, findings } = await load(
    { handler: './digest.ts#digest' },
    { handler: own },
    { handler: 'builtin:simulated-work' },
    { handler: 'builtin:digest', body: 'stream' },
  );
  expect(findings).toEqual([]);
  expect(handlers).toHaveLength(4);
  expect(handlers[0]?.name).toBe('digest');
  expect(handlers[1]).toBe(own);
});

test('what cannot be had is told for every route, with what the module has instead', async () => {
  const { findings } = await load(
    { handler: './digest.ts#dygest' },
    { handler: () => 'right' },
    { handler: './nowhere.ts' },
    { handler: 'builtin:digest', body: 'json' },
  );
  expect(findings).toMatchObject([
    {
      path: 'routes[0].handler',
      found: '"./digest.ts#dygest"',
      remedy: 'it exports digest',
      meant: { name: 'dygest', candidates: ['digest'] },
    },
    {
      path: 'routes[2].handler',
      remedy: expect.stringMatching(/^it could not be loaded: /) as string,
    },
    { path: 'routes[3].body', expected: 'stream, as builtin:digest reads it', found: 'json' },
  ]);
});

import assert from 'node:assert/strict';

import { afterAll } from 'vitest';

/*
 * Test files of one worker share their globals, which saves half the time of a run. A file that leaves
 * one of them changed would fail a stranger, once in a while: so it fails itself, at once.
 */
const KEPT = Symbol.for('sluice.intact-globals');

function globals(): Readonly<Record<string, unknown>> {
  return {
    setTimeout: globalThis.setTimeout,
    clearTimeout: globalThis.clearTimeout,
    setImmediate: globalThis.setImmediate,
    queueMicrotask: globalThis.queueMicrotask,
    'performance.now': Reflect.get(performance, 'now'),
    'Date.now': Reflect.get(Date, 'now'),
    'Math.random': Reflect.get(Math, 'random'),
    'process.emitWarning': Reflect.get(process, 'emitWarning'),
    'Error.stackTraceLimit': Error.stackTraceLimit,
  };
}

const worker = globalThis as { [KEPT]?: Readonly<Record<string, unknown>> };
worker[KEPT] ??= globals();

afterAll(() => {
  const now = globals();
  const changed = Object.keys(now).filter((name) => now[name] !== worker[KEPT]?.[name]);
  assert.deepEqual(changed, [], 'globals that this file has changed and not restored');
});

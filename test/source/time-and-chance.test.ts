import { expect, test } from 'vitest';
import { parseSource } from './source-file.ts';
import { readingsOf } from './time-and-chance.ts';

function readings(text: string): readonly string[] {
  return readingsOf(parseSource('a.ts', text)).map(({ kind, what }) => `${kind}: ${what}`);
}

test.for([
  ['Date.now()', 'time: Date.now'],
  ['new Date()', 'time: Date'],
  ['Date()', 'time: Date'],
  ['const D = Date', 'time: Date'],
  ['f(Date)', 'time: Date'],
  ['const { now } = Date', 'time: Date.now'],
  ['const { ...all } = Date', 'time: Date'],
  [`Date['now']()`, 'time: Date.now'],
  ['globalThis.Date.now()', 'time: Date.now'],
  ['(Date as unknown as Clock).now()', 'time: Date.now'],
  ['Date?.now()', 'time: Date.now'],
  ['performance.now()', 'time: performance.now'],
  ['performance.eventLoopUtilization()', 'time: performance.eventLoopUtilization'],
  ['const p = performance', 'time: performance'],
  ['process.hrtime.bigint()', 'time: process.hrtime.bigint'],
  ['process.uptime()', 'time: process.uptime'],
  ['setTimeout(f, 1)', 'time: setTimeout'],
  ['globalThis.setInterval(f, 1)', 'time: setInterval'],
  ['setImmediate(f)', 'time: setImmediate'],
  ['promisify(setTimeout)', 'time: setTimeout'],
  ['const o = { wait: setTimeout }', 'time: setTimeout'],
  ['const o = { setTimeout }', 'time: setTimeout'],
  ['class A { #wait = setTimeout }', 'time: setTimeout'],
  ['const { at = Date.now() } = options', 'time: Date.now'],
  ['function f(at = Date.now()) {}', 'time: Date.now'],
  ['new Date(Date.now())', 'time: Date.now'],
  ['`${Date.now()}`', 'time: Date.now'],
  ['AbortSignal.timeout(5)', 'time: AbortSignal.timeout'],
  ['Atomics.wait(a, 0, 0, 5)', 'time: Atomics.wait'],
  ['Atomics.waitAsync(a, 0, 0, 5)', 'time: Atomics.waitAsync'],
  ['Temporal.Now.instant()', 'time: Temporal.Now.instant'],
  [
    `import { setTimeout as wait } from 'node:timers/promises'`,
    'time: setTimeout of node:timers/promises',
  ],
  [`import * as timers from 'timers/promises'`, 'time: * of timers/promises'],
  [`import { performance } from 'node:perf_hooks'`, 'time: performance of node:perf_hooks'],
  [`import { hrtime } from 'node:process'`, 'time: hrtime of node:process'],
  [`import timers from 'node:timers'; timers.setInterval(f)`, 'time: timers.setInterval'],
  [`export * from 'node:timers'`, 'time: * of node:timers'],
  ['Math.random()', 'chance: Math.random'],
  ['const { random } = Math', 'chance: Math.random'],
  ['crypto.randomUUID()', 'chance: crypto.randomUUID'],
  ['globalThis.crypto.getRandomValues(a)', 'chance: crypto.getRandomValues'],
  [`import { randomBytes } from 'node:crypto'`, 'chance: randomBytes of node:crypto'],
  [`import crypto from 'node:crypto'; crypto.randomInt(5)`, 'chance: crypto.randomInt'],
  [`import * as c from 'crypto'; c.randomBytes(5)`, 'chance: crypto.randomBytes'],
  [
    `import { webcrypto as w } from 'node:crypto'; w.getRandomValues(a)`,
    'chance: crypto.webcrypto.getRandomValues',
  ],
  [`const c = await import('node:crypto')`, 'chance: * of node:crypto'],
] as const)('%s is a reading', ([text, reading]) => {
  expect(readings(text)).toEqual([reading]);
});

test.for([
  'new Date(wallTimeMs)',
  'Date.parse(text)',
  'value instanceof Date',
  'let at: Date',
  'let timer: ReturnType<typeof setTimeout>',
  'interface A { setTimeout(): void; readonly performance: number }',
  'clock.now()',
  'clock.setTimeout(f)',
  'class A { setTimeout() {} }',
  'const o = { performance: 1 }',
  'clearTimeout(timer)',
  'queueMicrotask(f)',
  'Math.max(1, 2)',
  'Atomics.wait(a, 0, 0)',
  'random.next()',
  'process.memoryUsage()',
  `import { createHash } from 'node:crypto'`,
  `import crypto from 'node:crypto'; crypto.createHash('sha256')`,
  `import type { EventLoopUtilization } from 'node:perf_hooks'`,
  `import { clearTimeout } from 'node:timers'`,
  `// Date.now() would be wrong here`,
  `const text = 'Math.random()'`,
])('%s is none', (text) => {
  expect(readings(text)).toEqual([]);
});

test('a reading knows its line', () => {
  const file = parseSource('a.ts', `const é = '🙂';\n\nexport const at = Date.now();\n`);
  expect(readingsOf(file)).toEqual([{ kind: 'time', what: 'Date.now', line: 3 }]);
});

import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { cloneableRecordOf, recordOf, thrownFrom } from './error-record.ts';

const crossed = (thrown: unknown): unknown =>
  thrownFrom(structuredClone(recordOf(thrown)), 'thread cpu-1');

test('an error arrives with its class, message, properties and cause, which are hidden where they were', () => {
  const cause = new TypeError('inner');
  const thrown = Object.assign(new RangeError('outer', { cause }), { code: 'E_OUT', limit: 3 });
  const error = crossed(thrown) as RangeError;
  expect(error).toBeInstanceOf(RangeError);
  expect(Object.keys(error)).toEqual(['code', 'limit']);
  expect(error).toMatchObject({ message: 'outer', code: 'E_OUT', cause: { message: 'inner' } });
  expect(error.cause).toBeInstanceOf(TypeError);
});

test('the stack names the thread between the frames of both sides', () => {
  const { stack } = crossed(new Error('there')) as Error;
  expect(stack).toMatch(/^Error: there\n/u);
  expect(stack).toContain('at thread cpu-1');
});

test('a property named __proto__ changes no prototype', () => {
  const thrown = new Error('odd');
  Object.defineProperty(thrown, '__proto__', { value: { admin: true }, enumerable: true });
  expect((crossed(thrown) as { admin?: boolean }).admin).toBeUndefined();
});

test('what cannot be read is described, and never throws', () => {
  const hostile = new Proxy(new Error('hidden'), {
    get: () => {
      throw new Error('no');
    },
  });
  expect(crossed(hostile)).toMatch(/cannot be read/u);
});

test('of an error that cannot be cloned whole, all parts that can be are kept', () => {
  const inner = Object.assign(new Error('inner'), { handle: new WeakMap() });
  const thrown = Object.assign(
    new AggregateError([inner, () => 1], 'outer', { cause: Symbol('s') }),
    {
      code: 'E_PARTS',
      socket: new WeakSet(),
    },
  );
  const record = cloneableRecordOf(thrown);
  expect(() => structuredClone(record)).not.toThrow();
  const error = thrownFrom(structuredClone(record), 'cpu-1') as AggregateError;
  expect(error).toMatchObject({ message: 'outer', code: 'E_PARTS', cause: 'Symbol(s)' });
  expect(error.errors).toMatchObject([{ message: 'inner' }, '() => 1']);
});

test('the frames of the thread pool are cut, and those of a folder of the same name are not', () => {
  const own = new URL('../worker/worker-loop.ts', import.meta.url);
  const thrown = new Error('two lines\n  of text');
  thrown.stack = [
    'Error: two lines\n  of text',
    '    at resize (file:///home/me/thread-pool/worker/jobs.js:3:9)',
    `    at WorkerLoop.run (${own.href}:150:20)`,
    '    at AsyncLocalStorage.run (node:internal/async_local_storage:5:1)',
    '    at withCarried (file:///home/me/thread-pool/worker/jobs.js:9:9)',
    `    at async ${fileURLToPath(own)}:99:5`,
    '    at process.processImmediate (node:internal/timers:504:21)',
  ].join('\n');
  const lines = String((crossed(thrown) as Error).stack).split('\n');
  expect(lines.slice(0, 6)).toEqual([
    'Error: two lines',
    '  of text',
    '    at resize (file:///home/me/thread-pool/worker/jobs.js:3:9)',
    '    at AsyncLocalStorage.run (node:internal/async_local_storage:5:1)',
    '    at withCarried (file:///home/me/thread-pool/worker/jobs.js:9:9)',
    '    at thread cpu-1',
  ]);
});

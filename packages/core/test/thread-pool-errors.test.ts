import { afterAll, expect, test } from 'vitest';
import { ThreadPool } from '../src/index.ts';
import type * as jobs from './kit/threads/failing-jobs.ts';

const pool = new ThreadPool<typeof jobs>(
  new URL('./kit/threads/failing-jobs.ts', import.meta.url),
  {
    size: 1,
    name: 'errors',
  },
);
afterAll(() => pool.stop());

async function thrownBy(run: Promise<unknown>): Promise<Error & Record<string, unknown>> {
  try {
    await run;
  } catch (error) {
    return error as Error & Record<string, unknown>;
  }
  throw new Error('nothing was thrown');
}

test.each(['throwDeep', 'rejectDeep'] as const)(
  'an error keeps its name, message, properties and chain of causes: %s',
  async (job) => {
    const error = await thrownBy(pool.run(job, '/a'));
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({ name: 'FileMissing', message: 'no file /a' });
    expect(Object.fromEntries(Object.entries(error))).toMatchObject({
      code: 'E_MISSING',
      path: '/a',
    });
    expect(Object.keys(error)).not.toContain('stack');
    const { cause } = error;
    expect(cause).toBeInstanceOf(TypeError);
    expect(cause).toMatchObject({ message: 'not a disk', cause: { block: 7 } });
    expect(Object.keys(error)).not.toContain('cause');
  },
);

test('the stack of an error shows where it was thrown in the worker, then who called', async () => {
  async function theCaller(): Promise<unknown> {
    return await pool.run('throwDeep', '/a');
  }
  const { stack } = await thrownBy(theCaller());
  const lines = String(stack).split('\n');
  const at = (text: string): number => lines.findIndex((line) => line.includes(text));
  expect(lines[0]).toMatch(/no file \/a$/u);
  expect(at('openFile')).toBe(1);
  expect(at('failing-jobs.ts')).toBe(1);
  expect(at('thread errors-1')).toBeGreaterThan(at('throwDeep'));
  expect(at('theCaller')).toBeGreaterThan(at('thread errors-1'));
});

test.each(['thread', 'process'] as const)(
  'the stack of an error from a %s has none of the frames of its worker',
  async (isolation) => {
    await using own = new ThreadPool<typeof jobs>(
      new URL('./kit/threads/failing-jobs.ts', import.meta.url),
      { size: 1, name: 'bare', isolation },
    );
    const { stack, cause } = await thrownBy(own.run('throwDeep', '/a'));
    const [inWorker = ''] = String(stack).split(`    at ${isolation} bare-1`);
    const frames = inWorker.split('\n').filter((line) => line.startsWith('    at '));
    expect(frames.map((frame) => /failing-jobs|node:.*/u.exec(frame)?.[0] ?? frame)).toEqual([
      'failing-jobs',
      'failing-jobs',
    ]);
    expect((cause as Error).stack).not.toMatch(/worker-loop|process-loop|job-table/u);
  },
);

test.each([
  'EvalError',
  'RangeError',
  'ReferenceError',
  'SyntaxError',
  'TypeError',
  'URIError',
] as const)('a %s stays one', async (name) => {
  const error = await thrownBy(pool.run('throwBuiltIn', name));
  expect(error.constructor.name).toBe(name);
  expect(error).toMatchObject({ name, message: `a ${name}` });
  expect(Object.keys(error)).toEqual([]);
});

test('an AggregateError keeps its errors, each with its class and its stack', async () => {
  const error = await thrownBy(pool.run('throwMany', 3));
  expect(error).toBeInstanceOf(AggregateError);
  const errors = error['errors'] as Error[];
  expect(errors.map(({ message }) => message)).toEqual(['number 0', 'number 1', 'number 2']);
  for (const inner of errors) {
    expect(inner).toBeInstanceOf(RangeError);
    expect(inner.stack).toContain('throwMany');
  }
});

test.each([undefined, null, 0, 'text', { code: 7 }, ['a'], new Map([[1, 2]])])(
  'what is thrown and no error arrives as it was: %o',
  async (value) => {
    const thrown: unknown = await pool.run('throwValue', value).then(
      () => 'nothing was thrown',
      (each: unknown) => each,
    );
    expect(thrown).toEqual(value);
  },
);

test('an error with parts that cannot be cloned keeps all others', async () => {
  const error = await thrownBy(pool.run('throwUncloneable'));
  expect(error).toBeInstanceOf(RangeError);
  expect(error.message).toBe('with parts');
  expect(error.stack).toContain('throwUncloneable');
  expect(Object.fromEntries(Object.entries(error))).toEqual({ code: 'E_PARTS', limit: 12 });
  expect(error.cause).toMatchObject({ message: 'the cause' });
});

test.each(['throwFunction', 'throwHostile', 'throwLoop'] as const)(
  'what can hardly be described rejects its own call alone: %s',
  async (job) => {
    const settled = await Promise.allSettled([pool.run(job), pool.run('throwValue', 1)]);
    expect(settled.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(pool.stats()).toMatchObject({ crashes: 0, active: 0, queued: 0 });
  },
);

test('an error that is its own cause arrives with a chain that ends', async () => {
  let error: unknown = await thrownBy(pool.run('throwLoop'));
  let length = 0;
  for (; error instanceof Error; error = error.cause) length++;
  expect(length).toBeGreaterThan(1);
  expect(length).toBeLessThan(20);
});

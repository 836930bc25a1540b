import { AsyncLocalStorage } from 'node:async_hooks';
import type { JobContext } from '../../src/index.ts';
import { withTransfer } from '../../src/index.ts';
import { cloneableValues } from '../../src/thread-pool/codec/testing/cloneable-values.ts';

const tenants = new AsyncLocalStorage<string>();
let startedAs = 'nobody';

export function onStart({ name }: { readonly name: string }): void {
  startedAs = name;
}

export function onStop(): void {
  process.stdout.write('closed\n');
}

export function withCarried(carried: unknown, run: () => unknown): unknown {
  return tenants.run(carried as string, run);
}

export function echo(value: unknown): unknown {
  return value;
}

/** A value of the table, made on the worker. */
export function make(name: string): unknown {
  return cloneableValues.find((value) => value.name === name)?.make();
}

/** The same inside of another one: a promise by itself would be awaited. */
export function makeDeep(name: string): unknown {
  return { deep: make(name) };
}

export function pid(): number {
  return process.pid;
}

export function about(_: unknown, context: JobContext): Record<string, unknown> {
  const { key, attempt, worker, deadlineMs } = context;
  return { key, attempt, worker, deadlineMs, startedAs, tenant: tenants.getStore() };
}

export function fail(kind: 'plain' | 'uncloneable' | 'text'): never {
  // oxlint-disable-next-line typescript/only-throw-error -- what a job may do
  if (kind === 'text') throw 'only words';
  const fault = new RangeError('out of range', { cause: new Error('deep') });
  if (kind === 'uncloneable') throw Object.assign(fault, { code: 'E_FAR', stream: [() => 1] });
  throw Object.assign(fault, { code: 'E_FAR', detail: { limit: 3 } });
}

export function loop(): never {
  for (;;);
}

/** Loops without end on one worker, and answers on any other one. */
export function loopOn(looping: string, { worker }: JobContext): string {
  if (worker === looping) for (;;);
  return worker;
}

/** A loop that never yields, but asks. */
export function heed(_: unknown, { signal }: JobContext): void {
  while (!signal.aborted);
}

export function listen(_: unknown, { signal }: JobContext): Promise<void> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error));
  });
}

let waiting: (() => void) | undefined;

/** Settles when another call of it comes, which shows that both run at the same time. */
export function meet(): Promise<void> | undefined {
  if (waiting === undefined) return new Promise((resolve) => (waiting = resolve));
  waiting();
  waiting = undefined;
  return undefined;
}

export function exit(code: number): void {
  process.exit(code);
}

export function kill(name: NodeJS.Signals): Promise<never> {
  process.kill(process.pid, name);
  return new Promise(() => undefined);
}

export function hangUp(): Promise<never> {
  process.disconnect();
  return new Promise(() => undefined);
}

/** Leaves something behind that fails while a later task runs. */
export function lateThrow(): void {
  setImmediate(() => {
    throw new Error('too late');
  });
}

export function unhandled(): Promise<never> {
  void Promise.reject(new Error('nobody asked'));
  return new Promise(() => undefined);
}

export function print(text: string): void {
  process.stdout.write(text);
  process.stderr.write(text);
}

export function moved(length: number): Uint8Array {
  const bytes = new Uint8Array(length).fill(7);
  return withTransfer(bytes, [bytes.buffer]) as unknown as Uint8Array;
}

export function heapLimitMb(): Promise<number> {
  return import('node:v8').then((v8) => v8.getHeapStatistics().heap_size_limit / 2 ** 20);
}

// Not from the door of the package: every worker of every test loads this.
import {
  withTransfer,
  type JobContext,
  type Transferring,
} from '../../../src/thread-pool/job-types.ts';
import { Stage } from './stage.ts';

/*
 * Jobs for tests of the thread pool: those that answer, those that wait at a door, and those that do
 * their worker harm.
 */

export function echo(input: unknown): unknown {
  return input;
}

export function add({ a, b }: { readonly a: number; readonly b: number }): number {
  return a + b;
}

export function countFrom(start = 0): number {
  return start + 1;
}

export async function soon(text: string): Promise<string> {
  await Promise.resolve();
  return text.toUpperCase();
}

export function nothing(): void {}

/** Moves its bytes back. */
export function moved(bytes: Uint8Array<ArrayBuffer>): Transferring<Uint8Array<ArrayBuffer>> {
  return withTransfer(bytes, [bytes.buffer]);
}

export function uncloneable(_: undefined): unknown {
  return { why: () => 'a function cannot be cloned' };
}

export async function uncloneableLater(_: undefined): Promise<unknown> {
  await Promise.resolve();
  return Symbol('cannot be cloned');
}

export function brokenGetter(_: undefined): unknown {
  return {
    get field(): never {
      throw new RangeError('the getter broke');
    },
  };
}

export function workerName(_: unknown, { worker }: JobContext): string {
  return worker;
}

export function told(
  _: undefined,
  { key, attempt, deadlineMs }: JobContext,
): { key: string | undefined; attempt: number; deadlineMs: number } {
  return { key, attempt, deadlineMs };
}

/** Keeps its thread until the door opens. */
export function hold(buffer: SharedArrayBuffer, { worker }: JobContext): string {
  const stage = new Stage(buffer);
  stage.enter();
  stage.waitAtDoor();
  stage.leave();
  return worker;
}

/** Waits for the door, and leaves the thread to others meanwhile. */
export async function wait(buffer: SharedArrayBuffer, { worker }: JobContext): Promise<string> {
  const stage = new Stage(buffer);
  stage.enter();
  await stage.waitBesideDoor();
  stage.leave();
  return worker;
}

/** Counts itself and is done. */
export function visit(buffer: SharedArrayBuffer, { worker }: JobContext): string {
  const stage = new Stage(buffer);
  stage.enter();
  stage.leave();
  return worker;
}

export function burn(ms: number): number {
  const untilMs = performance.now() + ms;
  let turns = 0;
  while (performance.now() < untilMs) turns++;
  return turns;
}

/** Never ends, and hears nothing. */
export function spin(buffer: SharedArrayBuffer): never {
  new Stage(buffer).enter();
  for (;;);
}

/** Never yields, and ends when its call is. */
export function heed(buffer: SharedArrayBuffer, { signal }: JobContext): string {
  const stage = new Stage(buffer);
  stage.enter();
  while (!signal.aborted);
  stage.hear();
  stage.leave();
  return 'too late';
}

/** Waits for nothing but the end of its call. */
export async function listen(buffer: SharedArrayBuffer, { signal }: JobContext): Promise<string> {
  const stage = new Stage(buffer);
  stage.enter();
  await new Promise((resolve) => signal.addEventListener('abort', resolve));
  stage.hear();
  stage.leave();
  return 'too late';
}

/** Ends its worker. */
export function exit(buffer: SharedArrayBuffer | undefined): never {
  if (buffer !== undefined) new Stage(buffer).enter();
  process.exit(7);
}

/** Ends its worker, when the door opens. */
export function exitAtDoor(buffer: SharedArrayBuffer): never {
  const stage = new Stage(buffer);
  stage.enter();
  stage.waitAtDoor();
  process.exit(7);
}

/** Ends the worker that runs it first; the second one does it. */
export function exitOnce(buffer: SharedArrayBuffer): string {
  const stage = new Stage(buffer);
  stage.enter();
  if (stage.started === 1) process.exit(7);
  return 'done';
}

/** Uses more and more of its heap. */
export function exhaust(_: undefined): number {
  const kept: number[][] = [];
  for (;;) kept.push(Array.from({ length: 10_000 }, (_each, i) => i + kept.length + 0.5));
}

/** Keeps so much of its heap in use. */
export function hoard(megabytes: number): number {
  hoarded.push(Array.from({ length: megabytes * 131_072 }, (_, i) => i + 0.5));
  return hoarded.length;
}

const hoarded: number[][] = [];

/** Is done, and leaves behind a promise that rejects once the door is open, and that nobody awaits. */
export function rejectAtDoor(buffer: SharedArrayBuffer): string {
  const stage = new Stage(buffer);
  const reject = async (): Promise<never> => {
    await stage.waitBesideDoor();
    throw new Error('nobody awaited this');
  };
  void reject();
  return 'done';
}

/** Is done, and leaves behind a timer that throws once the door is open. */
export function throwAtDoor(buffer: SharedArrayBuffer): string {
  const stage = new Stage(buffer);
  const look = setInterval(() => {
    if (!stage.isOpen) return;
    clearInterval(look);
    throw new Error('a timer of an earlier task threw');
  }, 1);
  return 'done';
}

/** Ends its worker when its input says so. */
export function exitFor(word: string): string {
  if (word.startsWith('exit')) process.exit(7);
  return word;
}

/** One job that is quick, or not: what is known of its runs says nothing about the next one. */
export function act(
  {
    what,
    buffer,
  }: { readonly what: 'visit' | 'hold' | 'exit' | 'burn'; readonly buffer: SharedArrayBuffer },
  context: JobContext,
): string {
  if (what === 'visit') return visit(buffer, context);
  if (what === 'burn') return String(burn(40));
  return what === 'hold' ? hold(buffer, context) : exitAtDoor(buffer);
}

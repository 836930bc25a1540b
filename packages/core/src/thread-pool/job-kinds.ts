import { Script } from 'node:vm';
import { InvalidOptionsError, shown } from '../core/index.ts';
import type { JobDefinition } from './shared/protocol.ts';

/** More than a module has. Names cannot be checked before a worker has loaded it. */
const MAX_JOBS = 10_000;

/** What a job is taken to cost before it has ever run, in ms: so much that nothing is handed ahead of it. */
const UNKNOWN_MS = 1000;

/** A job of the pool, by name: its number in the shared memory, and how long it usually runs. */
export class JobKind {
  readonly definition: JobDefinition;
  /** What a task of it is expected to take, in ms: the mean and one mean deviation. */
  costMs: number = UNKNOWN_MS;
  #meanMs = Number.NaN;
  #deviationMs = 0;

  constructor(definition: JobDefinition) {
    this.definition = definition;
  }

  /** Learns how long one ran: moving averages over about the last eight. */
  learn(runMs: number): void {
    if (Number.isNaN(this.#meanMs)) this.#meanMs = runMs;
    const error = runMs - this.#meanMs;
    this.#meanMs += error / 8;
    this.#deviationMs += (Math.abs(error) - this.#deviationMs) / 8;
    this.costMs = this.#meanMs + this.#deviationMs;
  }
}

/** The jobs that a pool knows, numbered in the order in which they came. */
export class JobKinds {
  readonly #pool: string;
  readonly #byName = new Map<string, JobKind>();
  readonly #all: JobKind[] = [];
  /** What the module exports; undefined until a worker has loaded it. */
  #exports: ReadonlySet<string> | undefined;

  constructor(pool: string) {
    this.#pool = pool;
  }

  get size(): number {
    return this.#all.length;
  }

  /** @throws InvalidOptionsError for a job that does not exist, once that is known. */
  find(name: string): JobKind {
    const known = this.#byName.get(name);
    if (known !== undefined) return known;
    if (typeof name !== 'string') throw this.#wrong('a name of a job', name);
    if (this.#exports?.has(name) === false) {
      const names = [...this.#exports, ...this.#byName.keys()].join(', ');
      throw this.#wrong(`one of ${names === '' ? 'none, as there are no jobs' : names}`, name);
    }
    return this.#add(name, undefined);
  }

  /** Adds an inline function; `wrap` makes it one of input and context. @throws InvalidOptionsError */
  define(name: string, fn: unknown, wrap = (source: string): string => source): JobKind {
    if (typeof name !== 'string' || name === '') throw this.#wrong('a name', name);
    if (this.#byName.has(name) || this.#exports?.has(name) === true) {
      throw this.#wrong('a name that no other job has', name);
    }
    return this.#add(name, wrap(sourceOf(this.#pool, fn)));
  }

  /** Definitions numbered from `first` on. */
  since(first: number): JobDefinition[] {
    return this.#all.slice(first).map(({ definition }) => definition);
  }

  /** A worker has loaded the module. */
  learnExports(names: readonly string[]): void {
    this.#exports ??= new Set(names);
  }

  #add(name: string, source: string | undefined): JobKind {
    if (this.#all.length === MAX_JOBS) throw this.#wrong(`one of at most ${MAX_JOBS} jobs`, name);
    const kind = new JobKind({ id: this.#all.length, name, source });
    this.#all.push(kind);
    this.#byName.set(name, kind);
    return kind;
  }

  #wrong(expected: string, got: unknown): InvalidOptionsError {
    return new InvalidOptionsError(this.#pool, [{ option: 'job', expected, got: shown(got) }]);
  }
}

const NATIVE = /\{\s*\[native code\]\s*\}\s*$/;

/** The text of a function, such that it is an expression. @throws InvalidOptionsError */
function sourceOf(pool: string, fn: unknown): string {
  const wrong = (got: string): InvalidOptionsError =>
    new InvalidOptionsError(pool, [
      { option: 'function', expected: 'a function whose source can be sent to a worker', got },
    ]);
  if (typeof fn !== 'function') throw wrong(shown(fn));
  const source = Function.prototype.toString.call(fn);
  if (NATIVE.test(source)) throw wrong('a native or bound function');
  if (source.startsWith('class')) throw wrong('a class');
  if (isExpression(source)) return source;
  // A method: `square(x) { … }`, which is an expression only inside an object.
  const method = `Object.values({ ${source} })[0]`;
  if (isExpression(method)) return method;
  throw wrong('a method that is no function of its own');
}

function isExpression(source: string): boolean {
  try {
    return new Script(`'use strict'; (${source});`) instanceof Script;
  } catch {
    return false;
  }
}

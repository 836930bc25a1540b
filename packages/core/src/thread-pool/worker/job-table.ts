import { constants, runInThisContext } from 'node:vm';
import type { Job, JobContext, JobHooks } from '../job-types.ts';
import type { JobDefinition, TaskExtras } from '../shared/protocol.ts';

const HOOKS: ReadonlySet<string> = new Set(['onStart', 'onStop', 'withCarried']);

/** The jobs of one worker: the functions of its module, and those that came as source. */
export class JobTable {
  readonly hooks: JobHooks;
  readonly #exports: Readonly<Record<string, unknown>>;
  readonly #jobs: (Job | undefined)[] = [];
  readonly #withCarried: JobHooks['withCarried'];

  constructor(exports: Readonly<Record<string, unknown>>) {
    this.#exports = exports;
    this.hooks = exports;
    this.#withCarried = this.hooks.withCarried;
  }

  /** Names of what can be run. */
  get names(): string[] {
    return Object.keys(this.#exports).filter(
      (name) => typeof this.#exports[name] === 'function' && !HOOKS.has(name),
    );
  }

  define({ id, name, source }: JobDefinition): void {
    this.#jobs[id] = source === undefined ? this.#exported(name) : compiled(name, source);
  }

  /** Undefined: not defined yet. */
  find(id: number): Job | undefined {
    return this.#jobs[id];
  }

  /** Runs a job: inside the module's `withCarried`, where something came along. */
  run(job: Job, input: unknown, context: JobContext, extras: TaskExtras | undefined): unknown {
    const withCarried = this.#withCarried;
    if (withCarried === undefined || extras === undefined || !('carried' in extras))
      return job(input, context);
    return withCarried(extras.carried, () => job(input, context));
  }

  #exported(name: string): Job {
    const found = this.names.includes(name) ? this.#exports[name] : undefined;
    if (found !== undefined) return found as Job;
    const names = this.names;
    const has = names.length === 0 ? 'no functions' : names.join(', ');
    return () => {
      throw new TypeError(`there is no job ${name}: the module exports ${has}`);
    };
  }
}

/** A function from its source. It sees globals, and nothing of where it was written. */
function compiled(name: string, source: string): Job {
  let job: Job;
  try {
    job = runInThisContext(`'use strict'; (${source});`, {
      filename: `inline job ${name}`,
      importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
    }) as Job;
  } catch (error) {
    return () => {
      throw error;
    };
  }
  return (input, context) => explained(name, () => job(input, context));
}

function explained(name: string, run: () => unknown): unknown {
  try {
    const result = run();
    if (result instanceof Promise) return result.catch((error: unknown) => rethrow(name, error));
    return result;
  } catch (error) {
    return rethrow(name, error);
  }
}

const UNBOUND = /^(?<variable>\S+) is not defined$/;

/** A name that the worker does not know is nearly always one that the function meant to capture. */
function rethrow(name: string, error: unknown): never {
  const variable =
    error instanceof ReferenceError ? UNBOUND.exec(error.message)?.groups?.['variable'] : undefined;
  if (variable === undefined) throw error;
  const message =
    `the inline job ${name} uses ${variable}, which a worker does not have: an inline function captures nothing; ` +
    `hand ${variable} over in its input, import it inside the function, or move the job to a module`;
  throw new ReferenceError(message, { cause: error });
}

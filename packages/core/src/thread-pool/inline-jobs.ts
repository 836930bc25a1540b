import { InvalidOptionsError } from '../core/index.ts';
import type { JobKind, JobKinds } from './job-kinds.ts';
import type { Job } from './job-types.ts';

/** More than a program has in its text. */
const MAX_JOBS = 1000;

/** Inline functions that have no name of their own, each by its source: the same text is the same job. */
export class InlineJobs {
  readonly #kinds: JobKinds;
  readonly #bySource = new Map<string, JobKind>();

  constructor(kinds: JobKinds) {
    this.#kinds = kinds;
  }

  /** @throws InvalidOptionsError for what has no source. */
  find(fn: Job): JobKind {
    const source = Function.prototype.toString.call(fn);
    const known = this.#bySource.get(source);
    if (known !== undefined) return known;
    if (this.#bySource.size === MAX_JOBS) {
      const expected = `one of at most ${MAX_JOBS} inline functions; hand over in the input what differs`;
      const problem = { option: 'task', expected, got: 'another one' };
      throw new InvalidOptionsError('ThreadPool', [problem]);
    }
    const name = `${fn.name === '' ? 'anonymous' : fn.name}#${this.#bySource.size + 1}`;
    const kind = this.#kinds.define(name, fn, (text) => `(_, context) => (${text})(context)`);
    this.#bySource.set(source, kind);
    return kind;
  }
}

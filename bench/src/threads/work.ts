import type { JobName } from './jobs.ts';
import { stepsFor } from './pace.ts';
import type { Call, Pool } from './pool.ts';

/** What a call sends. A job answers with the value it got, so the answer is what is sent next. */
export interface Work {
  readonly job: JobName;
  /** A value of the caller's own. */
  fresh(): unknown;
  /** Whether an answer is the value that was sent. */
  isRight(answer: unknown): boolean;
  /** Whether the value's bytes are moved instead of copied. @default false */
  readonly moved?: boolean;
}

export const nothing: Work = {
  job: 'noop',
  fresh: () => 42,
  isRight: (answer) => answer === 42,
};

/** Neither argument nor result. */
export const empty: Work = {
  job: 'noop',
  fresh: () => undefined,
  isRight: (answer) => answer === undefined,
};

/** A core is kept busy for about so many µs. */
export function cpu(micros: number): Work {
  const steps = stepsFor(micros);
  return { job: 'burn', fresh: () => steps, isRight: (answer) => answer === steps };
}

/** Byte arrays go there and come back. */
export function bytes(length: number, moved: boolean): Work {
  return {
    job: moved ? 'giveBack' : 'noop',
    moved,
    fresh: () => new Uint8Array(length).fill(7),
    isRight: (answer) =>
      answer instanceof Uint8Array && answer.length === length && answer[length - 1] === 7,
  };
}

/** A record such as a service passes around; 1 KB as JSON. It goes there and comes back. */
const record = {
  id: 184_467,
  name: 'Ada Lovelace',
  email: 'ada@analytical.example',
  active: true,
  balance: 1234.5,
  roles: ['reader', 'author', 'editor'],
  address: { street: '12 St James’s Square', city: 'London', zip: 'SW1Y 4JH', country: 'GB' },
  orders: Array.from({ length: 8 }, (_, i) => ({
    sku: `part-${1000 + i}`,
    quantity: i + 1,
    price: 9.95 * (i + 1),
    shipped: i % 2 === 0,
  })),
  note: 'The engine might act upon other things besides number. '.repeat(4),
};

export const oneKilobyteObject: Work = {
  job: 'noop',
  fresh: () => record,
  isRight: (answer) => {
    const { id, orders } = answer as typeof record;
    return id === record.id && orders[7]?.sku === 'part-1007';
  },
};

/** One call of a piece of work after the other, each sending what the last one brought. */
export class Caller {
  readonly #work: Work;
  readonly #call: Call;
  #value: unknown;
  operations = 0;
  right = 0;

  constructor(pool: Pool, work: Work) {
    this.#work = work;
    this.#call = pool.caller(work.job);
    this.#value = work.fresh();
  }

  /** To be awaited and handed to {@link take}: one hop less than an async method for both. */
  send(): PromiseLike<unknown> {
    const value = this.#value;
    return this.#work.moved === true
      ? this.#call(value, [(value as Uint8Array<ArrayBuffer>).buffer])
      : this.#call(value);
  }

  take(answer: unknown): void {
    this.operations++;
    if (this.#work.isRight(answer)) this.right++;
    this.#value = answer;
  }
}

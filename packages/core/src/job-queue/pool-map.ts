import { integer, InvalidOptionsError, shown, type OptionProblem } from '../core/index.ts';
import type { MapOptions, SubmitOptions } from './pool-contract.ts';

/** What a `map` needs of its pool. */
export interface MapPort<Task> {
  readonly name: string;
  /** Lanes, and places to wait, as of now. */
  readonly size: number;
  readonly queueCapacity: number;
  /** Tasks under way where nobody says how many, as of now. */
  readonly concurrency: number;
  /** Options that are the pool's own, as it takes them for each task. */
  readonly ownOptions?: readonly string[];
  /** Whether a call would find a lane or a place now, or be refused for another reason. */
  readonly hasRoom: boolean;
  /** Calls `wake` once, when `hasRoom` may have become true. Returns the way to take that back. */
  onRoom(wake: () => void): () => void;
  submit(task: Task, options: SubmitOptions): Promise<unknown>;
}

/** What `map` takes its items from. */
export type MapSource<I> = Iterable<I> | AsyncIterable<I>;

/**
 * Runs a task for each item of a source and gives the results: the one `map` of both pools.
 *
 * It pulls from the source only what the pool can take: at most `concurrency` tasks are under way, as many
 * results wait for the consumer beside them, and while others fill the pool it waits for room instead of
 * being refused. Nothing is pulled before the first `next`. The first error ends it, whatever its place:
 * nothing more is pulled, what is under way is aborted, the source is closed, and so it is when the consumer
 * leaves. O(1) an item.
 */
export class PoolMap<I, Task, R> implements AsyncIterableIterator<R, undefined> {
  readonly #port: MapPort<Task>;
  readonly #source: MapSource<I>;
  readonly #taskFor: (item: I) => Task;
  readonly #options: MapOptions;
  readonly #isOrdered: boolean;
  readonly #controller = new AbortController();
  #submitOptions: SubmitOptions = {};
  #items: Iterator<I> | AsyncIterator<I> | undefined;
  #isPulling = false;
  #isExhausted = false;
  #isClosed = false;
  #hasEnded = false;
  #failure: { readonly error: unknown } | undefined;
  #underWay = 0;
  #pulled = 0;
  #ready = 0;
  #taken = 0;
  /** What nobody has taken yet, by its place in the row in which it is to be given. */
  readonly #results = new Map<number, R>();
  #takers: PromiseWithResolvers<IteratorResult<R, undefined>>[] = [];
  #wake: () => void = () => undefined;
  #cancelRoom: () => void = () => undefined;
  readonly #onAbort = (): void => this.#fail(this.#options.signal?.reason);

  /** @throws InvalidOptionsError naming everything that is wrong. */
  constructor(
    port: MapPort<Task>,
    source: MapSource<I>,
    taskFor: (item: I) => Task,
    options: MapOptions = {},
  ) {
    checkMap(port, { source, taskFor, options });
    this.#port = port;
    this.#source = source;
    this.#taskFor = taskFor;
    this.#options = options;
    this.#isOrdered = options.ordered ?? true;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<R, undefined>> {
    if (this.#items === undefined && !this.#hasEnded) this.#begin();
    const taker = Promise.withResolvers<IteratorResult<R, undefined>>();
    this.#takers.push(taker);
    this.#serve();
    return taker.promise;
  }

  /** Ends it, and waits until the source is closed. */
  async return(): Promise<IteratorResult<R, undefined>> {
    const wasBegun = this.#items !== undefined && !this.#hasEnded;
    this.#end();
    this.#failure = undefined;
    this.#serve();
    if (wasBegun) await this.#closeSource();
    return { done: true, value: undefined };
  }

  async throw(error: unknown): Promise<never> {
    await this.return();
    throw error;
  }

  #begin(): void {
    const { signal, deadlineMs, timeoutMs, priority, key } = this.#options;
    const own = { signal: this.#controller.signal };
    this.#submitOptions = { deadlineMs, timeoutMs, priority, key, ...own };
    if (signal?.aborted) return this.#fail(signal.reason);
    signal?.addEventListener('abort', this.#onAbort);
    void this.#pullAll().catch((error: unknown) => this.#fail(error));
  }

  async #pullAll(): Promise<void> {
    const items = iteratorOf(this.#source);
    this.#items = items;
    while (!this.#hasEnded) {
      while (!this.#mayPull) await this.#change();
      if (this.#hasEnded) return;
      const item = await this.#pull(items);
      if (item.done === true) {
        this.#isExhausted = true;
        this.#isClosed = true;
        return this.#serve();
      }
      // While the source was slow, others may have filled the pool.
      while (!this.#mayPull) await this.#change();
      if (!this.#hasEnded) this.#submit(item.value);
    }
  }

  get #mayPull(): boolean {
    const { size, queueCapacity, concurrency } = this.#port;
    const most = Math.min(this.#options.concurrency ?? concurrency, size + queueCapacity);
    return (
      this.#hasEnded ||
      (this.#underWay < most &&
        this.#underWay + this.#results.size < 2 * most &&
        this.#port.hasRoom)
    );
  }

  /** Until there may be more room. Who is told so must look again: others may have been faster. */
  async #change(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      this.#cancelRoom = this.#port.onRoom(resolve);
    });
    this.#cancelRoom();
  }

  async #pull(items: Iterator<I> | AsyncIterator<I>): Promise<IteratorResult<I>> {
    try {
      this.#isPulling = true;
      return await items.next();
    } catch (error) {
      // A source that fails is closed by that.
      this.#isClosed = true;
      throw error;
    } finally {
      this.#isPulling = false;
    }
  }

  #submit(item: I): void {
    const place = this.#pulled++;
    this.#underWay++;
    this.#port.submit(this.#taskFor(item), this.#submitOptions).then(
      (result) => {
        this.#underWay--;
        if (this.#hasEnded) return;
        this.#results.set(this.#isOrdered ? place : this.#ready, result as R);
        this.#ready++;
        this.#serve();
        this.#wake();
      },
      (error: unknown) => this.#fail(error),
    );
  }

  /** Gives to those who ask what there is for them. */
  #serve(): void {
    while (this.#takers.length > 0) {
      if (this.#failure !== undefined) {
        const { error } = this.#failure;
        this.#failure = undefined;
        this.#takers.shift()?.reject(error);
      } else if (this.#results.has(this.#taken)) {
        const value = this.#results.get(this.#taken) as R;
        this.#results.delete(this.#taken++);
        this.#takers.shift()?.resolve({ done: false, value });
        this.#wake();
      } else if (this.#hasEnded || (this.#isExhausted && this.#underWay === 0)) {
        this.#end();
        this.#takers.shift()?.resolve({ done: true, value: undefined });
      } else {
        return;
      }
    }
  }

  #fail(error: unknown): void {
    if (this.#hasEnded) return;
    this.#failure = { error };
    this.#end(error);
    // The error that ended it is the one to tell, whatever the source says to that.
    void ignored(this.#closeSource());
    this.#serve();
  }

  #end(reason?: unknown): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#results.clear();
    this.#options.signal?.removeEventListener('abort', this.#onAbort);
    this.#cancelRoom();
    this.#wake();
    if (this.#underWay > 0) this.#controller.abort(reason);
  }

  /** Not waited for while it is asked for an item: it may never answer. */
  async #closeSource(): Promise<void> {
    if (this.#items === undefined || this.#isClosed) return;
    this.#isClosed = true;
    const closed = this.#items.return?.();
    if (this.#isPulling) void ignored(closed);
    else await closed;
  }
}

function iteratorOf<I>(source: MapSource<I>): Iterator<I> | AsyncIterator<I> {
  const { [Symbol.asyncIterator]: iterate } = source as Partial<AsyncIterable<I>>;
  return iterate ? iterate.call(source) : (source as Iterable<I>)[Symbol.iterator]();
}

async function ignored(result: unknown): Promise<void> {
  try {
    await result;
  } catch {
    // The consumer has left: there is nobody to tell.
  }
}

const KNOWN: readonly string[] = [
  'concurrency',
  'ordered',
  'signal',
  'deadlineMs',
  'timeoutMs',
  'priority',
  'key',
];

function checkMap(
  { name, ownOptions = [] }: MapPort<never>,
  given: { source: unknown; taskFor: unknown; options: MapOptions },
): void {
  const { source, taskFor, options } = given;
  const { concurrency = 1, ordered = true } = options;
  const problems: OptionProblem[] = [];
  const isSource =
    typeof source === 'string' ||
    (typeof source === 'object' &&
      source !== null &&
      (Symbol.asyncIterator in source || Symbol.iterator in source));
  const check = (option: string, isRight: boolean, expected: string, value: unknown): void => {
    if (!isRight) problems.push({ option, expected, got: shown(value) });
  };
  check('source', isSource, 'an iterable or an async iterable', source);
  check('task', typeof taskFor === 'function', 'a function', taskFor);
  const count = integer(1);
  const isCount = concurrency === Infinity || count.accepts(concurrency);
  check('concurrency', isCount, `${count.expected}, or Infinity`, concurrency);
  const known = [...KNOWN, ...ownOptions];
  for (const [unknown, value] of Object.entries(options)) {
    const expected = `left out: there is no such option, only ${known.join(', ')}`;
    check(unknown, known.includes(unknown), expected, value);
  }
  check('ordered', typeof ordered === 'boolean', 'true or false', ordered);
  if (problems.length > 0) throw new InvalidOptionsError(`${name}.map`, problems);
}

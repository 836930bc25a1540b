import { Buffer } from 'node:buffer';
import {
  resolveBufferPoolOptions,
  type BufferPoolOptions,
  type BufferPoolStats,
  type ResolvedBufferPoolOptions,
  type SizeClassStats,
} from './buffer-pool-options.ts';
import { lend } from './lend.ts';
import { ObjectPool } from './object-pool.ts';
import { SizeClasses } from './size-classes.ts';

const clearBuffer = (buffer: Buffer): void => void buffer.fill(0);
/** One whose memory was transferred has none left. */
const isWhole = (buffer: Buffer): boolean => buffer.length > 0;

/**
 * Byte buffers for reuse, by an {@link ObjectPool} for each power of two. For buffers of some KB upwards that are
 * needed at a high rate: making one takes time in proportion to its size, and its memory lies outside of V8's heap,
 * whose collector is slow to notice it.
 *
 * What `get` hands out has **at least** the bytes asked for: use the first of them, by `buffer.subarray(0, n)` where
 * need be, and put the buffer itself. Each has memory of its own, no part of Node's shared slab, and is all zeros
 * unless `clear` is false.
 *
 * Idle buffers take at most `maxBytes` together. When one more comes back, those go whose size was not asked for
 * longest. A request beyond `largestBytes` gets a new buffer of exactly its size, which is put like any other but
 * never kept.
 *
 * O(1) but for the zeros; a buffer that is reused allocates nothing.
 *
 * @example
 * const pool = new BufferPool({ maxBytes: 64 * 1024 * 1024 });
 * const written = pool.use(50_000, (buffer) => buffer.write('hello'));
 * @see https://learn.microsoft.com/dotnet/api/system.buffers.arraypool-1
 */
export class BufferPool {
  readonly name: string;
  #options: ResolvedBufferPoolOptions;
  readonly #classes: SizeClasses;
  /** By index of the class; made when the first of their size is asked for. */
  readonly #pools: (ObjectPool<Buffer> | undefined)[];
  /** For each class, the number of the last `get` that asked for it. */
  readonly #lastGets: Float64Array;
  /** For those beyond all classes. Keeps none. */
  readonly #oversized: ObjectPool<Buffer>;
  #oversizedBytes = 0;
  #gets = 0;
  #idleBytes = 0;

  /** @throws InvalidOptionsError naming every option that is wrong. */
  constructor(options: BufferPoolOptions = {}) {
    this.#options = resolveBufferPoolOptions(options);
    const { name, smallestBytes, largestBytes } = this.#options;
    this.name = name;
    this.#classes = new SizeClasses(smallestBytes, largestBytes);
    this.#pools = new Array<undefined>(this.#classes.count).fill(undefined);
    this.#lastGets = new Float64Array(this.#classes.count);
    const create = (): Buffer => this.#allocate(this.#oversizedBytes);
    this.#oversized = new ObjectPool({ name, max: 0, create });
  }

  /** Bytes of the buffers that wait for their next use. */
  get idleBytes(): number {
    return this.#idleBytes;
  }

  /**
   * A buffer of at least `bytes` bytes.
   * @throws RangeError when `bytes` is no integer of at least 0, or more than a buffer can have.
   */
  get(bytes: number): Buffer {
    if (!Number.isSafeInteger(bytes) || bytes < 0) {
      throw new RangeError(`${this.name}: bytes must be an integer of at least 0, got ${bytes}.`);
    }
    const index = this.#classes.indexFor(bytes);
    if (index < 0) {
      this.#oversizedBytes = bytes;
      return this.#oversized.get();
    }
    const pool = this.#pools[index] ?? this.#open(index);
    this.#lastGets[index] = ++this.#gets;
    const before = pool.idle;
    try {
      return pool.get();
    } finally {
      // Idle ones that were found unfit are gone, also when there is no memory for a new one.
      this.#idleBytes += (pool.idle - before) * this.#classes.bytesOf(index);
    }
  }

  /**
   * Takes a buffer back, and answers whether it was kept for reuse. From then on it is not yours, nor is any view of
   * it.
   * @throws Error when the buffer is not lent by this pool: it is a view, or from elsewhere, or came back already.
   * Also when its memory was transferred: then there is nothing to take back.
   */
  put(buffer: Buffer): boolean {
    const bytes = bytesOf(buffer);
    const index = this.#classes.indexFor(bytes);
    if (index < 0) return this.#oversized.put(buffer);
    const pool = this.#pools[index];
    if (pool === undefined || bytes !== this.#classes.bytesOf(index)) throw this.#notWhole(bytes);
    const before = pool.idle;
    pool.put(buffer);
    this.#idleBytes += (pool.idle - before) * bytes;
    this.#shrink();
    return pool.idle > before;
  }

  /** As `use` of an {@link ObjectPool}, with a buffer of at least `bytes` bytes. */
  use<R>(bytes: number, fn: (buffer: Buffer) => PromiseLike<R>): Promise<R>;
  use<R>(bytes: number, fn: (buffer: Buffer) => R): R;
  use<R>(bytes: number, fn: (buffer: Buffer) => PromiseLike<R> | R): Promise<R> | R {
    return lend(this, this.get(bytes), fn);
  }

  /**
   * Drops idle buffers until at most `keepBytes` are left, and answers how many bytes it dropped. For times when memory
   * is short.
   * @throws RangeError when `keepBytes` is no number of at least 0.
   */
  trim(keepBytes = 0): number {
    if (!(keepBytes >= 0)) {
      throw new RangeError(`${this.name}: keepBytes must be 0 or more, got ${keepBytes}.`);
    }
    const before = this.#idleBytes;
    this.#shrink(keepBytes);
    return before - this.#idleBytes;
  }

  /**
   * Changes options live; the sizes and `name` stay what they are, and an option that is undefined goes back to its
   * default. A smaller `maxBytes` drops what is idle beyond it; `clear` turned on drops all that is idle.
   * @throws InvalidOptionsError and changes nothing when an option is wrong.
   */
  update(changes: Partial<Pick<BufferPoolOptions, 'maxBytes' | 'clear'>>): void {
    const { name, smallestBytes, largestBytes, clear } = this.#options;
    const fixed = { name, smallestBytes, largestBytes };
    this.#options = resolveBufferPoolOptions({ ...this.#options, ...changes, ...fixed });
    // What lies idle was never overwritten.
    if (this.#options.clear && !clear) this.trim();
    this.#shrink();
    for (const [index, pool] of this.#pools.entries()) pool?.update(this.#changesFor(index));
  }

  stats(): BufferPoolStats {
    const classes = this.#pools.flatMap((pool, index): readonly SizeClassStats[] =>
      pool === undefined ? [] : [{ bytes: this.#classes.bytesOf(index), ...pool.stats() }],
    );
    const oversized = this.#oversized.stats();
    const sum = (count: 'outstanding' | 'created' | 'reused'): number =>
      classes.reduce((total, stats) => total + stats[count], oversized[count]);
    return {
      maxBytes: this.#options.maxBytes,
      idleBytes: this.#idleBytes,
      outstanding: sum('outstanding'),
      created: sum('created'),
      reused: sum('reused'),
      oversized: oversized.created,
      classes,
    };
  }

  #open(index: number): ObjectPool<Buffer> {
    const bytes = this.#classes.bytesOf(index);
    const pool = new ObjectPool<Buffer>({
      name: this.name,
      create: () => this.#allocate(bytes),
      validate: isWhole,
      ...this.#changesFor(index),
    });
    this.#pools[index] = pool;
    return pool;
  }

  #changesFor(index: number): {
    readonly max: number;
    readonly reset: typeof clearBuffer | undefined;
  } {
    const { maxBytes, clear } = this.#options;
    return {
      max: Math.floor(maxBytes / this.#classes.bytesOf(index)),
      reset: clear ? clearBuffer : undefined,
    };
  }

  #allocate(bytes: number): Buffer {
    return this.#options.clear ? Buffer.alloc(bytes) : Buffer.allocUnsafeSlow(bytes);
  }

  #shrink(keepBytes: number = this.#options.maxBytes): void {
    while (this.#idleBytes > keepBytes) {
      const index = this.#stalest();
      const pool = this.#pools[index];
      const dropped = pool?.trim(pool.idle - 1) ?? 0;
      this.#idleBytes -= dropped * this.#classes.bytesOf(index);
    }
  }

  /** Of the classes that have idle buffers, the one that was not asked for longest. */
  #stalest(): number {
    let stalest = -1;
    for (const [index, pool] of this.#pools.entries()) {
      if (pool === undefined || pool.idle === 0) continue;
      if (stalest < 0 || this.#lastGets[index]! < this.#lastGets[stalest]!) stalest = index;
    }
    return stalest;
  }

  #notWhole(bytes: number): Error {
    const got =
      bytes > 0 ? `a view or one from elsewhere, of ${bytes} bytes` : 'one without memory';
    return new Error(
      `${this.name}: only a buffer as get has handed it out can be put, got ${got}.`,
    );
  }
}

/** Of whatever is put: what is no buffer has no bytes. */
function bytesOf(buffer: Buffer | undefined): number {
  return Buffer.isBuffer(buffer) ? buffer.length : 0;
}

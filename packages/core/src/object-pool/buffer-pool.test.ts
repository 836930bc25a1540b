import * as fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { BufferPool, type BufferPoolOptions } from './index.ts';

const KB = 1024;

test.each([
  { asked: 0, length: 1 * KB },
  { asked: 1, length: 1 * KB },
  { asked: 1 * KB, length: 1 * KB },
  { asked: 1 * KB + 1, length: 2 * KB },
  { asked: 3000, length: 4 * KB },
  { asked: 65 * KB, length: 128 * KB },
  { asked: 1024 * KB, length: 1024 * KB },
  { asked: 1024 * KB + 1, length: 1024 * KB + 1 },
])('who asks for $asked bytes gets a buffer of $length', ({ asked, length }) => {
  const buffer = new BufferPool().get(asked);
  expect([buffer.length, buffer.byteOffset, buffer.buffer.byteLength]).toEqual([length, 0, length]);
});

test('a buffer that came back goes to the next who asks for such a size', () => {
  const pool = new BufferPool();
  const buffer = pool.get(3000);
  expect(pool.put(buffer)).toBe(true);
  expect(pool.idleBytes).toBe(4 * KB);
  expect(pool.get(2000)).not.toBe(buffer);
  expect(pool.get(4000)).toBe(buffer);
  expect(pool.idleBytes).toBe(0);
});

test('nobody reads what another has written', () => {
  const pool = new BufferPool();
  const buffer = pool.get(2 * KB);
  buffer.fill('secret');
  pool.put(buffer);
  expect(buffer.every((byte) => byte === 0)).toBe(true);
  expect(pool.get(2 * KB)).toBe(buffer);
});

test('without clear the bytes stay as they are', () => {
  const pool = new BufferPool({ clear: false });
  const buffer = pool.get(1);
  buffer.write('as it was');
  pool.put(buffer);
  expect(pool.get(1).toString('latin1', 0, 9)).toBe('as it was');
});

test('buffers larger than the largest class work and are never kept', () => {
  const pool = new BufferPool({ largestBytes: 4 * KB });
  const buffer = pool.get(5000);
  expect(buffer.equals(Buffer.alloc(5000))).toBe(true);
  expect(pool.put(buffer)).toBe(false);
  expect(() => pool.put(buffer)).toThrow('has come back already');
  expect(pool.get(5000)).not.toBe(buffer);
  expect(pool.stats()).toMatchObject({ created: 2, oversized: 2, outstanding: 1, idleBytes: 0 });
});

test.each<[string, (pool: BufferPool) => unknown]>([
  ['a view of one of its own', (pool) => pool.get(2 * KB).subarray(0, 1500)],
  ['a view of a whole one', (pool) => pool.get(2 * KB).subarray()],
  ['a buffer from elsewhere', () => Buffer.alloc(2 * KB)],
  ['a buffer of a size that it does not have', () => Buffer.alloc(1500)],
  ['a buffer of a size that was never asked for', () => Buffer.alloc(512 * KB)],
  ['a buffer larger than its largest', () => Buffer.alloc(2048 * KB)],
  ['a buffer without bytes', () => Buffer.alloc(0)],
  ['a buffer of another pool', () => new BufferPool().get(2 * KB)],
  ['one that came back already', (pool) => pool.use(2 * KB, (buffer) => buffer)],
  ['something else', () => 'text'],
  ['nothing', () => undefined],
])('%s is refused', (_what, make) => {
  const pool = new BufferPool({ name: 'frames' });
  pool.put(pool.get(2 * KB));
  const stranger = make(pool) as Buffer;
  const before = pool.stats();
  expect(() => pool.put(stranger)).toThrow(/^frames: /);
  expect(pool.stats()).toEqual(before);
});

test('a buffer whose memory was transferred is refused, and never handed out', () => {
  const pool = new BufferPool();
  const { port1, port2 } = new MessageChannel();
  const transfer = (buffer: Buffer): void =>
    port1.postMessage(null, [buffer.buffer as ArrayBuffer]);
  const lent = pool.get(KB);
  transfer(lent);
  expect(() => pool.put(lent)).toThrow('got one without memory');
  const stale = pool.get(KB);
  pool.put(stale);
  transfer(stale);
  expect(pool.get(KB)).toHaveLength(KB);
  expect(pool.stats()).toMatchObject({ idleBytes: 0, created: 3 });
  port1.close();
  port2.close();
});

test('a count of bytes that is none is refused', () => {
  const pool = new BufferPool();
  for (const bytes of [-1, 1.5, Number.NaN, Infinity, '5' as unknown as number]) {
    expect(() => pool.get(bytes)).toThrow(`bytes must be an integer of at least 0, got ${bytes}.`);
  }
  expect(() => pool.get(2 ** 53 - 1)).toThrow(RangeError);
  expect(pool.stats()).toMatchObject({ created: 0, outstanding: 0 });
});

test('use hands a buffer out and takes it back, at the end or once a promise has settled', async () => {
  const pool = new BufferPool();
  expect(pool.use(3000, (buffer) => buffer.write('hello'))).toBe(5);
  await expect(
    pool.use(3000, async () => {
      throw new Error('boom');
    }),
  ).rejects.toThrow('boom');
  expect(pool.stats()).toMatchObject({ created: 1, reused: 1, outstanding: 0, idleBytes: 4 * KB });
});

test('when the bytes kept are too many, those go whose size was not asked for longest', () => {
  const pool = new BufferPool({ maxBytes: 8 * KB });
  const [small, middle, large] = [pool.get(KB), pool.get(2 * KB), pool.get(4 * KB)];
  pool.put(small);
  pool.put(middle);
  pool.put(large);
  expect(pool.idleBytes).toBe(7 * KB);
  const another = [pool.get(4 * KB), pool.get(4 * KB)];
  expect(another.map((buffer) => pool.put(buffer))).toEqual([true, true]);
  expect(pool.stats()).toMatchObject({
    idleBytes: 8 * KB,
    classes: [
      { bytes: KB, idle: 0, discarded: 1 },
      { bytes: 2 * KB, idle: 0, discarded: 1 },
      { bytes: 4 * KB, idle: 2 },
    ],
  });
});

test('a buffer that is larger than all that may be kept drives no other out', () => {
  const pool = new BufferPool({ maxBytes: 4 * KB });
  pool.put(pool.get(KB));
  expect(pool.put(pool.get(8 * KB))).toBe(false);
  expect(pool.idleBytes).toBe(KB);
});

test('trim drops idle bytes', () => {
  const pool = new BufferPool();
  const buffers = [KB, 2 * KB, 4 * KB].map((bytes) => pool.get(bytes));
  for (const buffer of buffers) pool.put(buffer);
  expect([pool.trim(5 * KB), pool.idleBytes]).toEqual([3 * KB, 4 * KB]);
  expect([pool.trim(), pool.idleBytes]).toEqual([4 * KB, 0]);
  expect(() => pool.trim(Number.NaN)).toThrow('keepBytes must be 0 or more, got NaN.');
});

test('maxBytes and clear change live', () => {
  const pool = new BufferPool({ clear: false });
  const buffers = [pool.get(KB), pool.get(KB), pool.get(KB)];
  for (const buffer of buffers) pool.put(buffer.fill(1));
  pool.update({ maxBytes: 2 * KB });
  expect(pool.idleBytes).toBe(2 * KB);
  const lent = pool.get(KB).fill(1);
  pool.update({ clear: true });
  expect(pool.idleBytes).toBe(0);
  pool.put(lent);
  expect(pool.get(KB).equals(Buffer.alloc(KB))).toBe(true);
  expect(() => pool.update({ maxBytes: -1 })).toThrow('maxBytes must be an integer of at least 0');
});

test('wrong options are refused, all at once', () => {
  const options = { smallestBytes: 1000, largestBytes: 2 ** 31, clear: 1, maxBytes: 0.5 };
  expect(() => new BufferPool(options as unknown as BufferPoolOptions)).toThrow(
    /maxBytes must.*smallestBytes must be a power of two up to 1073741824, got 1000; largestBytes must.*clear must/,
  );
  expect(() => new BufferPool({ smallestBytes: 4096, largestBytes: 2048 })).toThrow(
    'smallestBytes must be at most largestBytes (2048), got 4096',
  );
});

test('whatever sizes come and go, idle bytes add up and stay within their bound, and all is zeros', () => {
  const size = fc.oneof(
    fc.nat({ max: 300 }),
    fc.nat({ max: 7 }).map((log) => 2 ** log),
  );
  const steps = fc.array(fc.tuple(fc.boolean(), size), { maxLength: 150 });
  fc.assert(
    fc.property(fc.nat({ max: 600 }), steps, (maxBytes, all) => {
      const pool = new BufferPool({ smallestBytes: 1, largestBytes: 128, maxBytes });
      const lent: Buffer[] = [];
      for (const [gets, n] of all) {
        if (gets) {
          const buffer = pool.get(n);
          expect(buffer.length).toBeGreaterThanOrEqual(n);
          expect(buffer.length).toBeLessThan(Math.max(2, 2 * n));
          expect(lent).not.toContain(buffer);
          expect(buffer.every((byte) => byte === 0)).toBe(true);
          lent.push(buffer.fill(255));
        } else if (lent.length > 0) {
          const [buffer] = lent.splice(n % lent.length, 1);
          pool.put(buffer!);
          expect(() => pool.put(buffer!)).toThrow('has come back already');
        }
        const { idleBytes, classes, outstanding } = pool.stats();
        const sum = classes.reduce((total, { bytes, idle }) => total + bytes * idle, 0);
        expect([idleBytes, outstanding]).toEqual([sum, lent.length]);
        expect(idleBytes).toBeLessThanOrEqual(maxBytes);
      }
    }),
    { numRuns: 200 },
  );
});

test('a buffer that is unfit and an allocation that fails leave the count of idle bytes right', () => {
  const pool = new BufferPool({ clear: false });
  const buffer = pool.get(1024);
  pool.put(buffer);
  structuredClone(buffer.buffer, { transfer: [buffer.buffer as ArrayBuffer] });
  const allocate = vi.spyOn(Buffer, 'allocUnsafeSlow').mockImplementation(() => {
    throw new RangeError('Array buffer allocation failed');
  });
  try {
    expect(() => pool.get(1024)).toThrow('allocation failed');
  } finally {
    allocate.mockRestore();
  }
  expect(pool.idleBytes).toBe(0);
  expect(pool.trim()).toBe(0);
});

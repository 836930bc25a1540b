import { BufferPool } from '@sluice/core';
import { pairs, sink } from '../harness/pairs.ts';
import type { Contender, OperationSubject, Running, Subject } from '../harness/subject.ts';

const PAGE = 4096;

/** Writes to each page, so that memory which the system hands out only when it is touched is there. */
function touch(buffer: Buffer, bytes: number): number {
  for (let at = 0; at < bytes; at += PAGE) buffer[at] = 1;
  return buffer[0] ?? 0;
}

function allocated(allocate: () => Buffer, bytes: number): Running {
  return pairs(allocate, (buffer) => touch(buffer, bytes), sink);
}

function pooled(clear: boolean, bytes: number): Running {
  const pool = new BufferPool({ clear });
  return pairs(
    () => pool.get(bytes),
    (buffer) => touch(buffer, bytes),
    (buffer) => void pool.put(buffer),
  );
}

const contenders = (bytes: number): Contender[] => [
  {
    name: 'Buffer.alloc',
    kind: 'floor',
    setup: () => allocated(() => Buffer.alloc(bytes), bytes),
  },
  {
    name: 'Buffer.allocUnsafe',
    kind: 'floor',
    setup: () => allocated(() => Buffer.allocUnsafe(bytes), bytes),
  },
  { name: 'sluice BufferPool', kind: 'sluice', setup: () => pooled(true, bytes) },
  { name: 'sluice BufferPool, clear: false', kind: 'sluice', setup: () => pooled(false, bytes) },
];

const sizes = [
  { name: 'buffer-pool-64', bytes: 64, shown: '64 bytes' },
  { name: 'buffer-pool-4k', bytes: 4096, shown: '4 KB' },
  { name: 'buffer-pool-64k', bytes: 65_536, shown: '64 KB' },
];

export const subjects: readonly Subject[] = sizes.map(
  ({ name, bytes, shown }): OperationSubject => ({
    kind: 'operation',
    url: import.meta.url,
    name,
    title: `Buffer pool, ${shown}`,
    operation: `a buffer of ${shown} is got, each of its pages is written to, and it is given back`,
    checksum: (iterations) => iterations,
    contenders: contenders(bytes),
    notes: [
      'Like for like are Buffer.alloc and the pool as it is, which hand out zeros, and Buffer.allocUnsafe and the pool without clear, which hand out what was there.',
    ],
  }),
);

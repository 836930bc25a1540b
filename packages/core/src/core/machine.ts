import { readFileSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { cgroupLimits, type ReadText } from './cgroup.ts';

const MIB = 2 ** 20;

/** Share of the memory that heaps may fill: buffers, code and stacks lie beside them. */
const HEAP_SHARE = 0.75;
const LEAST_HEAP_MB = 32;
/** V8 takes no more by itself, however large the machine. */
const MOST_HEAP_MB = 4096;

/** What the machine says of itself, so that a test can be another machine. */
export interface MachineSource {
  readonly read: ReadText;
  /** As `os.availableParallelism()`. */
  readonly parallelism: () => number;
  /** As `os.totalmem()`. */
  readonly totalMemoryBytes: () => number;
  /** As `process.constrainedMemory()`: 0 or a huge number where nothing is set. */
  readonly constrainedMemoryBytes: () => number;
}

/** What this process may use, as opposed to what the host has. */
export interface MachineLimits {
  /** CPUs for threads that compute. Integer, at least 1. */
  readonly cpus: number;
  /** CPU time that the cgroups grant, in CPUs; may be fractional; Infinity without a quota. */
  readonly cpuQuota: number;
  readonly memoryBytes: number;
}

const thisMachine: MachineSource = {
  read: (path) => {
    try {
      return readFileSync(path, 'utf8');
    } catch {
      return undefined;
    }
  },
  parallelism: availableParallelism,
  totalMemoryBytes: totalmem,
  constrainedMemoryBytes: () => process.constrainedMemory(),
};

/**
 * CPUs and memory that this process really has: the CPUs it may be scheduled on and its memory, within
 * the tightest cgroup quota above it (v1 and v2), never the host's count. Reads about ten small files,
 * well below 1 ms, at each call, as limits can be changed while a process runs. Never throws; off Linux
 * it says what `node:os` does.
 *
 * A fraction of a CPU is rounded down, but never to 0, as libuv and automaxprocs do: threads beyond the
 * quota spend it early and then all stand still until the next period. Go rounds up, to at least 2.
 * @see https://docs.libuv.org/en/v1.x/misc.html#c.uv_available_parallelism
 * @see https://go.dev/blog/container-aware-gomaxprocs
 */
export function machineLimits(source: MachineSource = thisMachine): MachineLimits {
  const cgroup = cgroupLimits(source.read);
  const constrained = source.constrainedMemoryBytes();
  return {
    cpus: Math.max(1, Math.floor(Math.min(source.parallelism(), cgroup.cpus))),
    cpuQuota: cgroup.cpus,
    memoryBytes: Math.min(
      source.totalMemoryBytes(),
      cgroup.memoryBytes,
      constrained > 0 ? constrained : Infinity,
    ),
  };
}

/** CPUs that this process may use; see {@link machineLimits}. Integer, at least 1. */
export function usableCpus(): number {
  return machineLimits().cpus;
}

/** Memory that this process may use, in bytes; see {@link machineLimits}. */
export function memoryLimitBytes(): number {
  return machineLimits().memoryBytes;
}

/**
 * Heap for each of `workers` threads, in MiB, so that all of them and the main thread, full at the same
 * time, fit into three quarters of the memory. An integer from 32 to 4096, for
 * `resourceLimits.maxOldGenerationSizeMb`. Where not even 32 fit it is 32 all the same: with less V8 does not
 * start reliably.
 */
export function heapPerWorkerMb(workers: number, memoryBytes: number = memoryLimitBytes()): number {
  const fair = Math.floor((HEAP_SHARE * memoryBytes) / MIB / (workers + 1));
  return Math.min(MOST_HEAP_MB, Math.max(LEAST_HEAP_MB, fair));
}

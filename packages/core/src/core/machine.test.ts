import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { heapPerWorkerMb, machineLimits, memoryLimitBytes, usableCpus } from './machine.ts';
import type { MachineLimits, MachineSource } from './machine.ts';

const GIB = 2 ** 30;
const HOST_CPUS = 64;
/** What v1 says where nothing is set: the largest multiple of a page. */
const UNLIMITED_V1 = '9223372036854771712\n';

type Files = Readonly<Record<string, string>>;

/** A host of 64 CPUs and 256 GiB that shows these files to the process. */
function limitsWith(files: Files, machine: Partial<MachineSource> = {}): MachineLimits {
  return machineLimits({
    read: (path) => (Object.hasOwn(files, path) ? files[path] : undefined),
    parallelism: () => HOST_CPUS,
    totalMemoryBytes: () => 256 * GIB,
    constrainedMemoryBytes: () => 0,
    ...machine,
  });
}

const v2Mount = '30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n';

/** Docker and Kubernetes on cgroup v2: a namespace of its own, the group is the root. */
const containerV2: Files = {
  '/proc/self/cgroup': '0::/\n',
  '/proc/self/mountinfo':
    '611 610 0:26 / /sys/fs/cgroup ro,nosuid,nodev,noexec,relatime - cgroup2 cgroup rw\n',
  '/sys/fs/cgroup/cpu.max': '250000 100000\n',
  '/sys/fs/cgroup/memory.max': `${2 * GIB}\n`,
};

/** Docker on cgroup v1: the host's path in the list, and the same path as the mount's root. */
const containerV1: Files = {
  '/proc/self/cgroup':
    '12:memory:/docker/6f1c\n4:cpu,cpuacct:/docker/6f1c\n1:name=systemd:/docker/6f1c\n',
  '/proc/self/mountinfo': [
    '600 599 0:31 /docker/6f1c /sys/fs/cgroup/systemd ro - cgroup cgroup rw,name=systemd',
    '601 599 0:29 /docker/6f1c /sys/fs/cgroup/cpu,cpuacct ro master:9 - cgroup cgroup rw,cpu,cpuacct',
    '602 599 0:32 /docker/6f1c /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory',
    '',
  ].join('\n'),
  '/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us': '400000\n',
  '/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us': '100000\n',
  '/sys/fs/cgroup/memory/memory.limit_in_bytes': `${GIB}\n`,
};

const cases: readonly { what: string; files: Files; cpus: number; memoryBytes: number }[] = [
  { what: 'a container on cgroup v2', files: containerV2, cpus: 2, memoryBytes: 2 * GIB },
  { what: 'a container on cgroup v1', files: containerV1, cpus: 4, memoryBytes: GIB },
  {
    what: 'a nested group whose parents are tighter, each in its own way',
    files: {
      '/proc/self/cgroup': '0::/kube.slice/pod.slice/app\n',
      '/proc/self/mountinfo': v2Mount,
      '/sys/fs/cgroup/kube.slice/pod.slice/app/cpu.max': 'max 100000\n',
      '/sys/fs/cgroup/kube.slice/pod.slice/app/memory.max': `${8 * GIB}\n`,
      '/sys/fs/cgroup/kube.slice/pod.slice/cpu.max': '800000 100000\n',
      '/sys/fs/cgroup/kube.slice/pod.slice/memory.max': 'max\n',
      '/sys/fs/cgroup/kube.slice/cpu.max': '150000 50000\n',
      '/sys/fs/cgroup/kube.slice/memory.max': `${3 * GIB}\n`,
    },
    cpus: 3,
    memoryBytes: 3 * GIB,
  },
  {
    what: 'a group whose own files are missing, below a parent with a quota',
    files: {
      '/proc/self/cgroup': '0::/parent/leaf\n',
      '/proc/self/mountinfo': v2Mount,
      '/sys/fs/cgroup/parent/cpu.max': '200000 100000\n',
    },
    cpus: 2,
    memoryBytes: 256 * GIB,
  },
  {
    what: 'a hybrid host, whose controllers are v1 beside an empty v2',
    files: {
      '/proc/self/cgroup': '4:memory:/app\n1:cpu:/app\n0::/app\n',
      '/proc/self/mountinfo': [
        '32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu',
        '35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory',
        '41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw',
        '',
      ].join('\n'),
      '/sys/fs/cgroup/cpu/app/cpu.cfs_quota_us': '-1\n',
      '/sys/fs/cgroup/cpu/app/cpu.cfs_period_us': '100000\n',
      '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '600000\n',
      '/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n',
      '/sys/fs/cgroup/memory/app/memory.limit_in_bytes': UNLIMITED_V1,
      '/sys/fs/cgroup/memory/memory.limit_in_bytes': `${5 * GIB}\n`,
    },
    cpus: 6,
    memoryBytes: 5 * GIB,
  },
  {
    what: 'unlimited v1, which is a huge number and -1',
    files: {
      ...containerV1,
      '/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us': '-1\n',
      '/sys/fs/cgroup/memory/memory.limit_in_bytes': UNLIMITED_V1,
    },
    cpus: HOST_CPUS,
    memoryBytes: 256 * GIB,
  },
  {
    what: 'unlimited v2, which is the word max',
    files: {
      ...containerV2,
      '/sys/fs/cgroup/cpu.max': 'max 100000\n',
      '/sys/fs/cgroup/memory.max': 'max\n',
    },
    cpus: HOST_CPUS,
    memoryBytes: 256 * GIB,
  },
  {
    what: 'no list of mounts: the usual places',
    files: {
      '/proc/self/cgroup': '0::/app\n',
      '/sys/fs/cgroup/app/cpu.max': '300000 100000\n',
      '/sys/fs/cgroup/memory.max': `${GIB}\n`,
    },
    cpus: 3,
    memoryBytes: GIB,
  },
  {
    what: 'a group outside of the namespace: the limits of what is mounted',
    files: {
      ...containerV2,
      '/proc/self/cgroup': '0::/../../elsewhere\n',
      '/sys/fs/cgroup/../../elsewhere/cpu.max': '100000 100000\n',
    },
    cpus: 2,
    memoryBytes: 2 * GIB,
  },
  {
    what: 'a mount point and a group with spaces and colons in their names',
    files: {
      '/proc/self/cgroup': '0::/my app:1\n',
      '/proc/self/mountinfo': '30 23 0:26 / /mnt/the\\040groups rw - cgroup2 cgroup2 rw\n',
      '/mnt/the groups/my app:1/cpu.max': '500000 100000\n',
    },
    cpus: 5,
    memoryBytes: 256 * GIB,
  },
  {
    what: "another container's groups beside one's own",
    files: {
      ...containerV1,
      '/proc/self/mountinfo': [
        '590 589 0:29 /docker/other /mnt/other ro - cgroup cgroup rw,cpu,cpuacct',
        '',
        containerV1['/proc/self/mountinfo'],
      ].join('\n'),
      '/mnt/other/cpu.cfs_quota_us': '100000\n',
      '/mnt/other/cpu.cfs_period_us': '100000\n',
    },
    cpus: 4,
    memoryBytes: GIB,
  },
  {
    what: 'files that make no sense',
    files: {
      '/proc/self/cgroup': 'nonsense\n0:\n::\n0::/\n',
      '/proc/self/mountinfo': `- - -\n${v2Mount}1 2\n`,
      '/sys/fs/cgroup/cpu.max': 'NaN 0\n',
      '/sys/fs/cgroup/memory.max': '-5\n',
    },
    cpus: HOST_CPUS,
    memoryBytes: 256 * GIB,
  },
  { what: 'a machine without cgroups', files: {}, cpus: HOST_CPUS, memoryBytes: 256 * GIB },
];

test.for(cases)('the limits of $what are found', ({ files, cpus, memoryBytes }) => {
  expect(limitsWith(files)).toMatchObject({ cpus, memoryBytes });
});

test.for([
  { quota: 50_000, cpus: 1 },
  { quota: 100_000, cpus: 1 },
  { quota: 150_000, cpus: 1 },
  { quota: 199_999, cpus: 1 },
  { quota: 200_000, cpus: 2 },
])('a quota of $quota µs in 100 ms is good for $cpus threads', ({ quota, cpus }) => {
  const files = { ...containerV2, '/sys/fs/cgroup/cpu.max': `${quota} 100000\n` };
  expect(limitsWith(files)).toMatchObject({ cpus, cpuQuota: quota / 100_000 });
});

test('the CPUs that the process is pinned to count where they are fewer than the quota', () => {
  expect(limitsWith(containerV1, { parallelism: () => 3 }).cpus).toBe(3);
});

test('a limit that only Node knows of counts, and its word for none does not', () => {
  const of = (bytes: number): number =>
    limitsWith(containerV1, { constrainedMemoryBytes: () => bytes }).memoryBytes;
  expect([of(GIB / 2), of(0), of(2 ** 64)]).toEqual([GIB / 2, GIB, GIB]);
});

test('no text in any file makes it throw, or say 0', () => {
  const text = fc.oneof(
    fc.string(),
    fc.constantFrom('0::/a/b', 'max', '1 1', '1:cpu,memory:/a', '-1', '0', v2Mount),
    fc
      .array(fc.constantFrom('0::/', ':', '/', '..', ' ', '\n', ' - ', 'cgroup', '9'))
      .map((parts) => parts.join('')),
  );
  const check = (list: string, mounts: string, other: string): void => {
    const limits = machineLimits({
      read: (path) =>
        path === '/proc/self/cgroup' ? list : path.endsWith('mountinfo') ? mounts : other,
      parallelism: () => HOST_CPUS,
      totalMemoryBytes: () => GIB,
      constrainedMemoryBytes: () => 0,
    });
    expect(Number.isInteger(limits.cpus)).toBe(true);
    expect(limits.cpus).toBeGreaterThan(0);
    expect(limits.cpus).toBeLessThanOrEqual(HOST_CPUS);
    expect(limits.memoryBytes).toBeGreaterThan(0);
    expect(limits.memoryBytes).toBeLessThanOrEqual(GIB);
  };
  fc.assert(fc.property(text, text, text, check), { numRuns: 2000 });
});

test('this machine has a CPU and some memory', () => {
  expect(usableCpus()).toBeGreaterThanOrEqual(1);
  expect(memoryLimitBytes()).toBeGreaterThan(0);
});

test('the heaps of all workers and of the main thread fit into three quarters of the memory', () => {
  const within = fc.record({
    workers: fc.integer({ min: 1, max: 64 }),
    gib: fc.integer({ min: 4, max: 512 }),
  });
  const check = ({ workers, gib }: { workers: number; gib: number }): void => {
    const heapMb = heapPerWorkerMb(workers, gib * GIB);
    expect(heapMb * 2 ** 20 * (workers + 1)).toBeLessThanOrEqual(0.75 * gib * GIB);
  };
  fc.assert(fc.property(within, check));
  expect(heapPerWorkerMb(1, 256 * GIB)).toBe(4096);
  expect(heapPerWorkerMb(100, GIB)).toBe(32);
  expect(heapPerWorkerMb(4)).toBeGreaterThanOrEqual(32);
});

/** Text of a file, or undefined where it cannot be read. */
export type ReadText = (path: string) => string | undefined;

/** What the kernel grants a group of processes. Infinity where it sets no limit. */
export interface CgroupLimits {
  /** CPUs, as a quota of time: 1.5 is 150 ms of CPU time in every 100 ms. */
  readonly cpus: number;
  readonly memoryBytes: number;
}

/** A hierarchy of groups as the process sees it: its root stands at `point`. */
interface Mount {
  /** The controllers of a v1 hierarchy; undefined for v2, which has them all. */
  readonly controllers: readonly string[] | undefined;
  readonly root: string;
  readonly point: string;
}

/** Where the process is in a hierarchy. */
interface Membership {
  /** Empty for v2. */
  readonly controllers: readonly string[];
  readonly path: string;
}

/** Where they stand when the list of mounts cannot be read. */
const USUAL_MOUNTS: readonly Mount[] = [
  { controllers: undefined, root: '/', point: '/sys/fs/cgroup' },
  { controllers: ['cpu'], root: '/', point: '/sys/fs/cgroup/cpu' },
  { controllers: ['memory'], root: '/', point: '/sys/fs/cgroup/memory' },
];

/**
 * The tightest limits on the way from the process's own group up to the root that it can see, of cgroup
 * v1 and v2, as the kernel enforces each of them. What is missing or cannot be understood limits
 * nothing. Never throws. Reads two files, and four for each level.
 * @see https://docs.kernel.org/admin-guide/cgroup-v2.html
 * @see https://docs.kernel.org/scheduler/sched-bwc.html
 */
export function cgroupLimits(read: ReadText): CgroupLimits {
  const memberships = linesOf(read('/proc/self/cgroup')).flatMap(parseMembership);
  const mountLines = linesOf(read('/proc/self/mountinfo'));
  const mounts = mountLines.length > 0 ? mountLines.flatMap(parseMount) : USUAL_MOUNTS;
  const tightest = (controller: string, limit: (folder: string, isV2: boolean) => number): number =>
    Math.min(
      Infinity,
      ...foldersOf(controller, memberships, mounts).map(({ folder, isV2 }) => limit(folder, isV2)),
    );
  return {
    cpus: tightest('cpu', (folder, isV2) => cpusOf(read, folder, isV2)),
    memoryBytes: tightest('memory', (folder, isV2) => memoryOf(read, folder, isV2)),
  };
}

function cpusOf(read: ReadText, folder: string, isV2: boolean): number {
  const [quota, period] = isV2
    ? (read(`${folder}/cpu.max`) ?? '').trim().split(/\s+/)
    : [read(`${folder}/cpu.cfs_quota_us`), read(`${folder}/cpu.cfs_period_us`)];
  return limitOf(quota) / positive(period, 100_000);
}

function memoryOf(read: ReadText, folder: string, isV2: boolean): number {
  return limitOf(read(`${folder}/${isV2 ? 'memory.max' : 'memory.limit_in_bytes'}`));
}

/** `max` in v2 and -1 in v1 are no numbers above 0. */
function limitOf(text: string | undefined): number {
  return positive(text, Infinity);
}

function positive(text: string | undefined, otherwise: number): number {
  const digits = text?.trim() ?? '';
  return /^\d+$/.test(digits) && Number(digits) > 0 ? Number(digits) : otherwise;
}

/** Every folder whose limit holds for the process. */
function foldersOf(
  controller: string,
  memberships: readonly Membership[],
  mounts: readonly Mount[],
): readonly { folder: string; isV2: boolean }[] {
  return memberships.flatMap(({ controllers, path }) => {
    const isV2 = controllers.length === 0;
    if (!isV2 && !controllers.includes(controller)) return [];
    const mount = nearestMount(
      mounts.filter((each) =>
        isV2 ? each.controllers === undefined : each.controllers?.includes(controller),
      ),
      path,
    );
    if (mount === undefined) return [];
    return levelsOf(mount, path).map((folder) => ({ folder, isV2 }));
  });
}

/**
 * The mount that shows most of the way to the group. In a container without a namespace of its own the
 * group's path is the host's, and the mount's root is the same path.
 */
function nearestMount(candidates: readonly Mount[], path: string): Mount | undefined {
  const holding = candidates.filter(({ root }) => isWithin(path, root));
  return holding.sort((a, b) => b.root.length - a.root.length)[0] ?? candidates[0];
}

/** From the group up to the mount's root. A group outside of what is mounted: the root alone. */
function levelsOf({ root, point }: Mount, path: string): readonly string[] {
  const below = isWithin(path, root) ? path.slice(root === '/' ? 0 : root.length) : '';
  const names = below.split('/').filter((name) => name !== '');
  if (names.includes('..')) return [point];
  return [...names.keys(), names.length].map((depth) =>
    [point, ...names.slice(0, depth)].join('/').replace('//', '/'),
  );
}

function isWithin(path: string, root: string): boolean {
  return root === '/' || path === root || path.startsWith(`${root}/`);
}

/** `4:cpu,cpuacct:/docker/6f1c`, or `0::/user.slice` for v2. A name may hold colons. */
function parseMembership(line: string): readonly Membership[] {
  const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
  if (controllers === undefined || path === undefined) return [];
  return [{ controllers: controllers === '' ? [] : controllers.split(','), path }];
}

/** `33 31 0:29 /docker/6f1c /sys/fs/cgroup/cpu ro - cgroup cgroup rw,cpu,cpuacct` */
function parseMount(line: string): readonly Mount[] {
  const [before = '', after = ''] = line.split(' - ');
  const [, , , root, point] = before.split(' ');
  const [type, , options = ''] = after.split(' ');
  if (root === undefined || point === undefined) return [];
  if (type !== 'cgroup' && type !== 'cgroup2') return [];
  const controllers = type === 'cgroup' ? options.split(',') : undefined;
  return [{ controllers, root: unescaped(root), point: unescaped(point) }];
}

/** The kernel writes spaces, tabs, line ends and backslashes as octal numbers. */
function unescaped(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, octal: string) =>
    String.fromCodePoint(Number.parseInt(octal, 8)),
  );
}

function linesOf(text: string | undefined): readonly string[] {
  return (text ?? '').split('\n').filter((line) => line !== '');
}

import { BenchError, type Subject } from './harness/subject.ts';

/** In the order in which they are reported. */
const files: readonly (() => Promise<{ readonly subjects: readonly Subject[] }>)[] = [
  () => import('./subjects/histogram.ts'),
  () => import('./subjects/bucket.ts'),
  () => import('./subjects/keyed.ts'),
  () => import('./subjects/breaker.ts'),
  () => import('./subjects/retry.ts'),
  () => import('./subjects/pool.ts'),
  () => import('./subjects/connection-pool.ts'),
  () => import('./subjects/object-pool.ts'),
  () => import('./subjects/buffer-pool.ts'),
  () => import('./subjects/threads-throughput.ts'),
  () => import('./subjects/threads-latency.ts'),
  () => import('./subjects/pipeline.ts'),
  () => import('./subjects/timeout.ts'),
  () => import('./subjects/http.ts'),
  () => import('./subjects/proxy.ts'),
];

/**
 * @param names as on the command line: `pool` selects `pool` and all of `pool-…`; none selects every subject
 * @throws BenchError for a name that selects nothing
 */
export async function selectSubjects(names: readonly string[]): Promise<Subject[]> {
  const all: Subject[] = [];
  for (const load of files) all.push(...(await load()).subjects);
  const matches = (subject: Subject, name: string): boolean =>
    subject.name === name || subject.name.startsWith(`${name}-`);
  const unknown = names.find((name) => !all.some((subject) => matches(subject, name)));
  if (unknown !== undefined)
    throw new BenchError(`there is no subject ${unknown}; --list names them`);
  return names.length === 0
    ? all
    : all.filter((subject) => names.some((name) => matches(subject, name)));
}

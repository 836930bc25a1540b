/** Process that runs one server and reports what it has used. */
import { childTask } from '../harness/child-process.ts';
import { BenchError, loadSubject } from '../harness/subject.ts';

export interface ServerTask {
  readonly url: string;
  readonly subject: string;
  readonly contender: string;
}

export type ServerRequest = 'cpu' | 'memory';

/** User and system CPU time of all threads so far, in µs. */
function cpuMicros(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/** Bytes that are alive on the heap or held by it. */
function liveBytes(): number {
  gc?.();
  gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

const task = childTask<ServerTask>();
const subject = await loadSubject(task.url, task.subject);
if (subject.kind !== 'http') throw new BenchError(`${subject.name} is not measured over HTTP`);
const contender = subject.contenders.find(({ name }) => name === task.contender);
if (contender === undefined)
  throw new BenchError(`${subject.name} has no contender ${task.contender}`);

const { port } = await contender.listen();
process.on('message', (request: ServerRequest) =>
  process.send?.(request === 'cpu' ? cpuMicros() : liveBytes()),
);
// The runner ends this process by closing the channel, when it dies as well as when it is done.
process.on('disconnect', () => process.exit());
process.send?.(port);

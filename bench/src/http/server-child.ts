/** Process that runs one server and reports what it has used. */
import { childTask } from '../harness/child-process.ts';
import { BenchError, loadHttpSubject } from '../harness/subject.ts';

/** What every process of an HTTP bench is told. */
export interface HttpTask {
  readonly url: string;
  readonly subject: string;
}

export interface ServerTask extends HttpTask {
  readonly contender: string;
  /** 0: the subject has no upstream. */
  readonly upstreamPort: number;
}

/** First message of a server, once it listens. */
export interface ServerReady {
  readonly port: number;
  /** Whether `memory` may be asked for. */
  readonly hasHeap: boolean;
}

export type ServerRequest = 'cpu' | 'memory';

/** User and system CPU time of all threads so far, in µs. */
function ownCpuMicros(): number {
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
const subject = await loadHttpSubject(task.url, task.subject);
const contender = subject.contenders.find(({ name }) => name === task.contender);
if (contender === undefined)
  throw new BenchError(`${subject.name} has no contender ${task.contender}`);

/** How long a server may take to close, in ms; what it still holds then ends with the process. */
const PATIENCE_MS = 2000;

const listening = contender.listen(task.upstreamPort);
// The runner ends this process by closing the channel, when it dies as well as when it is done.
process.on('disconnect', () => {
  setTimeout(() => process.exit(), PATIENCE_MS);
  void listening.then((server) => server.close()).finally(() => process.exit());
});
const server = await listening;
const cpuMicros = (): number => server.cpuMicros?.() ?? ownCpuMicros();
process.on('message', (request: ServerRequest) =>
  process.send?.(request === 'cpu' ? cpuMicros() : liveBytes()),
);
const ready: ServerReady = { port: server.port, hasHeap: server.cpuMicros === undefined };
if (process.connected) process.send?.(ready);

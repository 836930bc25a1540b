import type { ChildProcess } from 'node:child_process';
import { ask, nextMessage, startChild } from '../harness/child-process.ts';
import { rotated } from '../harness/contest.ts';
import { resultOf, type SubjectResult } from '../harness/result.ts';
import { medianOf } from '../harness/statistics.ts';
import { BenchError, type HttpSubject, type ServerContender } from '../harness/subject.ts';
import type { ClientAnswer, ClientRequest } from './client-child.ts';
import { pinnableCores } from './cores.ts';
import type { HttpTask, ServerReady, ServerRequest, ServerTask } from './server-child.ts';

/** How thoroughly servers are measured. */
export interface HttpSize {
  /** Windows of each server. */
  readonly rounds: number;
  /** Keep-alive connections, each with one request in flight. */
  readonly connections: number;
  /** Requests in a window. */
  readonly requests: number;
  /** Requests before a window, on the same connections. */
  readonly warmUpRequests: number;
  /** Idle connections whose memory is measured; 0: none. */
  readonly idleConnections: number;
}

export const HTTP_FULL: HttpSize = {
  rounds: 7,
  connections: 64,
  requests: 30_000,
  warmUpRequests: 5_000,
  idleConnections: 500,
};

export const HTTP_SMOKE: HttpSize = {
  rounds: 1,
  connections: 8,
  requests: 200,
  warmUpRequests: 50,
  idleConnections: 0,
};

/** What one window showed. */
interface Window {
  readonly cpuMicros: number;
  readonly perSecond: number;
  /** Share of the window that the server's process was on a core. */
  readonly busy: number;
}

interface Server extends ServerReady {
  readonly contender: ServerContender;
  readonly child: ChildProcess;
  readonly windows: Window[];
}

/**
 * Measures servers by the CPU time of their own processes, in interleaved windows A B C, B C A. All of
 * them run the whole time; an idle one costs nothing and its CPU time would count for itself alone.
 * @throws BenchError for any response other than the expected one
 */
export async function httpContest(subject: HttpSubject, usual: HttpSize): Promise<SubjectResult> {
  const size = weighted(usual, subject.weight ?? 1);
  const task: HttpTask = { url: subject.url, subject: subject.name };
  const cores = pinnableCores();
  const children = new DisposableStack();
  const owned = (child: ChildProcess): ChildProcess =>
    children.adopt(child, () => child.connected && child.disconnect());
  try {
    const upstreamPort =
      subject.upstream === undefined
        ? 0
        : await nextMessage<number>(owned(startUpstream(task, cores?.client)));
    const servers = await Promise.all(
      subject.contenders.map(async (contender): Promise<Server> => {
        const child = owned(
          startServer({ ...task, contender: contender.name, upstreamPort }, cores?.server),
        );
        return { contender, child, ...(await nextMessage<ServerReady>(child)), windows: [] };
      }),
    );
    const client = owned(startClient(task, cores?.client));
    await nextMessage(client);
    for (let round = 0; round < size.rounds; round++) {
      for (const server of rotated(servers, round))
        server.windows.push(await measureWindow(client, server, size));
    }
    const idle: (number | undefined)[] = [];
    for (const server of servers) idle.push(await bytesPerIdleConnection(client, server, size));
    return summary(subject, servers, idle, cores !== undefined);
  } finally {
    children.dispose();
  }
}

function weighted(size: HttpSize, weight: number): HttpSize {
  return {
    ...size,
    requests: Math.ceil(size.requests / weight),
    warmUpRequests: Math.ceil(size.warmUpRequests / weight),
  };
}

async function measureWindow(
  client: ChildProcess,
  server: Server,
  size: HttpSize,
): Promise<Window> {
  await order(client, { do: 'open', port: server.port, connections: size.connections });
  await order(client, { do: 'request', count: size.warmUpRequests });
  const before = await askServer(server, 'cpu');
  const tookMs = await order(client, { do: 'request', count: size.requests });
  const usedMicros = (await askServer(server, 'cpu')) - before;
  await order(client, { do: 'close' });
  return {
    cpuMicros: usedMicros / size.requests,
    perSecond: (size.requests / tookMs) * 1000,
    busy: usedMicros / (tookMs * 1000),
  };
}

/** By how much the heap grows for each further connection that has been served once and stays open. */
async function bytesPerIdleConnection(
  client: ChildProcess,
  server: Server,
  size: HttpSize,
): Promise<number | undefined> {
  const { connections: few, idleConnections: many } = size;
  if (many === 0 || !server.hasHeap) return undefined;
  const { port } = server;
  await order(client, { do: 'open', port, connections: few });
  await order(client, { do: 'request', count: few });
  const before = await askServer(server, 'memory');
  await order(client, { do: 'open', port, connections: many });
  await order(client, { do: 'request', count: few + many });
  const after = await askServer(server, 'memory');
  await order(client, { do: 'close' });
  return (after - before) / many;
}

function summary(
  subject: HttpSubject,
  servers: readonly Server[],
  idle: readonly (number | undefined)[],
  pinned: boolean,
): SubjectResult {
  const measured = servers.map(({ contender: { name, kind }, windows }, i) => ({
    name,
    kind,
    samples: windows.map(({ cpuMicros }) => cpuMicros),
    bytes: idle[i],
    further: {
      'requests/s': medianOf(windows.map(({ perSecond }) => perSecond)),
      'core busy': medianOf(windows.map(({ busy }) => busy)),
    },
  }));
  const where = pinned
    ? `Servers were bound to one core, ${subject.upstream === undefined ? 'the client' : 'the client and the upstream'} to another.`
    : 'Servers and client were not bound to cores: no `taskset`, or a single core.';
  const noted = { ...subject, notes: [where, ...(subject.notes ?? [])] };
  return resultOf(noted, { figure: 'CPU µs/request', bytes: 'heap B/idle connection' }, measured);
}

function startServer(task: ServerTask, core: number | undefined): ChildProcess {
  const url = new URL('./server-child.ts', import.meta.url);
  return startChild({ url, task, flags: ['--expose-gc'], core });
}

function startUpstream(task: HttpTask, core: number | undefined): ChildProcess {
  return startChild({ url: new URL('./upstream-child.ts', import.meta.url), task, core });
}

function startClient(task: HttpTask, core: number | undefined): ChildProcess {
  return startChild({ url: new URL('./client-child.ts', import.meta.url), task, core });
}

const askServer = ({ child }: Server, request: ServerRequest): Promise<number> =>
  ask<number>(child, request);

async function order(client: ChildProcess, request: ClientRequest): Promise<number> {
  const answer = await ask<ClientAnswer>(client, request);
  if ('problem' in answer) throw new BenchError(answer.problem);
  return answer.value;
}

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

import { Retry, RetryBudget, type RetryOptions } from '@sluice/core';
import { onTestFinished } from 'vitest';

import { until } from './until.ts';

export interface Upstream {
  readonly url: string;
  /** Requests that arrived, as `GET /path`. */
  readonly requests: readonly string[];
  /** Bodies that were read to their end. */
  readonly bodies: readonly string[];
  /** Sockets that are open now. */
  readonly sockets: ReadonlySet<Socket>;
  /** Takes no more connections, and ends those there are. */
  close(): Promise<void>;
}

type Answer = (request: IncomingMessage, response: ServerResponse, count: number) => void;

/** A real server on this machine; it is closed when the test is over. `count` is 1 for the first request. */
export async function upstream(answer: Answer): Promise<Upstream> {
  const requests: string[] = [];
  const bodies: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => void chunks.push(chunk));
    request.on('end', () => void bodies.push(Buffer.concat(chunks).toString()));
    request.on('error', () => undefined);
    answer(request, response, requests.length);
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.on('upgrade', (_request, socket) => {
    socket.end('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: test\r\n\r\n');
  });
  server.on('connect', ({ url }, socket) => {
    socket.end(`HTTP/1.1 ${url === 'closed:1' ? '502 No' : '200 Yes'}\r\n\r\n`);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    server.close();
    await until('all sockets of the upstream are closed', () => sockets.size === 0);
  };
  onTestFinished(close);
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, requests, bodies, sockets, close };
}

/** Collects what nobody handled, until the test is over. */
export function strayErrors(): readonly unknown[] {
  const strays: unknown[] = [];
  const note = (error: unknown): void => void strays.push(error);
  process.on('unhandledRejection', note);
  onTestFinished(() => void process.off('unhandledRejection', note));
  return strays;
}

const SOON = { type: 'constant', delayMs: 1 } as const;

/** A retry with a budget that is never spent, which waits for a millisecond. */
export function retry(options: RetryOptions = {}): Retry {
  const budget = new RetryBudget({ minRetriesPerSecond: 1000 });
  return new Retry({ backoff: SOON, budget, ...options });
}

/** Nobody listens there. */
export async function deadUrl(): Promise<string> {
  const server = await upstream(() => undefined);
  await server.close();
  return server.url;
}

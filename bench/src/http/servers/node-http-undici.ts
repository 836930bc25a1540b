import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { Pool, type Dispatcher } from 'undici';
import type { Listening } from '../../harness/subject.ts';
import { UPSTREAM_CONNECTIONS } from './setting.ts';

type Headers = IncomingMessage['headers'];

/** RFC 9110, section 7.6.1, and what was in use before it. */
const HOP_BY_HOP = [
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
];

/** The least that a proxy on node:http can do and still stream both ways: no timeouts, retries, limits, or headers of its own. */
export async function nodeHttpUndici(upstreamPort: number): Promise<Listening> {
  const pool = new Pool(`http://127.0.0.1:${upstreamPort}`, { connections: UPSTREAM_CONNECTIONS });
  const server = createServer((request, response) => {
    const { url: path = '/', method = 'GET', headers } = request;
    const hasBody = 'content-length' in headers || 'transfer-encoding' in headers;
    const body = hasBody ? request : null;
    pool.dispatch({ path, method, headers: endToEnd(headers), body }, relayTo(response));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const close = async (): Promise<void> => {
    await server[Symbol.asyncDispose]();
    await pool.close();
  };
  return { port, close };
}

function relayTo(response: ServerResponse): Dispatcher.DispatchHandler {
  return {
    onRequestStart: (controller) => {
      response.on('drain', () => controller.resume());
      response.on('close', () => {
        if (!response.writableFinished) controller.abort(new Error('the client left'));
      });
    },
    onResponseStart: (_controller, status, headers) =>
      void response.writeHead(status, endToEnd(headers)),
    onResponseData: (controller, chunk) => {
      if (!response.write(chunk)) controller.pause();
    },
    onResponseEnd: () => void response.end(),
    onResponseError: () => {
      if (response.headersSent) response.destroy();
      else response.writeHead(502).end();
    },
  };
}

function endToEnd(headers: Headers): Headers {
  for (const name of HOP_BY_HOP) delete headers[name];
  return headers;
}

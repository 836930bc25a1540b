import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Listening } from '../../harness/subject.ts';
import { BODY, CONTENT_TYPE } from './setting.ts';

/** The least that a server on node:http can do. @param status of every response. @default 200 */
export async function nodeHttp(status = 200): Promise<Listening> {
  const headers = ['content-type', CONTENT_TYPE, 'content-length', String(BODY.length)];
  const server = createServer((_request, response) =>
    response.writeHead(status, headers).end(BODY),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { port, close: () => server[Symbol.asyncDispose]() };
}

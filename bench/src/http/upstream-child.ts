/** Process behind the proxies that are measured. It answers as cheaply as it can, since the client shares its core. */
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { childTask } from '../harness/child-process.ts';
import { loadHttpSubject } from '../harness/subject.ts';
import type { HttpTask } from './server-child.ts';
import { CONTENT_TYPE } from './servers/setting.ts';

const { url, subject } = childTask<HttpTask>();
const { upstream: body = '' } = await loadHttpSubject(url, subject);
const head = [
  'HTTP/1.1 200 OK',
  `Date: ${new Date().toUTCString()}`,
  `Content-Type: ${CONTENT_TYPE}`,
  `Content-Length: ${Buffer.byteLength(body)}`,
];
const answer = Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`);

const server = createServer({ noDelay: true }, (socket) => {
  let received = '';
  // A proxy that ends may cut its connections.
  socket.on('error', () => undefined);
  socket.on('data', (chunk) => {
    received += chunk.toString('latin1');
    // Requests have no body, and none comes before the last one is answered.
    if (!received.endsWith('\r\n\r\n')) return;
    received = '';
    socket.write(answer);
  });
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
process.on('disconnect', () => process.exit());
process.send?.((server.address() as AddressInfo).port);

import { expect, test } from 'vitest';

import { listening } from './support/listening.ts';
import { RawConnection } from './support/raw-connection.ts';

const HOST = 'Host: a\r\n';
const POST = `POST /first HTTP/1.1\r\n${HOST}`;
const GET = 'GET /first HTTP/1.1\r\n';
const CHUNKED = 'Transfer-Encoding: chunked\r\n';
const LAST_CHUNK = '0\r\n\r\n';
const NEXT = `GET /second HTTP/1.1\r\n${HOST}\r\n`;

const coded = (codings: string): string =>
  `${POST}Transfer-Encoding: ${codings}\r\n\r\n${LAST_CHUNK}`;
const long = (length: string): string => `${POST}Content-Length: ${length}\r\n\r\n{}`;
const withHeader = (line: string): string => `${GET}${HOST}${line}\r\n\r\n`;
const to = (host: string): string => `${GET}Host: ${host}\r\n\r\n`;

/** Refused with the header, so that nobody hears of the request. */
const HEADERS: Readonly<Record<string, string>> = {
  'a length, then chunks': `${POST}Content-Length: 5\r\n${CHUNKED}\r\n${LAST_CHUNK}`,
  'chunks, then a length': `${POST}${CHUNKED}Content-Length: 5\r\n\r\n${LAST_CHUNK}`,
  'two lengths': `${POST}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}`,
  'the same length twice': `${POST}Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}`,
  'a list of lengths': long('2, 2'),
  'a length with a sign': long('+2'),
  'a negative length': long('-2'),
  'a length in hex': long('0x2'),
  'an empty length': long(''),
  'a length in two parts': long('1 2'),
  'a length beyond 64 bits': long('18446744073709551618'),
  'a length with an underscore': `${POST}Content_Length: 2\r\n\r\n`,
  'a coding that is nearly chunked': coded('xchunked'),
  'chunked twice in a line': coded('chunked, chunked'),
  'chunked in two lines': `${POST}${CHUNKED}${CHUNKED}\r\n${LAST_CHUNK}`,
  'chunked, but not last': coded('chunked, identity'),
  'chunked not last, in two lines': `${POST}${CHUNKED}Transfer-Encoding: identity\r\n\r\n${LAST_CHUNK}`,
  'a coding besides chunked': coded('gzip, chunked'),
  'a coding besides chunked, in two lines': `${POST}Transfer-Encoding: gzip\r\n${CHUNKED}\r\n${LAST_CHUNK}`,
  'a coding that is not chunked': coded('gzip'),
  'the identity coding': coded('identity'),
  'chunked in quotes': coded('"chunked"'),
  'chunked with a parameter': coded('chunked;q=1'),
  'chunked behind a comma': coded(',chunked'),
  'chunked before a comma': coded('chunked,'),
  'chunked behind a vertical tab': coded('\u000bchunked'),
  'an empty coding': coded(''),
  'a coding with an underscore': `${POST}Transfer_Encoding: chunked\r\nContent-Length: 2\r\n\r\n{}`,
  'chunks in HTTP/1.0': `POST /first HTTP/1.0\r\n${HOST}${CHUNKED}\r\n${LAST_CHUNK}`,
  'a space before the colon of the coding': `${POST}Transfer-Encoding : chunked\r\n\r\n${LAST_CHUNK}`,
  'a space before the colon of the host': `${GET}Host : a\r\n\r\n`,
  'a space in a name': withHeader('X Y: a'),
  'a line without a colon': withHeader('X'),
  'a folded value': withHeader('X: a\r\n b'),
  'a folded coding': `${POST}Transfer-Encoding:\r\n chunked\r\n\r\n${LAST_CHUNK}`,
  'a folded host': `${GET}Host:\r\n a\r\n\r\n`,
  'a fold before the first header': `${GET} Host: a\r\n\r\n`,
  'bare line feeds': 'GET /first HTTP/1.1\nHost: a\n\n',
  'a bare line feed behind a header': `${GET}Host: a\nX: b\r\n\r\n`,
  'a bare line feed at the end of the header': `${GET}${HOST}\n`,
  'a bare carriage return behind a header': `${GET}Host: a\rX: b\r\n\r\n`,
  'a NUL in a value': withHeader('X: a\0b'),
  'a NUL in a name': withHeader('X\0: a'),
  'a control character in a value': withHeader('X: a\u0001b'),
  'no host': `${GET}\r\n`,
  'two hosts': `${GET}Host: a\r\nhost: b\r\n\r\n`,
  'the same host twice': `${GET}${HOST}${HOST}\r\n`,
  'a list of hosts': to('a, b'),
  'a host with a user': to('me@a'),
  'a host with a path': to('a/b'),
  'a host with a space': to('a b'),
  'a host whose port is none': to('a:8x'),
  'a host beyond ASCII': to('\u00e4'),
  'a user in the URL': `GET http://me@a/first HTTP/1.1\r\n${HOST}\r\n`,
  'a fragment in the URL': `GET /first#x HTTP/1.1\r\n${HOST}\r\n`,
  'a tab in the URL': `GET /first\tx HTTP/1.1\r\n${HOST}\r\n`,
  'a space in the URL': `GET /first x HTTP/1.1\r\n${HOST}\r\n`,
  'a control character in the URL': `GET /first?\u0001 HTTP/1.1\r\n${HOST}\r\n`,
  'no version': 'GET /first\r\n\r\n',
  'another version': `GET /first HTTP/1.2\r\n${HOST}\r\n`,
};

const chunked = (chunks: string): string => `${POST}${CHUNKED}\r\n${chunks}`;

/** Refused within the body, so that its handler gets none. */
const BODIES: Readonly<Record<string, string>> = {
  'a chunk size in 0x': chunked(`0x2\r\n{}\r\n${LAST_CHUNK}`),
  'a chunk size with a sign': chunked(`+2\r\n{}\r\n${LAST_CHUNK}`),
  'a negative chunk size': chunked(`-2\r\n{}\r\n${LAST_CHUNK}`),
  'a chunk size beyond 64 bits': chunked(`10000000000000002\r\n{}\r\n${LAST_CHUNK}`),
  'no chunk size': chunked(`\r\n{}\r\n${LAST_CHUNK}`),
  'a space behind the chunk size': chunked(`2 \r\n{}\r\n${LAST_CHUNK}`),
  'a space before the chunk size': chunked(` 2\r\n{}\r\n${LAST_CHUNK}`),
  'a bare line feed behind the chunk size': chunked(`2\n{}\r\n${LAST_CHUNK}`),
  'a bare line feed behind a chunk': chunked(`2\r\n{}\n${LAST_CHUNK}`),
  'a bare line feed behind the last chunk': chunked('2\r\n{}\r\n0\n\n'),
  'a bare line feed in an extension': chunked(`2;a\n{}\r\n${LAST_CHUNK}`),
  'a bare carriage return in an extension': chunked(`2;a\rb\r\n{}\r\n${LAST_CHUNK}`),
  'a quoted extension that does not end': chunked(`2;a="\r\n{}\r\n${LAST_CHUNK}`),
  'an extension without a name': chunked(`2;\r\n{}\r\n${LAST_CHUNK}`),
  'a NUL in an extension': chunked(`2;a\0\r\n{}\r\n${LAST_CHUNK}`),
  'a chunk that is longer than its size': chunked(`2\r\n{}}\r\n${LAST_CHUNK}`),
  'a chunk without an end': chunked(`2\r\n{}${LAST_CHUNK}`),
  'a length in the trailer': chunked('2\r\n{}\r\n0\r\nContent-Length: 5\r\n\r\n'),
  'a coding in the trailer': chunked(`2\r\n{}\r\n0\r\n${CHUNKED}\r\n`),
  'a folded trailer': chunked('2\r\n{}\r\n0\r\nX: b\r\n c\r\n\r\n'),
  'a bare line feed in the trailer': chunked('0\r\nX: a\n\r\n'),
};

/** Sends the bytes, with a right request behind them, to a service that says what its handlers got. */
async function send(bytes: string) {
  const called: string[] = [];
  const { port } = await listening({
    routes: [
      { path: '/first', handler: () => void called.push('GET /first') },
      {
        path: '/first',
        method: 'POST',
        body: 'text',
        handler: ({ body }) => void called.push(`POST /first ${String(body)}`),
      },
      { path: '/second', handler: () => void called.push('GET /second') },
    ],
  });
  const connection = await RawConnection.open(port);
  connection.send(Buffer.from(bytes, 'latin1'));
  return { connection, called };
}

test.each([...Object.entries(HEADERS), ...Object.entries(BODIES)])(
  '%s: 400, the end of the connection, and nobody hears of this request or the next',
  async (_, bytes) => {
    const { connection, called } = await send(bytes + NEXT);
    const { status, headers } = await connection.answer();
    expect([status, headers['connection']]).toEqual([400, 'close']);
    expect(headers['content-type']).toBe('application/problem+json');
    await connection.closed;
    expect(connection.rest).toBe('');
    expect(called).toEqual([]);
  },
);

test('extensions of chunks are read past, up to 16 KiB, and no further', async () => {
  const few = await send(chunked(`2;a=b\r\n{}\r\n${LAST_CHUNK}`) + NEXT);
  expect((await few.connection.answer()).status).toBe(204);
  expect((await few.connection.answer()).status).toBe(204);
  expect([...few.called].sort()).toEqual(['GET /second', 'POST /first {}']);
  const many = await send(chunked(`2;${'a'.repeat(20_000)}\r\n{}\r\n${LAST_CHUNK}`) + NEXT);
  expect((await many.connection.answer()).status).toBe(413);
  await many.connection.closed;
  expect(many.called).toEqual([]);
});

test('what was sent ahead of a wrong request is answered, and then the connection ends', async () => {
  const { connection, called } = await send(NEXT + to('a b') + NEXT);
  expect((await connection.answer()).status).toBe(204);
  expect((await connection.answer()).status).toBe(400);
  await connection.closed;
  expect([connection.rest, called]).toEqual(['', ['GET /second']]);
});

test('a body that waits to be asked for is not', async () => {
  const { connection } = await send(
    `POST /first HTTP/1.1\r\nHost: a b\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n`,
  );
  expect((await connection.answer()).status).toBe(400);
  await connection.closed;
});

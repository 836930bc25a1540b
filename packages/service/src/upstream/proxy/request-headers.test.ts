import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { HOP_BY_HOP } from './hop-by-hop.ts';
import { RequestHeaders, type RequestFacts, type RequestHeaderPolicy } from './request-headers.ts';

/** Headers, flat. */
const pairs = (...lines: readonly string[]): string[] =>
  lines.flatMap((line) => {
    const end = line.indexOf(': ');
    return [line.slice(0, end), line.slice(end + 2)];
  });

const noEdits = { set: {}, add: {}, remove: [] };
const plain: RequestHeaderPolicy = {
  host: 'target',
  forwarded: 'append',
  via: 'sluice',
  edits: noEdits,
};
const facts: RequestFacts = {
  peerAddress: '192.0.2.7',
  isTrusted: false,
  proto: 'http',
  httpVersion: '1.1',
  requestId: 'r1',
  traceparent: undefined,
  deadlineMs: 1999.9,
};
const ours = [
  ...pairs('x-forwarded-for: 192.0.2.7', 'x-forwarded-proto: http'),
  ...pairs('forwarded: for=192.0.2.7;proto=http', 'via: 1.1 sluice'),
  ...pairs('x-request-id: r1', 'x-request-deadline-ms: 1999'),
];

function sent(
  rawHeaders: readonly string[],
  more: Partial<RequestFacts> = {},
  policy: Partial<RequestHeaderPolicy> = {},
): string[] {
  return new RequestHeaders({ ...plain, ...policy }).of(rawHeaders, { ...facts, ...more });
}

/** The values of a header, whatever the case of its name. */
function valuesOf(headers: readonly string[], wanted: string): readonly (string | undefined)[] {
  return headers.flatMap((name, i) =>
    i % 2 === 0 && name.toLowerCase() === wanted ? [headers[i + 1]] : [],
  );
}

test('what is about the message is passed on in its order, with its repetitions, names in lower case', () => {
  const raw = ['User-Agent', 'a', 'accept', '*/*', 'Cookie', 'b=1', 'cookie', 'c=2', 'X-Á', 'ü'];
  const lower = raw.map((text, i) => (i % 2 === 0 ? text.toLowerCase() : text));
  expect(sent(raw)).toEqual([...lower, ...ours]);
});

test('what is about the connection ends here, in whatever case', () => {
  for (const name of [...HOP_BY_HOP, 'expect']) {
    for (const spelled of [name, name.toUpperCase(), name.replace(/^./, (c) => c.toUpperCase())]) {
      expect(sent([spelled, 'x'])).toEqual(ours);
    }
  }
});

test('what Connection names ends here, wherever it stands', () => {
  const raw = [
    'X-A',
    '1',
    'Connection',
    'close, x-A',
    'x-b',
    '2',
    'connection',
    'X-B,,',
    'x-c',
    '3',
  ];
  expect(sent(raw)).toEqual(['x-c', '3', ...ours]);
});

test('Connection takes out nothing that the service says, and nothing that is for the target', () => {
  const names = [
    'host',
    'content-length',
    'cookie',
    'authorization',
    'content-type',
    'x-forwarded-for',
    'forwarded',
    'via',
    'x-request-id',
    'traceparent',
    'x-request-deadline-ms',
    'x-real-ip',
  ];
  const raw = [
    ...pairs(`connection: ${names.join(', ')}`, 'content-length: 5', 'cookie: a=1'),
    ...pairs('authorization: b', 'content-type: text/plain', 'traceparent: t'),
    ...pairs('x-forwarded-for: 198.51.100.1', 'x-real-ip: 198.51.100.1'),
  ];
  expect(sent(raw, { isTrusted: true })).toEqual([
    ...pairs('cookie: a=1', 'authorization: b', 'content-type: text/plain', 'traceparent: t'),
    ...pairs('x-real-ip: 198.51.100.1', 'content-length: 5'),
    ...pairs('x-forwarded-for: 198.51.100.1, 192.0.2.7', 'x-forwarded-proto: http'),
    ...pairs('forwarded: for=198.51.100.1, for=192.0.2.7;proto=http', 'via: 1.1 sluice'),
    ...pairs('x-request-id: r1', 'x-request-deadline-ms: 1999'),
  ]);
});

test.each([
  ['trailers', ['trailers']],
  ['gzip;q=0.5, Trailers', ['trailers']],
  ['gzip', []],
  ['xtrailers', []],
])('TE: %s is passed on only as the wish for trailers', (value, expected) => {
  expect(valuesOf(sent(['TE', value, 'Connection', 'TE']), 'te')).toEqual(expected);
});

test('a body has one length, and none beside chunks', () => {
  expect(valuesOf(sent(['Content-Length', '5', 'content-length', '5']), 'content-length')).toEqual([
    '5',
  ]);
  const both = ['content-length', '5', 'transfer-encoding', 'chunked'];
  expect(valuesOf(sent(both), 'content-length')).toEqual([]);
});

test.each([
  ['target', []],
  ['client', ['Shop.Example:8080']],
  [{ fixed: 'stock.internal' }, ['stock.internal']],
] as const)('with the host %j targets see %j', (host, expected) => {
  const raw = ['Host', 'Shop.Example:8080'];
  expect(valuesOf(sent(raw, {}, { host }), 'host')).toEqual(expected);
});

test('the host of an absolute URL is the one that was asked for, and an empty one is none', () => {
  const headers = sent(['Host', 'a'], { authority: 'b.example' }, { host: 'client' });
  expect(valuesOf(headers, 'host')).toEqual(['b.example']);
  expect(valuesOf(headers, 'x-forwarded-host')).toEqual(['b.example']);
  const none = sent(['Host', ''], {}, { host: 'client' });
  expect([valuesOf(none, 'host'), valuesOf(none, 'x-forwarded-host')]).toEqual([[], []]);
});

test('of a client that nobody trusts, nothing is believed about where it comes from', () => {
  const raw = [
    ...pairs('X-Forwarded-For: 203.0.113.9', 'x-forwarded-host: evil', 'X-Forwarded-Proto: https'),
    ...pairs('Forwarded: for=203.0.113.9', 'X-Real-IP: 203.0.113.9', 'x-forwarded-port: 1'),
    ...pairs('host: shop.example'),
  ];
  const expected = [
    ...pairs('x-forwarded-for: 192.0.2.7', 'x-forwarded-host: shop.example'),
    ...pairs('x-forwarded-proto: http', 'forwarded: for=192.0.2.7;host=shop.example;proto=http'),
    ...ours.slice(6),
  ];
  expect(sent(raw)).toEqual(expected);
  expect(sent(raw, { isTrusted: true }, { forwarded: 'replace' })).toEqual(expected);
  expect(sent(raw, { isTrusted: true }, { forwarded: 'off' })).toEqual(ours.slice(6));
});

test('a trusted proxy is believed, and its own address put behind what it says', () => {
  const raw = [
    ...pairs('X-Forwarded-For: 203.0.113.9', 'x-forwarded-for: 198.51.100.1'),
    ...pairs('X-Forwarded-Proto: https', 'X-Forwarded-Host: shop.example'),
    ...pairs('X-Forwarded-Port: 443', 'Host: internal'),
  ];
  expect(sent(raw, { isTrusted: true, peerAddress: '::ffff:10.0.0.1' })).toEqual([
    ...pairs('x-forwarded-port: 443'),
    ...pairs('x-forwarded-for: 203.0.113.9, 198.51.100.1, 10.0.0.1'),
    ...pairs('x-forwarded-host: shop.example', 'x-forwarded-proto: https'),
    ...pairs('forwarded: for=203.0.113.9, for=198.51.100.1, for=10.0.0.1;host=internal;proto=http'),
    ...ours.slice(6),
  ]);
  const both = [...raw, 'Forwarded', 'for=_hidden;proto=https'];
  expect(valuesOf(sent(both, { isTrusted: true }), 'forwarded')).toEqual([
    'for=_hidden;proto=https, for=192.0.2.7;host=internal;proto=http',
  ]);
});

test.each([
  ['2001:db8::1', '2001:db8::1', 'for="[2001:db8::1]";proto=http'],
  ['fe80::1%eth0', 'fe80::1', 'for="[fe80::1]";proto=http'],
  ['::ffff:192.0.2.1', '192.0.2.1', 'for=192.0.2.1;proto=http'],
  [undefined, 'unknown', 'for=unknown;proto=http'],
])('the address %s is written as %s, and quoted in Forwarded', (peerAddress, plainly, element) => {
  const headers = sent([], { peerAddress });
  expect(valuesOf(headers, 'x-forwarded-for')).toEqual([plainly]);
  expect(valuesOf(headers, 'forwarded')).toEqual([element]);
});

test('a host with a port, or with a quote, cannot end its place in Forwarded', () => {
  const forwarded = (host: string) => valuesOf(sent(['host', host]), 'forwarded');
  expect(forwarded('a.example:80')).toEqual(['for=192.0.2.7;host="a.example:80";proto=http']);
  expect(forwarded('a";for=b\\')).toEqual([
    String.raw`for=192.0.2.7;host="a\";for=b\\";proto=http`,
  ]);
});

test('Via grows by one, or stays as it came', () => {
  const raw = ['Via', '1.0 fred', 'via', '1.1 p.example'];
  expect(valuesOf(sent(raw, { httpVersion: '1.0' }), 'via')).toEqual([
    '1.0 fred, 1.1 p.example, 1.0 sluice',
  ]);
  expect(valuesOf(sent(raw, {}, { via: false }), 'via')).toEqual(['1.0 fred, 1.1 p.example']);
  expect(valuesOf(sent([], {}, { via: false }), 'via')).toEqual([]);
});

test('the id and the time that is left are the service’s own, the trace is unless it has none', () => {
  const raw = ['X-Request-Id', 'x', 'x-request-deadline-ms', '9e9', 'grpc-timeout', '5S'];
  const trace = ['TraceParent', 't1'];
  expect(sent([...raw, ...trace])).toEqual(['grpc-timeout', '5S', 'traceparent', 't1', ...ours]);
  const traced = sent([...raw, ...trace], { traceparent: 't2' });
  expect(valuesOf(traced, 'traceparent')).toEqual(['t2']);
  expect(valuesOf(sent([], { deadlineMs: -3 }), 'x-request-deadline-ms')).toEqual(['0']);
  expect(valuesOf(sent([], { deadlineMs: Infinity }), 'x-request-deadline-ms')).toEqual([]);
});

test('the edits of a route come last, also over what the service says', () => {
  const edits = {
    set: { 'X-Tenant': 'acme', Via: 'none' },
    add: { accept: 'text/plain' },
    remove: ['COOKIE', 'x-forwarded-for', 'TraceParent', 'x-real-ip'],
  };
  const raw = [
    ...pairs('Cookie: a=1', 'x-tenant: other', 'Accept: */*', 'via: 1.0 fred'),
    ...pairs('traceparent: t1', 'X-Real-IP: 198.51.100.1'),
  ];
  expect(sent(raw, { isTrusted: true, traceparent: 't2' }, { edits })).toEqual(
    sent(raw, { isTrusted: true }, { edits }),
  );
  expect(sent(raw, { isTrusted: true }, { edits })).toEqual([
    ...pairs('accept: */*', 'x-forwarded-proto: http', 'forwarded: for=192.0.2.7;proto=http'),
    ...pairs('x-request-id: r1', 'x-request-deadline-ms: 1999'),
    ...pairs('X-Tenant: acme', 'Via: none', 'accept: text/plain'),
  ]);
});

const special = [...HOP_BY_HOP, 'expect', 'host', 'via', 'forwarded', 'x-forwarded-for', 'x-a'];
const caseOf = fc.func<[string], boolean>(fc.boolean());
const name = fc
  .tuple(fc.oneof(fc.constantFrom(...special), fc.stringMatching(/^[a-z-]{1,12}$/)), caseOf)
  .map(([text, isUpper]) =>
    text.replaceAll(/./g, (c, i) => (isUpper(`${i}`) ? c.toUpperCase() : c)),
  );
/** What Node's parser lets through in a value. */
const value = fc.oneof(
  fc.stringMatching(/^[\t -~\u0080-\u00ff]{0,20}$/),
  fc.array(name, { maxLength: 4 }).map((names) => names.join(' , ')),
);
const rawHeaders = fc.array(fc.tuple(name, value), { maxLength: 20 }).map((all) => all.flat());
const policy: fc.Arbitrary<RequestHeaderPolicy> = fc.record({
  host: fc.constantFrom<RequestHeaderPolicy['host']>('target', 'client', { fixed: 'a.example' }),
  forwarded: fc.constantFrom<RequestHeaderPolicy['forwarded']>('append', 'replace', 'off'),
  via: fc.constantFrom<RequestHeaderPolicy['via']>(false, 'edge'),
  edits: fc.constant(noEdits),
});

test('no header about the connection survives, nor one that Connection names', () => {
  fc.assert(
    fc.property(rawHeaders, policy, fc.boolean(), (raw, given, isTrusted) => {
      const named = new Set(
        valuesOf(raw, 'connection').flatMap((text = '') =>
          text.split(',').map((token) => token.trim().toLowerCase()),
        ),
      );
      const headers = sent(raw, { isTrusted }, given);
      for (let i = 0; i < headers.length; i += 2) {
        const lower = (headers[i] ?? '').toLowerCase();
        if (lower === 'te') expect(headers[i + 1]).toBe('trailers');
        else expect(HOP_BY_HOP).not.toContain(lower);
        if (lower === 'x-a') expect(named).not.toContain('x-a');
      }
    }),
  );
});

test('no value grows into a header: what goes out fits on a line, in pairs', () => {
  fc.assert(
    fc.property(rawHeaders, policy, fc.boolean(), (raw, given, isTrusted) => {
      const headers = sent(raw, { isTrusted }, given);
      expect(headers.length % 2).toBe(0);
      expect(headers.every((text) => /^[\t -~\u0080-\u00ff]*$/.test(text))).toBe(true);
      expect(valuesOf(headers, 'host').length).toBeLessThanOrEqual(1);
      expect(valuesOf(headers, 'x-forwarded-for')).toHaveLength(given.forwarded === 'off' ? 0 : 1);
    }),
  );
});

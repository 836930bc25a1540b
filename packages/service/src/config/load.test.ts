import { expect, test } from 'vitest';

import { parseConfig, type LoadResult } from './load.ts';
import { formatProblem, formatProblems } from './problems.ts';

const env = { PORT: '9000', HOST: '', SECRET: 'hunter2', RATE: 'many' };

interface Broken {
  readonly what: string;
  readonly text: string;
  readonly problems: readonly string[];
  readonly file?: string;
}

const SECTIONS = 'server, limiters, breakers, pools, upstreams, routes, log, shutdown';
const HANDLER = './file.ts#exportName or one of builtin:simulated-work, builtin:digest';
const SERVER =
  'host, port, maxConnections, maxBodyBytes, maxHeaderBytes, headersTimeoutMs, requestTimeoutMs, keepAliveTimeoutMs, trustedProxies';

/** Documents, and the exact lines that tell what is wrong with them. */
const broken: readonly Broken[] = [
  {
    what: 'an empty file',
    text: '',
    problems: [`c.yaml:1:1  expected a mapping of sections (${SECTIONS}), got nothing`],
  },
  {
    what: 'a list',
    text: '- server\n',
    problems: [`c.yaml:1:1  expected a mapping of sections (${SECTIONS}), got a list of 1`],
  },
  {
    what: 'an unknown section',
    text: 'sever: {}\ntracing: {}\n',
    problems: [
      `c.yaml:1:1  sever: expected one of ${SECTIONS}, got the key "sever"; did you mean "server"?`,
      `c.yaml:2:1  tracing: expected one of ${SECTIONS}, got the key "tracing"`,
    ],
  },
  {
    what: 'wrong values of the server',
    text: 'server:\n  port: 70000\n  host: http://localhost\n  maxBodyBytes: "100"\n  maxConections: 5\n  maxHeaderBytes: 1.5\n',
    problems: [
      'c.yaml:2:9  server.port: expected an integer from 0 to 65535, got 70000',
      'c.yaml:3:9  server.host: expected an IP address or a host name, without port or scheme, got "http://localhost"',
      'c.yaml:4:17  server.maxBodyBytes: expected an integer of at least 1, got "100"; write it without quotes',
      `c.yaml:5:3  server.maxConections: expected one of ${SERVER}, got the key "maxConections"; did you mean "maxConnections"?`,
      'c.yaml:6:19  server.maxHeaderBytes: expected an integer from 1024 to 1048576, got 1.5',
    ],
  },
  {
    what: 'numbers that are none',
    text: 'limiters:\n  a: { ratePerSecond: .nan }\n  b: { ratePerSecond: .inf }\n  c: { ratePerSecond: 1, capacity: 1e400 }\n  d: {}\n',
    problems: [
      'c.yaml:2:23  limiters.a.ratePerSecond: expected a number above 0 and at most 1000000000, got NaN',
      'c.yaml:3:23  limiters.b.ratePerSecond: expected a number above 0 and at most 1000000000, got Infinity',
      'c.yaml:4:36  limiters.c.capacity: expected an integer from 1 to 1000000000, got Infinity',
      'c.yaml:5:6  limiters.d.ratePerSecond: expected a number above 0 and at most 1000000000, got nothing',
    ],
  },
  {
    what: 'rules between keys, told beside everything else',
    text: 'server: { headersTimeoutMs: 60000, requestTimeoutMs: 30000, port: x }\nshutdown: { delayMs: 30000 }\nbreakers:\n  a: { openMs: 9000, maxOpenMs: 8000, requiredSuccesses: 4, minimumCalls: 1.5 }\n  b: { slidingWindow: { type: count, size: 10 }, minimumCalls: 11 }\n',
    problems: [
      'c.yaml:1:29  server.headersTimeoutMs: expected at most requestTimeoutMs, got 60000',
      'c.yaml:1:67  server.port: expected an integer from 0 to 65535, got "x"',
      'c.yaml:2:22  shutdown.delayMs: expected less than timeoutMs, which includes it, got 30000',
      'c.yaml:4:33  breakers.a.maxOpenMs: expected at least openMs, got 8000',
      'c.yaml:4:58  breakers.a.requiredSuccesses: expected at most permittedCallsInHalfOpen, got 4',
      'c.yaml:4:75  breakers.a.minimumCalls: expected an integer from 1 to 1000000, got 1.5',
      'c.yaml:5:64  breakers.b.minimumCalls: expected at most slidingWindow.size, or it could never open, got 11',
    ],
  },
  {
    what: 'sliding windows',
    text: 'breakers:\n  a: { slidingWindow: { type: tiem } }\n  b: { slidingWindow: { type: time, size: 5 } }\n  c: { slidingWindow: 10 }\n  d: { slidingWindow: {} }\n  e: { failureRateThreshold: 50 }\n',
    problems: [
      'c.yaml:2:31  breakers.a.slidingWindow.type: expected one of time, count, got "tiem"; did you mean "time"?',
      'c.yaml:3:37  breakers.b.slidingWindow.size: expected one of type, durationMs, buckets, got the key "size"',
      'c.yaml:4:23  breakers.c.slidingWindow: expected { type: time, durationMs, buckets } or { type: count, size }, got 10',
      'c.yaml:5:23  breakers.d.slidingWindow.type: expected one of time, count, got nothing',
      'c.yaml:6:30  breakers.e.failureRateThreshold: expected a ratio above 0 and at most 1, got 50',
    ],
  },
  {
    what: 'breakers',
    text: 'breakers:\n  a: { failureRateThreshold: 0.5, successRateThreshold: 0.5 }\n  b: { slowCallRateThreshold: 0.5 }\n  c: { openMs: { type: exponential, baseMs: 9, maxMs: 8 } }\n  d: { openMs: { type: constant, delayMs: 9 }, maxOpenMs: 9 }\n  e: { openMs: soon }\n  f: { confidence: -1, rampMs: -1 }\n',
    problems: [
      'c.yaml:2:57  breakers.a.successRateThreshold: expected left out, as failureRateThreshold says the same, got 0.5',
      'c.yaml:3:31  breakers.b.slowCallRateThreshold: expected left out, as no call is slow without slowCallDurationMs, got 0.5',
      'c.yaml:4:55  breakers.c.openMs.maxMs: expected at least baseMs, got 8',
      'c.yaml:5:59  breakers.d.maxOpenMs: expected left out, as the backoff in openMs has its own, got 9',
      'c.yaml:6:16  breakers.e.openMs: expected an integer from 1 to 2147483647, or a backoff, got "soon"',
      'c.yaml:7:20  breakers.f.confidence: expected a number from 0 to 10, got -1',
      'c.yaml:7:32  breakers.f.rampMs: expected an integer from 0 to 2147483647, got -1',
    ],
  },
  {
    what: 'names',
    text: 'pools:\n  "my pool": {}\n  _x: {}\n  ok-1: 5\nlimiters:\n',
    problems: [
      'c.yaml:2:3  pools["my pool"]: expected a name of at most 64 letters, digits, "_" and "-" that starts with a letter or digit, got "my pool"',
      'c.yaml:3:3  pools._x: expected a name of at most 64 letters, digits, "_" and "-" that starts with a letter or digit, got "_x"',
      'c.yaml:4:9  pools.ok-1: expected a pool, got 5',
      'c.yaml:5:10  limiters: expected a mapping of names to limiters, got null',
    ],
  },
  {
    what: 'references to what there is not',
    text: 'limiters: { public: { ratePerSecond: 1 } }\nroutes:\n  - { path: /a, handler: builtin:digest, limiter: pubic, breaker: b, pool: 5 }\n',
    problems: [
      'c.yaml:3:51  routes[0].limiter: expected the name of a limiter (public), got "pubic"; did you mean "public"?',
      'c.yaml:3:67  routes[0].breaker: expected the name of a breaker (there is none), got "b"',
      'c.yaml:3:76  routes[0].pool: expected the name of a pool, got 5',
    ],
  },
  {
    what: 'routes that take the same requests',
    text: `routes:
  - { path: /a/:id, handler: builtin:digest }
  - { path: /a/:id, handler: builtin:digest, method: POST }
  - { path: /a/:name, handler: builtin:digest, method: [POST, GET] }
  - { path: /a/:id, handler: builtin:digest, method: HEAD }
  - { path: /a/*, handler: builtin:digest }
`,
    problems: [
      'c.yaml:4:13  routes[2].path: expected a path that no other POST route has, such as routes[1], got "/a/:name"; parameters\' names tell no routes apart',
      'c.yaml:4:13  routes[2].path: expected a path that no other GET route has, such as routes[0], got "/a/:name"; parameters\' names tell no routes apart',
      'c.yaml:5:13  routes[3].path: expected a path that no other HEAD route has, such as routes[0], got "/a/:id"; a GET route answers HEAD as well',
    ],
  },
  {
    what: 'methods',
    text: `routes:
  - { path: /a, handler: builtin:digest, method: get }
  - { path: /b, handler: builtin:digest, method: [GET, PSOT] }
  - { path: /c, handler: builtin:digest, method: [] }
  - { path: /d, handler: builtin:digest, method: [PUT, PUT] }
  - { path: /e, handler: builtin:digest, method: [GET, HEAD] }
`,
    problems: [
      'c.yaml:2:50  routes[0].method: expected one of GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, or a list of them, got "get"; did you mean "GET"?',
      'c.yaml:3:56  routes[1].method[1]: expected one of GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, got "PSOT"; did you mean "POST"?',
      'c.yaml:4:50  routes[2].method: expected at least one method, got a list of 0',
      'c.yaml:5:50  routes[3].method: expected every method once, got a list of 2',
      'c.yaml:6:50  routes[4].method: expected no HEAD beside GET, which answers it as well, got a list of 2',
    ],
  },
  {
    what: 'routes with other mistakes',
    text: `routes:
  - {}
  - { path: orders, handler: builtin:digset }
  - { path: /a%20b, handler: orders.ts, options: { durationMs: 1 } }
  - { path: /c, handler: builtin:simulated-work, options: { duratonMs: 1, durationMs: -1 } }
  - { path: /d, handler: builtin:digest, body: jsn, successStatus: 404, timeoutMs: 0 }
  - 5
`,
    problems: [
      'c.yaml:2:5  routes[0].path: expected a path that starts with "/", got nothing',
      `c.yaml:2:5  routes[0].handler: expected a handler, or an upstream in its place, got nothing`,
      'c.yaml:3:13  routes[1].path: expected a path that starts with "/", got "orders"',
      `c.yaml:3:30  routes[1].handler: expected ${HANDLER}, got "builtin:digset"; did you mean "builtin:digest"?`,
      'c.yaml:4:13  routes[2].path: expected a path as it reads once decoded, got "/a%20b"; write the character itself, not its %-code',
      `c.yaml:4:30  routes[2].handler: expected ${HANDLER}, got "orders.ts"`,
      'c.yaml:5:61  routes[3].options.duratonMs: expected one of durationMs, got the key "duratonMs"; did you mean "durationMs"?',
      'c.yaml:5:87  routes[3].options.durationMs: expected an integer from 0 to 3600000, got -1',
      'c.yaml:6:48  routes[4].body: expected one of json, text, bytes, stream, got "jsn"; did you mean "json"?',
      'c.yaml:6:68  routes[4].successStatus: expected an integer from 200 to 299, got 404',
      'c.yaml:6:84  routes[4].timeoutMs: expected an integer from 1 to 2147483647, got 0',
      'c.yaml:7:5  routes[5]: expected a route, got 5',
    ],
  },
  {
    what: 'values from the environment, which are never shown',
    text: 'server: { port: "${PORT}", host: "${HOST}", maxConnections: ${SECRET} }\nlog: { level: a${SECRET}b, requests: ${MISSING} }\nlimiters: { a: { ratePerSecond: ${RATE:-5} } }\npools: { a: { size: "${PORT" } }\n',
    problems: [
      'c.yaml:1:17  server.port: expected an integer from 0 to 65535, got ${PORT}; write it without quotes',
      'c.yaml:1:34  server.host: expected an IP address or a host name, without port or scheme, got ${HOST}',
      'c.yaml:1:61  server.maxConnections: expected an integer from 1 to 1000000, got ${SECRET}',
      'c.yaml:2:15  log.level: expected one of trace, debug, info, warn, error, fatal, silent, got a${SECRET}b',
      'c.yaml:2:38  log.requests: expected the environment variable MISSING, got nothing; set it, or write ${MISSING:-default}',
      'c.yaml:3:33  limiters.a.ratePerSecond: expected a number above 0 and at most 1000000000, got ${RATE:-5}',
      'c.yaml:4:21  pools.a.size: expected ${NAME} or ${NAME:-default}, got "${PORT"; write $${ for a plain ${',
    ],
  },
  {
    what: 'keys written twice, keys of prototypes',
    text: 'log: { level: info }\nlog: {}\nroutes:\n  - path: /a\n    handler: ./a.ts\n    path: /b\n    options: { __proto__: { x: 1 } }\n',
    problems: [
      'c.yaml:2:1  log: expected every key once, got "log" again; it is on line 1 already',
      'c.yaml:6:5  routes[0].path: expected every key once, got "path" again; it is on line 4 already',
      'c.yaml:7:16  routes[0].options.__proto__: expected another key, got the key "__proto__"',
    ],
  },
  {
    what: 'YAML that is none',
    text: 'server:\n  port: 1\n   host: x\n',
    problems: [
      'c.yaml:2:9  expected valid YAML, got a syntax error; nested mappings are not allowed in compact mappings',
    ],
  },
  {
    what: 'tabs',
    text: 'server:\n\tport: 1\n',
    problems: [
      'c.yaml:2:1  expected valid YAML, got a syntax error; tabs are not allowed as indentation',
    ],
  },
  {
    what: 'two documents',
    text: 'log: {}\n---\nlog: {}\n',
    problems: [
      'c.yaml:2:1  expected valid YAML, got a syntax error; there is more than one document',
    ],
  },
  {
    what: 'tags of its own',
    text: 'log: { level: !secret x }\n',
    problems: ['c.yaml:1:15  expected valid YAML, got a syntax error; unresolved tag: !secret'],
  },
  {
    what: 'an alias without an anchor',
    text: 'log: *other\n',
    problems: ['c.yaml:1:6  log: expected an anchor above, got *other'],
  },
  {
    what: 'characters that no text should have',
    text: 'log: { level: \ufdd0 }\n',
    problems: ['c.yaml:1:15  expected characters of a text, got a noncharacter of Unicode'],
  },
  {
    what: 'JSON that is none',
    file: 'c.json',
    text: '{\n  "log": {},\n}\n',
    problems: ['c.json:3:1  expected a key in double quotes, got "}"'],
  },
  {
    what: 'YAML in a JSON file',
    file: 'c.json',
    text: 'log: {}\n',
    problems: ['c.json:1:1  expected a JSON value, got "l"'],
  },
  {
    what: 'a JSON file that ends too early',
    file: 'C.JSON',
    text: '{"log": {',
    problems: ['C.JSON:1:10  expected a key in double quotes or "}", got nothing'],
  },
  {
    what: 'keys written twice in JSON, indented by tabs',
    file: 'c.json',
    text: '{\n\t"log": {},\n\t"log": {}\n}',
    problems: [
      'c.json:3:2  log: expected every key once, got "log" again; it is on line 2 already',
    ],
  },
];

function problemsOf(result: LoadResult): readonly string[] {
  return result.ok ? [] : result.problems.map(formatProblem);
}

test.each(broken)(
  '$what: every problem is told with its place',
  ({ text, problems, file = 'c.yaml' }) => {
    expect(problemsOf(parseConfig(text, { file, env }))).toEqual(problems);
  },
);

test('no message holds what a variable holds', () => {
  for (const { text, file = 'c.yaml' } of broken) {
    const result = parseConfig(text, { file, env });
    expect(result.ok ? '' : formatProblems(result.problems)).not.toContain(env.SECRET);
  }
});

test('a byte order mark and CRLF are taken, and places stay', () => {
  const text = '\ufefflog:\r\n  level: info\r\n  requets: true\r\n';
  expect(problemsOf(parseConfig(text, { file: 'c.yaml' }))).toEqual([
    'c.yaml:3:3  log.requets: expected one of level, requests, got the key "requets"; did you mean "requests"?',
  ]);
});

test('the format can be said where the name does not', () => {
  const text = '{"log": {},}';
  expect(parseConfig(text, { file: 'config' }).ok).toBe(true);
  expect(parseConfig(text, { file: 'config', format: 'json' }).ok).toBe(false);
  expect(parseConfig(text, { file: 'c.json', format: 'yaml' }).ok).toBe(true);
});

test('what turns out to be wrong later is told with its place, too', () => {
  const text = 'routes:\n  - path: /a\n    handler: ./a.ts#b\n';
  const result = parseConfig(text, { file: 'c.yaml' });
  if (!result.ok) throw new Error('it is right');
  const finding = {
    path: 'routes[0].handler',
    expected: 'a module that exports b',
    found: '"./a.ts#b"',
  };
  expect(formatProblem(result.source.problemAt(finding))).toBe(
    'c.yaml:3:14  routes[0].handler: expected a module that exports b, got "./a.ts#b"',
  );
});

import { InvalidOptionsError } from '@sluice/core';
import { expect, test } from 'vitest';
import { parseLoadFlags, parseTime, type LoadFlags } from './flags.ts';

const url = 'http://127.0.0.1:8080/';

function problemsOf(flags: LoadFlags): string[] {
  try {
    parseLoadFlags(flags, () => {
      throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
    });
  } catch (error) {
    if (!(error instanceof InvalidOptionsError)) throw error;
    return error.problems.map((p) => `${p.option} must be ${p.expected}, got ${p.got}`);
  }
  return [];
}

test('flags become options in their own units', () => {
  const options = parseLoadFlags({
    url,
    rate: '1e3',
    duration: '1m',
    timeout: '500ms',
    maxInFlight: '50',
    method: 'put',
    header: ['accept: text/plain', 'x-empty:', 'x-time: 10:30'],
    body: 'hello',
    expectStatus: '2xx,404',
  });
  expect(options).toMatchObject({
    url,
    ratePerSecond: 1000,
    durationMs: 60_000,
    timeoutMs: 500,
    maxInFlight: 50,
    method: 'PUT',
    headers: [
      ['accept', 'text/plain'],
      ['x-empty', ''],
      ['x-time', '10:30'],
    ],
    body: 'hello',
    expectStatus: '2xx,404',
  });
});

test('a body that begins with @ is read from the file of that name', () => {
  const read = (path: string): Uint8Array => Buffer.from(`content of ${path}`);
  const { body } = parseLoadFlags({ url, body: '@order.json' }, read);
  expect(Buffer.from(body ?? '').toString()).toBe('content of order.json');
});

test('a time is a number with its unit, in seconds without one', () => {
  const table = {
    '10': 10_000,
    '0.5': 500,
    '.5': 500,
    '500ms': 500,
    '30s': 30_000,
    '1.5m': 90_000,
    '1h': 3_600_000,
  };
  for (const [text, ms] of Object.entries(table)) expect(parseTime(text)).toBe(ms);
  const texts = ['', 's', '-1', '1 s', '1e3', '10sec', 'Infinity', '1,5s', '1..5'];
  expect(texts.filter((text) => parseTime(text) !== undefined)).toEqual([]);
});

test('all problems of a command line are told at once, by the names of its flags', () => {
  const problems = problemsOf({
    url: 'ftp://127.0.0.1/',
    rate: 'fast',
    duration: 'soon',
    timeout: '0',
    arrivals: 'uniform',
    maxInFlight: '1.5',
    method: 'CONNECT',
    header: ['no colon', 'content-length: 3'],
    body: '@missing.json',
    expectStatus: '2',
  });
  expect(problems).toEqual([
    '--duration must be a time such as 10 (seconds), 500ms, 30s, 1m or 1h, got "soon"',
    '--header must be a name and a value, such as "accept: text/plain", got "no colon"',
    '--body must be text, or @ and the name of a file that can be read, got "@missing.json" (ENOENT)',
    '<url> must be a URL that begins with http:// or https://, without user name and password, got "ftp://127.0.0.1/"',
    '--rate must be a number of requests per second above 0 and at most 1000000, got "fast"',
    '--arrivals must be constant or poisson, got "uniform"',
    '--max-in-flight must be an integer from 1 to 100000, got 1.5',
    '--timeout must be a number of ms above 0 and at most 3600000, got 0',
    '--method must be an HTTP method such as GET or POST, got "CONNECT"',
    '--header must be names and values that HTTP allows, without content-length, expect, keep-alive, transfer-encoding, upgrade, got [["content-length","3"]]',
    '--expect-status must be a list of statuses and classes of them, such as 2xx,404, got "2"',
  ]);
});

test('a rate, or anything else of an open loop, does not go with connections', () => {
  const problems = problemsOf({
    url,
    connections: '4',
    rate: '10',
    arrivals: 'poisson',
    maxInFlight: '5',
  });
  const reason = 'left out when connections are given: a closed loop sends as answers come back';
  expect(problems).toEqual([
    `--rate must be ${reason}, got 10`,
    `--arrivals must be ${reason}, got "poisson"`,
    `--max-in-flight must be ${reason}, got 5`,
  ]);
});

test('another machine is refused with the reason, unless it is allowed', () => {
  expect(problemsOf({ url: 'https://example.com/a?b=c' })).toEqual([
    '<url> must be on this machine (localhost, 127.0.0.1 or ::1), unless remote hosts are allowed (--allow-remote): a load generator pointed at somebody else\'s machine is an attack, got "https://example.com"',
  ]);
  expect(problemsOf({ url: 'https://example.com/', allowRemote: true })).toEqual([]);
});

test('a password in a URL is not repeated in the problem', () => {
  expect(problemsOf({ url: 'http://me:secret@127.0.0.1/' }).join()).not.toContain('secret');
});

const malformed: Partial<LoadFlags>[] = [
  { rate: '0' },
  { rate: '-5' },
  { rate: '1000001' },
  { rate: '' },
  { rate: 'NaN' },
  { rate: 'Infinity' },
  { rate: '0x10' },
  { connections: '0' },
  { connections: '100001' },
  { maxInFlight: '0' },
  { duration: '0' },
  { duration: '25h' },
  { timeout: '2h' },
  { header: ['bad name: x'] },
  { header: ['x: a\u0000b'] },
];

test.each(malformed)('%o is refused', (flags) => {
  expect(problemsOf({ url, ...flags })).toHaveLength(1);
});

import { expect, test } from 'vitest';
import { errorKind } from './error-kind.ts';

test('errors are counted in words, by what happened to the connection', () => {
  const kinds = {
    ECONNREFUSED: 'connection refused',
    ECONNRESET: 'connection reset',
    UND_ERR_SOCKET: 'connection closed',
    UND_ERR_CONNECT_TIMEOUT: 'timeout',
    EMFILE: 'too many open files',
    HPE_INVALID_CONSTANT: 'invalid response',
  };
  for (const [code, kind] of Object.entries(kinds)) {
    expect(errorKind(Object.assign(new Error('x'), { code }))).toBe(kind);
  }
});

test('an error that has no words yet goes by its code, or by its name', () => {
  expect(errorKind(Object.assign(new Error('x'), { code: 'ENEW' }))).toBe('ENEW');
  expect(errorKind(new TypeError('x'))).toBe('TypeError');
  expect(errorKind({})).toBe('unknown');
});

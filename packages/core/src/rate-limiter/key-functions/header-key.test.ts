import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { InvalidOptionsError } from '../../core/index.ts';
import { headerKey } from './header-key.ts';

const tenant = headerKey('X-Tenant');

test('requests are told apart by the value of the header', () => {
  expect(tenant({ headers: { 'x-tenant': 'acme' } })).toBe('x-tenant=acme');
  expect(tenant({ headers: { 'x-tenant': 'Acme' } })).toBe('x-tenant=Acme');
});

test('requests without the header share a key, which an empty value does not have', () => {
  expect(tenant({ headers: {} })).toBe('x-tenant');
  expect(tenant({ headers: { 'x-tenant': undefined } })).toBe('x-tenant');
  expect(tenant({ headers: { 'x-tenant': '' } })).toBe('x-tenant=');
});

test('a header that is there several times counts as its values, joined', () => {
  expect(tenant({ headers: { 'x-tenant': ['a', 'b'] } })).toBe('x-tenant=a, b');
  expect(tenant({ headers: { 'x-tenant': 'a, b' } })).toBe('x-tenant=a, b');
});

test('a value over 64 characters is hashed', () => {
  expect(tenant({ headers: { 'x-tenant': 'a'.repeat(64) } })).toBe(`x-tenant=${'a'.repeat(64)}`);
  const long = tenant({ headers: { 'x-tenant': 'a'.repeat(65) } });
  expect(long).toMatch(/^x-tenant:[\w-]{22}$/u);
  expect(tenant({ headers: { 'x-tenant': `${'a'.repeat(64)}b` } })).not.toBe(long);
});

test('no two values have the same key, none that of an absent header, and none a long one', () => {
  const value = fc.option(fc.string({ maxLength: 200 }), { nil: undefined });
  fc.assert(
    fc.property(value, value, (one, other) => {
      const [key, otherKey] = [one, other].map((v) => tenant({ headers: { 'x-tenant': v } }));
      expect(key === otherKey).toBe(one === other);
      expect(key?.length).toBeLessThanOrEqual('x-tenant='.length + 64);
    }),
  );
});

test('what every object inherits is no header', () => {
  expect(headerKey('constructor')({ headers: {} })).toBe('constructor');
  expect(headerKey('__proto__')({ headers: {} })).toBe('__proto__');
});

test.for<unknown>(['', 'a b', 'a:', 'ä', 'x'.repeat(101), undefined, 7])(
  'a header cannot be named %j',
  (name) => {
    const make = (): unknown => headerKey(name as string);
    expect(make).toThrow(InvalidOptionsError);
    expect(make).toThrow("headerKey: name must be a header's name");
  },
);

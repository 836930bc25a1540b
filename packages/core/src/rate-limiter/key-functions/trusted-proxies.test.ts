import { expect, test } from 'vitest';

import { trustedProxies } from './trusted-proxies.ts';

test('a proxy is known by any form of its address, alone or in a block', () => {
  const isTrusted = trustedProxies(['10.0.0.0/8', '2001:db8::7', 'loopback']);
  const trusted = ['10.1.2.3', '::ffff:10.1.2.3', '2001:db8:0::7', '127.0.0.1', '::1'];
  const others = ['11.0.0.1', '2001:db8::8', 'private', '', '10.1.2', undefined];
  expect(trusted.filter((address) => !isTrusted(address))).toEqual([]);
  expect(others.filter((address) => isTrusted(address))).toEqual([]);
});

test('nobody is trusted where nobody is named', () => {
  expect(trustedProxies([])('127.0.0.1')).toBe(false);
});

test('every entry that is no proxy is named', () => {
  expect(() => trustedProxies(['10.0.0.0/8', '10.0.0.0/40', 'localhost'])).toThrow(
    /1 must be .*"10\.0\.0\.0\/40".*2 must be .*"localhost"/s,
  );
});

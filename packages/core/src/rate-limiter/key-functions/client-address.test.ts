import { once } from 'node:events';
import { createServer, request as send, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { InvalidOptionsError } from '../../core/index.ts';
import { clientAddress, NO_ADDRESS, type ClientAddressOptions } from './client-address.ts';
import type { KeyedRequest, KeyFunction } from './keyed-request.ts';

const from = (remoteAddress: string | undefined, forwarded?: string): KeyedRequest => ({
  headers: forwarded === undefined ? {} : { 'x-forwarded-for': forwarded },
  socket: { remoteAddress },
});

test.for([
  { remoteAddress: '1.2.3.4', key: '1.2.3.4' },
  { remoteAddress: '::ffff:1.2.3.4', key: '1.2.3.4' },
  { remoteAddress: '::FFFF:102:304', key: '1.2.3.4' },
  { remoteAddress: '2001:db8:0:1:2:3:4:5', key: '2001:db8:0:1::/64' },
  { remoteAddress: 'fe80::1%eth0', key: 'fe80::/64' },
  { remoteAddress: undefined, key: NO_ADDRESS },
  { remoteAddress: '', key: NO_ADDRESS },
  { remoteAddress: '/run/app.sock', key: NO_ADDRESS },
])('a socket at $remoteAddress has the key $key', ({ remoteAddress, key }) => {
  expect(clientAddress()(from(remoteAddress))).toBe(key);
  expect(clientAddress({ trustedProxies: ['10.0.0.0/8'] })(from(remoteAddress, '9.9.9.9'))).toBe(
    key,
  );
});

test('a request with no socket has the key of those without an address', () => {
  expect(clientAddress()({ headers: {} })).toBe(NO_ADDRESS);
  expect(clientAddress()({ headers: {}, socket: null })).toBe(NO_ADDRESS);
});

test('without trusted proxies, X-Forwarded-For is not read', () => {
  expect(clientAddress()(from('1.2.3.4', '9.9.9.9'))).toBe('1.2.3.4');
  expect(clientAddress({ trustedProxies: [] })(from('127.0.0.1', '9.9.9.9'))).toBe('127.0.0.1');
});

test('behind a trusted proxy, the key is the client that the proxy names', () => {
  const key = clientAddress({ trustedProxies: ['loopback', 'private'] });
  expect(key(from('::ffff:127.0.0.1', '6.6.6.6, 1.2.3.4, 10.0.0.7'))).toBe('1.2.3.4');
  expect(key(from('127.0.0.1', '[2001:DB8::1:0:0:1]:443'))).toBe('2001:db8::/64');
  expect(key(from('127.0.0.1'))).toBe('127.0.0.1');
});

test('another header can name the client', () => {
  const key = clientAddress({ trustedProxies: ['loopback'], header: 'CF-Connecting-IP' });
  const headers = { 'cf-connecting-ip': '1.2.3.4', 'x-forwarded-for': '9.9.9.9' };
  expect(key({ headers, socket: { remoteAddress: '::1' } })).toBe('1.2.3.4');
});

test('the block of IPv6 addresses that share a key can be smaller or larger', () => {
  const request = from('2001:db8:aaaa:bbbb::1');
  expect(clientAddress({ ipv6PrefixLength: 128 })(request)).toBe('2001:db8:aaaa:bbbb::1/128');
  expect(clientAddress({ ipv6PrefixLength: 48 })(request)).toBe('2001:db8:aaaa::/48');
});

const address = fc.oneof(fc.ipV4(), fc.ipV6());
const hostile = fc.oneof(
  fc.string(),
  fc.array(fc.oneof(address, fc.constantFrom('127.0.0.1', '10.0.0.1', 'x', '')), { maxLength: 40 }),
);

test('a client that is not trusted cannot change its key by any header', () => {
  const key = clientAddress({ trustedProxies: ['203.0.113.7', '2001:db8:ffff::/48'] });
  const untrusted = address.filter((of) => !of.startsWith('203.') && !of.startsWith('2001:'));
  fc.assert(
    fc.property(untrusted, fc.dictionary(fc.string(), hostile), hostile, (of, headers, list) => {
      const socket = { remoteAddress: of };
      const honest = key({ headers: {}, socket });
      expect(key({ headers: { ...headers, 'x-forwarded-for': list }, socket })).toBe(honest);
      expect(clientAddress()({ headers: { ...headers, 'x-forwarded-for': list }, socket })).toBe(
        honest,
      );
    }),
  );
});

test('nor behind a proxy that appends the address it saw', () => {
  const proxy = '203.0.113.7';
  const key = clientAddress({ trustedProxies: [proxy] });
  const client = address.filter((of) => of !== proxy);
  fc.assert(
    fc.property(client, hostile, (of, list) => {
      const sent = typeof list === 'string' ? list : list.join(', ');
      expect(key(from(proxy, `${sent}, ${of}`))).toBe(key(from(of)));
    }),
  );
});

test('it reads a real request of node:http', async () => {
  const trusting = clientAddress({ trustedProxies: ['loopback'] });
  const functions: readonly KeyFunction<IncomingMessage>[] = [clientAddress(), trusting];
  const server = createServer((request, response) => {
    response.end(JSON.stringify(functions.map((key) => key(request))));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const { port } = server.address() as AddressInfo;
    const headers = ['Host', 'a', 'X-Forwarded-For', '6.6.6.6', 'X-Forwarded-For', '1.2.3.4, ::1'];
    const outgoing = send({ port, host: '127.0.0.1', headers, agent: false }).end();
    const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
    const body = (await response.toArray()).join('');
    expect(JSON.parse(body)).toEqual(['127.0.0.1', '1.2.3.4']);
  } finally {
    server.close();
  }
});

test.for<{ options: unknown; says: string }>([
  {
    options: { trustedProxies: ['10.0.0.0/33'] },
    says: 'trustedProxies.0 must be an IP address, a CIDR block such as',
  },
  { options: { trustedProxies: ['10.0.0.0/33'] }, says: 'got "10.0.0.0/33"' },
  {
    options: { trustedProxies: ['loopback', 'nginx', 4] },
    says: 'no host name, port or zone, got "nginx"; trustedProxies.2',
  },
  { options: { trustedProxies: 'loopback' }, says: 'trustedProxies must be an array of addresses' },
  { options: { trustedProxies: ['::1'], header: 'Forwarded' }, says: "not 'forwarded'" },
  { options: { trustedProxies: ['::1'], header: 'a b' }, says: "header must be a header's name" },
  { options: { header: 'x-real-ip' }, says: 'header must be left out unless trustedProxies names' },
  { options: { ipv6PrefixLength: 129 }, says: 'ipv6PrefixLength must be an integer from 1 to 128' },
  { options: { trustProxy: true }, says: 'trustProxy must be left out' },
])('of $options it says: $says', ({ options, says }) => {
  const make = (): unknown => clientAddress(options as ClientAddressOptions);
  expect(make).toThrow(InvalidOptionsError);
  expect(make).toThrow(says);
});

test('the list of proxies is the one given at the start, whatever becomes of the array', () => {
  const trustedProxies = ['127.0.0.1'];
  const key = clientAddress({ trustedProxies });
  trustedProxies[0] = '8.8.8.8';
  expect(key(from('127.0.0.1', '1.2.3.4'))).toBe('1.2.3.4');
});

import { expect, test } from 'vitest';
import { isLoopback } from './loopback.ts';

const here = [
  'http://localhost:8080/',
  'http://LOCALHOST/',
  'http://127.0.0.1/',
  'http://127.1:80/',
  'http://127.8.9.10/',
  'http://0x7f000001/',
  'http://2130706433/',
  'http://0.0.0.0:8080/',
  'https://[::1]:8443/',
  'http://[::]/',
  'http://[::ffff:127.0.0.1]/',
];

const elsewhere = [
  'http://example.com/',
  'http://128.0.0.1/',
  'http://10.0.0.1/',
  'http://192.168.1.1/',
  'http://169.254.169.254/',
  'http://[2001:db8::1]/',
  'http://[::ffff:10.0.0.1]/',
  'http://localhost.example.com/',
  'http://127.0.0.1.example.com/',
  'http://web.localhost/',
];

test.each(here)('%s is this machine', (url) => {
  expect(isLoopback(new URL(url))).toBe(true);
});

test.each(elsewhere)('%s is not known to be this machine', (url) => {
  expect(isLoopback(new URL(url))).toBe(false);
});

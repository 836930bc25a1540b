import type { Program } from './program.ts';

/** One thread that keeps connections on both sides, and uses any of them for any client. */
export const haproxy: Program = {
  command: 'haproxy',
  arguments: (configFile) => ['-db', '-q', '-f', configFile],
  configuration: ({ port, upstreamPort }) => `
global
  nbthread 1
  maxconn 4096
  noreuseport
defaults
  mode http
  http-reuse always
  option forwardfor
  timeout connect 10s
  timeout client 1h
  timeout server 1h
frontend f
  bind 127.0.0.1:${port}
  default_backend b
backend b
  server s 127.0.0.1:${upstreamPort}
`,
};

import type { Program } from '../program.ts';

/** A program that is certainly there: its configuration is what it runs. */
export const script = (configuration: Program['configuration']): Program => ({
  command: process.execPath,
  arguments: (configFile) => [configFile],
  configuration,
});

/** Listens, and keeps a connection to its upstream, which sees by that when it ends. */
export const connected: Program = script(
  ({ port, upstreamPort }) =>
    `const { connect, createServer } = require('node:net');
    connect(${upstreamPort}, '127.0.0.1', () => createServer().listen(${port}, '127.0.0.1'));`,
);

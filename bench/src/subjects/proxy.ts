import type { HttpSubject, ServerContender, Subject } from '../harness/subject.ts';
import { haproxy } from '../http/programs/haproxy.ts';
import { nginx } from '../http/programs/nginx.ts';
import { runProgram, versionOf, type Program } from '../http/programs/program.ts';
import { fastifyHttpProxy } from '../http/servers/http-proxy.ts';
import { nodeHttpUndici } from '../http/servers/node-http-undici.ts';
import { PATH } from '../http/servers/setting.ts';
import { sluiceGuardedProxy, sluiceProxy } from '../http/servers/sluice.ts';

const SMALL = '0123456789'.repeat(10);
const LARGE = '0123456789'.repeat(100_000);

const programs = [nginx, haproxy].map((program) => ({ program, version: versionOf(program) }));
const present = programs.flatMap(({ program, version }) =>
  version === undefined ? [] : [program],
);

const asContender = (program: Program): ServerContender => ({
  name: program.command,
  kind: 'peer',
  listen: (upstreamPort) => runProgram(program, upstreamPort),
});

const contenders: readonly ServerContender[] = [
  { name: 'node:http + undici dispatch', kind: 'floor', listen: nodeHttpUndici },
  { name: 'sluice', kind: 'sluice', listen: sluiceProxy },
  { name: 'sluice, limiter and breaker', kind: 'sluice', listen: sluiceGuardedProxy },
  { name: '@fastify/http-proxy', kind: 'peer', listen: fastifyHttpProxy },
  ...present.map(asContender),
];

const NOTES = [
  ...programs.map(({ program: { command }, version }) =>
    version === undefined
      ? `${command} is not on this machine, or not where it can be measured.`
      : `${command} ${version}: one worker with one thread, its CPU time that of all its processes.`,
  ),
  'The floor only removes what is meant for one connection. nginx and haproxy also append X-Forwarded-For; sluice does what it does by default: deadlines, retries, a breaker and the latency of the target, forwarding headers, metrics.',
  '`core busy` near 1 means that the proxy set the pace. Well below, the client and the upstream did: then it handled fewer requests at a time than it could, and each cost it more.',
];

const proxied: HttpSubject = {
  kind: 'http',
  url: import.meta.url,
  name: 'proxy',
  title: 'Proxying to an upstream',
  operation: 'one GET on a keep-alive connection is answered by the upstream, with 100 bytes',
  path: PATH,
  status: 200,
  body: SMALL,
  upstream: SMALL,
  contenders,
  notes: NOTES,
};

const large: HttpSubject = {
  kind: 'http',
  url: import.meta.url,
  name: 'proxy-large',
  title: 'Proxying to an upstream, large answers',
  operation: 'one GET on a keep-alive connection is answered by the upstream, with 1 MB',
  path: PATH,
  status: 200,
  body: LARGE,
  upstream: LARGE,
  weight: 100,
  contenders,
  notes: NOTES,
};

export const subjects: readonly Subject[] = [proxied, large];

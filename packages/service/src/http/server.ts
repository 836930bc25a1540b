import { createServer, type RequestListener, type Server } from 'node:http';
import type { Socket } from 'node:net';

import { fastify, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';

import type { BodyKind, ResolvedServer } from '../config/index.ts';
import { parseBodiesAs, tooLarge } from './body.ts';
import { BrokenAnswers } from './broken-answers.ts';
import { answerClientError, refuseAmbiguous } from './client-error.ts';
import type { Exchanges } from './exchanges.ts';
import { awaitInvitation, invite } from './expectation.ts';
import type { HttpParts, OperationsRoute } from './parts.ts';
import { isAmbiguous } from './request-shape.ts';
import type { Route } from './route.ts';
import { sendFailure } from './send.ts';
import { answerUnmatched, withHead } from './unmatched.ts';
import { asksForUpgrade, routeUpgrades } from './upgrade.ts';

/** How often connections are looked over for headers and requests that came too slowly, in ms. */
const LOOK_OVER_MS = 1000;

/** Methods whose requests may bring a body. */
const WITH_BODY: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** The HTTP server with its limits, its routes and its answers for whatever goes wrong. */
export function createHttpServer(
  parts: HttpParts,
  operations: readonly OperationsRoute[],
): FastifyInstance {
  const app = newFastify(parts);
  app.setErrorHandler((error, _request, reply) => sendFailure(reply, error, parts));
  for (const operation of operations) addOperation(app, operation, parts);
  for (const kind of ['json', 'text', 'bytes', 'stream'] as const) {
    void app.register(async (scope) => addRoutes(scope, kind, parts));
  }
  answerUnmatched(app, parts, operations);
  return app;
}

function newFastify({ config, routes, exchanges, logger, clock }: HttpParts): FastifyInstance {
  let nextId = 0;
  const run = Math.trunc(clock.wallTimeMs()).toString(36);
  return fastify({
    logger: false,
    bodyLimit: config.maxBodyBytes,
    genReqId: (request) => sentId(request.headers['x-request-id']) ?? `${run}-${nextId++}`,
    serverFactory: (listener) => {
      const upgrades = routes.some((route) => route.config.upstream !== undefined);
      return createNodeServer({ config, exchanges, upgrades }, listener);
    },
    clientErrorHandler: answerClientError,
    frameworkErrors: (error, request, reply) => {
      exchanges.of(reply.raw).request = request;
      sendFailure(reply, error, { exchanges, logger });
    },
    logController: new BrokenAnswers(exchanges, logger),
    return503OnClosing: false,
  });
}

interface NodeServerParts {
  readonly config: ResolvedServer;
  readonly exchanges: Exchanges;
  /** Whether any route takes upgrades. */
  readonly upgrades: boolean;
}

function createNodeServer(
  { config, exchanges, upgrades }: NodeServerParts,
  listener: RequestListener,
): Server {
  const options = {
    maxHeaderSize: config.maxHeaderBytes,
    headersTimeout: config.headersTimeoutMs,
    requestTimeout: config.requestTimeoutMs,
    keepAliveTimeout: config.keepAliveTimeoutMs,
    connectionsCheckingInterval: LOOK_OVER_MS,
    // Where Node asks, from 24.9 on, others stay what they are: requests of HTTP/1.1.
    ...(upgrades ? { shouldUpgradeCallback: asksForUpgrade } : {}),
    // Refused with the other shapes that are wrong, and its connection with it.
    requireHostHeader: false,
  };
  const receive = receiver(exchanges, listener);
  const server = createServer(options, receive);
  if (upgrades) routeUpgrades(server, exchanges, receive);
  // Left to itself, Node invites a body before anybody has decided whether it is wanted.
  server.on('checkContinue', (request, response) => {
    awaitInvitation(response);
    server.emit('request', request, response);
  });
  server.maxConnections = config.maxConnections;
  server.on('connection', (socket) => exchanges.connect(socket));
  return server;
}

/** Keeps account of every request, and hands on those that can be read in one way only. */
function receiver(exchanges: Exchanges, listener: RequestListener): RequestListener {
  /** Connections on which nothing more is read as a request, though Node has parsed it already. */
  const distrusted = new WeakSet<Socket>();
  return (request, response) => {
    if (distrusted.has(request.socket)) return;
    exchanges.begin(request, response);
    if (isAmbiguous(request)) {
      distrusted.add(request.socket);
      refuseAmbiguous(response);
    } else {
      listener(request, response);
    }
  };
}

function addRoutes(scope: FastifyInstance, kind: BodyKind, { routes, endpoints }: HttpParts): void {
  parseBodiesAs(kind, scope);
  for (const route of routes.filter(({ config }) => bodyKindOf(config) === kind)) {
    const { method: methods, path, maxBodyBytes } = route.config;
    for (const method of withHead(methods)) route.countAt(endpoints.add(method, path));
    for (const method of methods) {
      const steps = WITH_BODY.has(method) ? admittedInTwoSteps(route) : atOnce(route);
      scope.route({ method, url: path, bodyLimit: maxBodyBytes, ...steps });
    }
  }
}

/** What is passed on is not read here. */
function bodyKindOf(config: Route['config']): BodyKind {
  return config.upstream === undefined ? config.body : 'stream';
}

const atOnce = (route: Route) => ({
  handler: (request: FastifyRequest, reply: FastifyReply): void => route.answer(request, reply),
});

const admittedInTwoSteps = (route: Route) => ({
  onRequest: (request: FastifyRequest, reply: FastifyReply, next: () => void): void => {
    const refusal = route.refusal(request, reply) ?? tooLarge(request);
    if (refusal) return route.refuse(reply, refusal);
    invite(request.raw, reply.raw);
    // A type that Fastify cannot read is the target's to judge; it gets it as it came.
    if (route.config.upstream !== undefined) delete request.raw.headers['content-type'];
    next();
  },
  handler: (request: FastifyRequest, reply: FastifyReply): void =>
    route.answerAdmitted(request, reply),
});

function addOperation(
  app: FastifyInstance,
  { path, answer }: OperationsRoute,
  parts: HttpParts,
): void {
  const { endpoints, exchanges } = parts;
  const [get, head] = [endpoints.add('GET', path), endpoints.add('HEAD', path)];
  app.get(path, (request, reply) => {
    exchanges.of(reply.raw).endpoint = request.method === 'HEAD' ? head : get;
    const send = async (): Promise<void> => void reply.send(await answer(reply));
    send().catch((error: unknown) => sendFailure(reply, error, parts));
  });
}

/** The id that the client sent, when it is fit for a log line. */
function sentId(header: string | string[] | undefined): string | undefined {
  return typeof header === 'string' && /^[\w.:-]{1,128}$/.test(header) ? header : undefined;
}

import { METHODS } from 'node:http';

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

import { patternOf } from '../config/index.ts';
import { HttpError } from './problem.ts';
import type { HttpParts, OperationsRoute } from './parts.ts';
import { sendFailure } from './send.ts';

type Parts = Pick<HttpParts, 'routes' | 'exchanges' | 'logger'>;
type Answer = (request: FastifyRequest, reply: FastifyReply) => void;

/**
 * Answers what no route takes, before a byte of its body is read: 405 where the path has other
 * methods, with those in Allow, and 404 elsewhere.
 */
export function answerUnmatched(
  app: FastifyInstance,
  parts: Parts,
  operations: readonly OperationsRoute[],
): void {
  const noRoute = refusal(parts, new HttpError(404, 'There is no such route.'));
  // A scope, because hooks are set for a whole scope, and these are for nothing else.
  void app.register(async (scope) => {
    scope.addHook('onRequest', (request, reply, _next) => noRoute(request, reply));
    scope.setNotFoundHandler(noRoute);
  });
  for (const method of METHODS) {
    if (!app.supportedMethods.includes(method)) app.addHttpMethod(method);
  }
  for (const { path, methods } of known(parts, operations)) {
    const allow = [...methods].join(', ');
    const noMethod = refusal(parts, new HttpError(405, `This route answers ${allow}.`), allow);
    app.route({
      method: METHODS.filter((method) => !methods.has(method)),
      url: path,
      onRequest: (request, reply, _next) => noMethod(request, reply),
      handler: noMethod,
    });
  }
}

/** Whoever answers GET answers HEAD. */
export const withHead = (methods: readonly string[]): readonly string[] =>
  methods.includes('GET') && !methods.includes('HEAD') ? [...methods, 'HEAD'] : methods;

interface Known {
  readonly path: string;
  readonly methods: ReadonlySet<string>;
}

/** Every path that is answered, once, whatever its routes call its parameters. */
function known({ routes }: Parts, operations: readonly OperationsRoute[]): Iterable<Known> {
  const byPattern = new Map<string, { path: string; methods: Set<string> }>();
  for (const { path } of operations) {
    byPattern.set(path, { path, methods: new Set(['GET', 'HEAD']) });
  }
  for (const { config } of routes) {
    const pattern = patternOf(config.path);
    const entry = byPattern.get(pattern) ?? { path: config.path, methods: new Set() };
    for (const method of withHead(config.method)) entry.methods.add(method);
    byPattern.set(pattern, entry);
  }
  return byPattern.values();
}

function refusal(parts: Parts, error: HttpError, allow?: string): Answer {
  return (request, reply) => {
    parts.exchanges.of(reply.raw).request = request;
    if (allow !== undefined) reply.header('allow', allow);
    sendFailure(reply, error, parts);
  };
}

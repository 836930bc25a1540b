import type { Clock } from '@sluice/core';
import type { FastifyReply } from 'fastify';
import type { Logger } from 'pino';

import type { ResolvedServer } from '../config/index.ts';
import type { Endpoints } from '../telemetry/index.ts';
import type { Exchanges } from './exchanges.ts';
import type { Route } from './route.ts';

/** What the HTTP server is put together from. */
export interface HttpParts {
  readonly config: ResolvedServer;
  readonly routes: readonly Route[];
  readonly endpoints: Endpoints;
  readonly exchanges: Exchanges;
  readonly logger: Logger;
  readonly clock: Clock;
}

/** A path of the service's own, such as /livez: answered at once, outside every policy. */
export interface OperationsRoute {
  readonly path: string;
  readonly answer: (reply: FastifyReply) => unknown;
}

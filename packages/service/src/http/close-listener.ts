import { Server } from 'node:net';

import type { Clock } from '@sluice/core';

import type { Exchanges } from './exchanges.ts';

/** The longest that is waited for a moment in which nobody connects, in ms. */
const LONGEST_MS = 1000;
/** Turns of the event loop without a connection after which none is waiting. */
const QUIET_TURNS = 2;

export interface ClosingParts {
  readonly server: Server;
  readonly exchanges: Exchanges;
  readonly clock: Clock;
  readonly withinMs: number;
}

/**
 * Closes the listening socket, and no other, when nobody is waiting to be accepted. The kernel connects
 * clients by itself, and Node takes them from it one a turn of its event loop: under load hundreds are
 * waiting, most with a request already sent, and the close of the socket would reset them.
 */
export async function closeListener(parts: ClosingParts): Promise<void> {
  const { server, exchanges, clock } = parts;
  shortenBacklog(server);
  const untilMs = clock.nowMs() + Math.min(LONGEST_MS, parts.withinMs);
  let accepted = exchanges.accepted;
  for (let quiet = 0; quiet < QUIET_TURNS && clock.nowMs() < untilMs;) {
    await exchanges.until(() => false, 1);
    quiet = exchanges.accepted === accepted ? quiet + 1 : 0;
    accepted = exchanges.accepted;
  }
  // Not the close of the HTTP server: that cuts connections that seem idle.
  Server.prototype.close.call(server);
}

/**
 * Lets the kernel connect nobody else while somebody waits, so that the waiting come to an end also
 * when more clients keep coming. Node has no public way to say it; without it some are reset.
 */
function shortenBacklog(server: Server): void {
  const { _handle: handle } = server as { _handle?: { listen?: (backlog: number) => unknown } };
  handle?.listen?.(1);
}

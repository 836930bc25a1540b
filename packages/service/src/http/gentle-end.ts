import type { Socket } from 'node:net';

import type { Clock } from '@sluice/core';

/** How long the rest of a request is taken off the wire behind its answer, in ms. */
const LINGER_MS = 2000;

/**
 * Makes the server end this connection gently. One that is closed while a request is still coming in is
 * reset by the kernel, and the reset may overtake the answer: instead of its 413 or 429 the client sees a
 * broken connection. So only our side is ended then, and what comes is read and dropped for a while.
 * @see https://www.rfc-editor.org/rfc/rfc9112#section-9.6
 */
export function endGently(socket: Socket, isReceiving: () => boolean, clock: Clock): void {
  const endAtOnce = socket.destroySoon.bind(socket);
  // Node's HTTP server calls this, and nothing else, when an answer was the last of its connection.
  socket.destroySoon = () => {
    if (!isReceiving()) return endAtOnce();
    socket.end();
    const cancel = clock.schedule(LINGER_MS, () => socket.destroy(), { keepAlive: false });
    socket.once('close', cancel);
  };
}

import type { IncomingMessage, ServerResponse } from 'node:http';

/**
 * A client that sends `Expect: 100-continue` holds its body back until it is invited to send it. One
 * that is refused instead may send it all the same or not: only the end of the connection makes clear
 * what comes next on it.
 */
export function awaitInvitation(response: ServerResponse): void {
  response.shouldKeepAlive = false;
}

/** Asks for the body, if the client waits for that. */
export function invite(request: IncomingMessage, response: ServerResponse): void {
  if (request.headers.expect === undefined || response.headersSent) return;
  delete request.headers.expect;
  // It waits, so it speaks HTTP/1.1, in which a connection is kept unless one side says otherwise.
  response.shouldKeepAlive = !/\bclose\b/i.test(request.headers.connection ?? '');
  response.writeContinue();
}

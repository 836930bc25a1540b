/** The body of the request is larger than its route accepts. */
export class BodyTooLargeError extends Error {
  override readonly name = 'BodyTooLargeError';
  readonly statusCode = 413;
  readonly expose = true;

  constructor() {
    super('The request body is larger than this route accepts.');
  }
}

/** The client went away before it had sent the whole body: its own doing, and no failure of a target. */
export class ClientLeftError extends Error {
  override readonly name = 'ClientLeftError';
  readonly statusCode = 499;

  constructor() {
    super('The client closed the connection before its request was complete.');
  }
}

/** The client has begun to send a body, or to take an answer, and did not go on. */
export class ClientStalledError extends Error {
  override readonly name = 'ClientStalledError';
  readonly statusCode = 408;
  readonly expose = true;

  constructor(message = 'The request did not arrive in time.') {
    super(message);
  }
}

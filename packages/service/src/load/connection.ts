import { Client, type Dispatcher, type buildConnector } from 'undici';

/** What every request of a run looks like, and how to reach the server. */
export interface Target {
  readonly origin: string;
  readonly request: Dispatcher.DispatchOptions;
  readonly connect: buildConnector.connector;
  /** Ends the sockets that are still connecting, which no client of undici's holds yet. */
  readonly close: () => void;
}

/** Hears once about each request: how it was answered, or why it was not. */
export interface ConnectionOwner {
  answered(connection: Connection, status: number): void;
  failed(connection: Connection, error: Error): void;
}

/**
 * One keep-alive connection with at most one request on it. It opens with the first request, and
 * again with the next one after either side closed it. It handles its own answers, so a request costs
 * no object of ours; bodies are read to their end and thrown away.
 */
export class Connection implements Dispatcher.DispatchHandler {
  readonly #client: Client;
  readonly #request: Dispatcher.DispatchOptions;
  readonly #owner: ConnectionOwner;
  #dueMs = 0;
  #sentMs = 0;
  #status = 0;
  #discarded = false;

  constructor(target: Target, owner: ConnectionOwner) {
    // The time limit on a whole request is the owner's; undici's own are coarse and per phase.
    this.#client = new Client(target.origin, {
      connect: target.connect,
      pipelining: 1,
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    this.#request = target.request;
    this.#owner = owner;
  }

  /** When the request under way, or the last one, was due. */
  get dueMs(): number {
    return this.#dueMs;
  }

  /** When it was sent. */
  get sentMs(): number {
    return this.#sentMs;
  }

  send(dueMs: number, nowMs: number): void {
    this.#dueMs = dueMs;
    this.#sentMs = nowMs;
    this.#client.dispatch(this.#request, this);
  }

  /** Closes at once, and reports nothing about a request still under way. */
  discard(): Promise<void> {
    this.#discarded = true;
    return this.#client.destroy();
  }

  onRequestStart(): void {}

  onResponseStart(_controller: Dispatcher.DispatchController, status: number): void {
    this.#status = status;
  }

  onResponseData(): void {}

  onResponseEnd(): void {
    if (!this.#discarded) this.#owner.answered(this, this.#status);
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    if (!this.#discarded) this.#owner.failed(this, error);
  }
}

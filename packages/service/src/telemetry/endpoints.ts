import { LogLinearHistogram } from '@sluice/core';

/** The status of an exchange whose client left before the answer was out (as nginx logs it). */
export const CLIENT_CLOSED = 499;

/** What is counted about one method on one route's pattern. */
export class Endpoint {
  readonly method: string;
  /** The route's pattern, never a URL: a client cannot add one. */
  readonly pattern: string;
  readonly statuses: Map<number, number> = new Map();
  /** From the arrival of the request to the last byte of the answer, in ms. */
  readonly durations: LogLinearHistogram = new LogLinearHistogram();

  constructor(method: string, pattern: string) {
    this.method = method;
    this.pattern = pattern;
  }

  record(status: number, durationMs: number): void {
    this.statuses.set(status, (this.statuses.get(status) ?? 0) + 1);
    this.durations.record(durationMs);
  }
}

/** The endpoints that the service was configured with, and one for everything else. */
export class Endpoints {
  /** Requests that no route took: one label for all of them, whatever their URL and method. */
  readonly unmatched: Endpoint = new Endpoint('other', 'unmatched');
  readonly #all: Endpoint[] = [this.unmatched];

  add(method: string, pattern: string): Endpoint {
    const endpoint = new Endpoint(method, pattern);
    this.#all.push(endpoint);
    return endpoint;
  }

  get all(): readonly Endpoint[] {
    return this.#all;
  }
}

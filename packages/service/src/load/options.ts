export type ArrivalKind = 'constant' | 'poisson';

/** A run of the load generator. */
export interface LoadOptions {
  /** Where to send, http or https. Only this machine, unless `allowRemote` is true. */
  readonly url: string;
  /**
   * Open loop: requests per second, sent when they are due whether or not earlier ones have come back.
   * Above 0, at most 1,000,000. @default 100, unless `connections` is given
   */
  readonly ratePerSecond?: number;
  /** Closed loop instead: requests kept outstanding, 1 to 100,000. Measures capacity, hides stalls. */
  readonly connections?: number;
  /** How long requests are sent, in ms. Above 0, at most 24 h. @default 10000 */
  readonly durationMs?: number;
  /** Open loop: even spacing, or bursts and gaps as from independent clients. @default 'constant' */
  readonly arrivals?: ArrivalKind;
  /**
   * Open loop: most requests, and so connections, outstanding at once, 1 to 100,000. What is due beyond
   * that is counted as dropped. @default 10000
   */
  readonly maxInFlight?: number;
  /** What a request may take from its sending to the end of its answer, in ms. At most 1 h. @default 10000 */
  readonly timeoutMs?: number;
  /** @default 'GET', and 'POST' when there is a body */
  readonly method?: string;
  /** Names and values. A content-type is not guessed from the body. @default [] */
  readonly headers?: readonly (readonly [name: string, value: string])[];
  readonly body?: string | Uint8Array;
  /** Statuses that count as a success: a list of statuses and classes. @default '2xx,3xx' */
  readonly expectStatus?: string;
  /** Lets the URL name another machine. @default false */
  readonly allowRemote?: boolean;
}

/** Options that have a fixed default. */
type Defaulted =
  | 'ratePerSecond'
  | 'durationMs'
  | 'arrivals'
  | 'maxInFlight'
  | 'timeoutMs'
  | 'expectStatus'
  | 'allowRemote';

export const LOAD_DEFAULTS: Readonly<Required<Pick<LoadOptions, Defaulted>>> = Object.freeze({
  ratePerSecond: 100,
  durationMs: 10_000,
  arrivals: 'constant',
  maxInFlight: 10_000,
  timeoutMs: 10_000,
  expectStatus: '2xx,3xx',
  allowRemote: false,
});

/**
 * Why a connection was ended. `closed`: it died by itself; `unhealthy`: its check failed; `idle`, `lifetime`,
 * `uses`: its time was over; `reset`: it could not be made fit for another; `error`: `use` ended with a fatal
 * error, or `lease.destroy` was given one; `caller`: by `lease.destroy` without; `shrunk`: there were more than `max`; `evicted`: by `evict`; `late`: it
 * came when nobody wanted it any more; `stopped`: the pool stopped.
 */
export type DestroyReason =
  | 'closed'
  | 'unhealthy'
  | 'idle'
  | 'lifetime'
  | 'uses'
  | 'reset'
  | 'error'
  | 'caller'
  | 'shrunk'
  | 'evicted'
  | 'late'
  | 'stopped';

/**
 * At any time: open = idle + leased + busy + closing; created = open + all that was destroyed; and of the
 * calls that came, acquired + timedOut + aborted + refused + pending.
 */
export interface ConnectionPoolStats {
  readonly state: 'running' | 'stopping' | 'stopped';
  readonly min: number;
  readonly max: number;
  /** Connections that exist. */
  readonly open: number;
  /** Those that wait for a caller. */
  readonly idle: number;
  /** Those that a caller holds. */
  readonly leased: number;
  /** Those that are being checked or reset. */
  readonly busy: number;
  /** Those that are being ended, and take a place until they are. */
  readonly closing: number;
  /** Dials under way; they take places, too. */
  readonly creating: number;
  /** Callers who wait. */
  readonly pending: number;
  readonly maxPending: number;
  /** Leases held for longer than `leakDetectionMs`, now. */
  readonly leaking: number;
  /** Since the start: calls that were given a connection. */
  readonly acquired: number;
  /** Calls whose time was over before one was free. */
  readonly timedOut: number;
  /** Calls that their callers ended while they waited. */
  readonly aborted: number;
  /** Calls turned away: too many waited, the pool was stopping, or `tryAcquire` found nothing. */
  readonly refused: number;
  readonly created: number;
  /** Dials that failed, or took too long. */
  readonly createFailed: number;
  readonly destroyed: Readonly<Record<DestroyReason, number>>;
  /** Leases that were reported as held too long. */
  readonly leaks: number;
  /** Times that a hook threw that must not, or that `destroy` rejected or took too long. */
  readonly hookFailures: number;
}

/** What `stop` left undone. All zeros: everybody had given back what he held. */
export interface ConnectionPoolStopResult {
  /** Waiting callers who were refused. */
  readonly refused: number;
  /** Connections that were ended while somebody held them. */
  readonly revoked: number;
}

/** Hooks that have no answer to report an error with. */
export type HookName = 'destroy' | 'watch' | 'isOpen' | 'isFatal';

export interface ConnectionPoolEvents {
  created: { readonly tookMs: number };
  /** A dial failed; the next one is made in `retryInMs`, if anyone wants it then. */
  createFailed: { readonly error: unknown; readonly retryInMs: number };
  /** `error` says what ended it, where that is known. */
  destroyed: {
    readonly reason: DestroyReason;
    readonly error: unknown;
    readonly ageMs: number;
    readonly uses: number;
  };
  /** Somebody holds a lease for longer than `leakDetectionMs`; `stack` says who took it, `leaking` how many such there are. */
  leak: { readonly heldMs: number; readonly stack: string; readonly leaking: number };
  /** A hook threw that must not, or `destroy` rejected or took too long. */
  hookFailed: { readonly hook: HookName; readonly error: unknown };
  stop: ConnectionPoolStopResult;
}

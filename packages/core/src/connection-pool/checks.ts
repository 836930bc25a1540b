import type { CheckKind, Connection } from './connection.ts';

/** Something that the other side, or the way to it, is to blame for. */
export interface Failure {
  readonly error: unknown;
}

/**
 * The checks under way, and what the last one to fail says about connections that nothing has shown to live
 * since it began: the network that swallowed one question may swallow them all, one `hookTimeoutMs` each.
 */
export class Checks<T> {
  readonly #underWay: Record<CheckKind, number> = {
    'counted-on': 0,
    doubtful: 0,
    'keep-alive': 0,
  };
  /** When that check began. */
  #doubtMs = -Infinity;
  #failedMs = -Infinity;
  #error: unknown;

  get underWay(): number {
    return this.forCallers + this.keepingAlive;
  }

  get forCallers(): number {
    return this.countedOn + this.#underWay.doubtful;
  }

  /** Each of them will probably serve somebody who waits. */
  get countedOn(): number {
    return this.#underWay['counted-on'];
  }

  get keepingAlive(): number {
    return this.#underWay['keep-alive'];
  }

  isDoubted(connection: Connection<T>): boolean {
    return connection.aliveMs < this.#doubtMs;
  }

  begin(connection: Connection<T>, isForCaller: boolean): void {
    const forCaller = this.isDoubted(connection) ? 'doubtful' : 'counted-on';
    this.#book(connection, isForCaller ? forCaller : 'keep-alive');
  }

  /** Idempotent. Returns what it was for. */
  end(connection: Connection<T>): CheckKind | undefined {
    const kind = connection.check;
    this.#book(connection, undefined);
    return kind;
  }

  /** A check that began at `beganMs` had an error for an answer, or none; `others` are being checked. */
  failed(error: unknown, beganMs: number, nowMs: number, others: Iterable<Connection<T>>): void {
    this.#error = error;
    this.#failedMs = nowMs;
    this.#doubtMs = Math.max(this.#doubtMs, beganMs);
    for (const other of others) {
      if (other.check === 'counted-on' && this.isDoubted(other)) this.#book(other, 'doubtful');
    }
  }

  /** The other side has answered, or taken a new connection. */
  forgive(): void {
    this.#failedMs = -Infinity;
    this.#error = undefined;
  }

  /** What the last check failed with, if that was since then, and nothing has gone well after it. */
  failureSince(sinceMs: number): Failure | undefined {
    return this.#failedMs >= sinceMs ? { error: this.#error } : undefined;
  }

  #book(connection: Connection<T>, kind: CheckKind | undefined): void {
    if (connection.check !== undefined) this.#underWay[connection.check]--;
    if (kind !== undefined) this.#underWay[kind]++;
    connection.check = kind;
  }
}

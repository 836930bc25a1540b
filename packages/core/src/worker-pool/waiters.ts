/** Those who wait for something to be so. */
export class Waiters {
  #waiting = new Set<() => void>();

  /** Calls `wake` once, next time. Returns the way to take that back. */
  add(wake: () => void): () => void {
    const entry = (): void => wake();
    this.#waiting.add(entry);
    return () => void this.#waiting.delete(entry);
  }

  get any(): boolean {
    return this.#waiting.size > 0;
  }

  wakeAll(): void {
    const waiting = this.#waiting;
    this.#waiting = new Set();
    for (const wake of waiting) wake();
  }
}

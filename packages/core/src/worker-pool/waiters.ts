/** Those who wait for something to be so. */
export class Waiters {
  #waiting = new Set<() => void>();
  /** Whether there are some. A field, as it is asked at the end of every call. */
  any = false;

  /** Calls `wake` once, next time. Returns the way to take that back. */
  add(wake: () => void): () => void {
    const entry = (): void => wake();
    this.#waiting.add(entry);
    this.any = true;
    return () => {
      this.#waiting.delete(entry);
      this.any = this.#waiting.size > 0;
    };
  }

  wakeAll(): void {
    const waiting = this.#waiting;
    this.#waiting = new Set();
    this.any = false;
    for (const wake of waiting) wake();
  }
}

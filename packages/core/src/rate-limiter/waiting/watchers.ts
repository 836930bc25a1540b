/** Those who wait at this limiter and at others at once, and so want to hear when a turn may have moved. */
export class Watchers {
  #watchers: Set<() => void> | undefined;

  /** Calls `watcher` at every `tell` until the returned function is called. */
  add(watcher: () => void): () => void {
    const watchers = (this.#watchers ??= new Set());
    watchers.add(watcher);
    return () => void watchers.delete(watcher);
  }

  tell(): void {
    if (this.#watchers) for (const watcher of this.#watchers) watcher();
  }
}

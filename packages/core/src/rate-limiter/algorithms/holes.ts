/** Permits that were given back though later ones were still taken: up to which mark, and how many. */
interface Hole {
  readonly mark: number;
  readonly n: number;
}

/**
 * What has been given back to a bucket out of order. Those who took later keep the times that they were
 * told, so it cannot be handed out; but once they too have given back, it is as if nothing had been taken.
 * Costs nothing until something is given back out of order. O(holes of the key) a refund.
 */
export class Holes {
  /** By where the slice of the key begins; lowest mark first. */
  #holes: Map<number, Hole[]> | undefined;

  /** @param least up to this mark, permits would have run over the rim */
  add(at: number, hole: Hole, least: number): void {
    this.#holes ??= new Map();
    const kept = (this.#holes.get(at) ?? []).filter(({ mark }) => mark > least);
    const place = kept.findIndex(({ mark }) => mark > hole.mark);
    kept.splice(place < 0 ? kept.length : place, 0, hole);
    this.#holes.set(at, kept);
  }

  /**
   * Takes out the holes that end at `top` or above it: nobody later is left. What is spent at once may be
   * given back in any order, so that `top` may pass a mark. Returns how many permits those were.
   */
  close(at: number, top: number, { least, rounding }: { least: number; rounding: number }): number {
    const holes = this.#holes?.get(at);
    if (holes === undefined) return 0;
    let closed = 0;
    for (let last = holes.at(-1); last; last = holes.at(-1)) {
      const end = top - closed;
      if (last.mark < end - rounding) break;
      holes.pop();
      closed += Math.max(0, Math.min(last.n, last.mark - least));
    }
    if (holes.length === 0) this.clear(at);
    return closed;
  }

  clear(at: number): void {
    this.#holes?.delete(at);
  }
}

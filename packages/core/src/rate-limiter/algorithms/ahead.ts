/**
 * The permits of one key that are reserved for later, in the order of their places: the times at which
 * they are due, or the numbers of their windows. Permits of one place are one run, so that memory is 16
 * bytes a reservation. To append, to look and to let the first go are O(log runs); to insert before
 * others and to remove are O(runs).
 */
export class Ahead {
  /** The place of each run. */
  readonly #places: number[] = [];
  /** Permits up to the end of each run. */
  readonly #ends: number[] = [];
  /** Runs that have gone, and how many permits those were. */
  #gone = 0;
  #gonePermits = 0;

  get permits(): number {
    return (this.#ends.at(-1) ?? 0) - this.#gonePermits;
  }

  /** The first place. Infinity: nothing is reserved. */
  get first(): number {
    return this.#places[this.#gone] ?? Infinity;
  }

  /** The last place. */
  get last(): number {
    return this.#places.at(-1) ?? -Infinity;
  }

  /** The place of the `i`-th permit, from 0. */
  placeOf(i: number): number {
    return this.#places[this.#runAfter(this.#ends, this.#gonePermits + i)] as number;
  }

  /** Permits at `place` or after it. */
  from(place: number): number {
    const run = this.#runAfter(this.#places, place - 0.5);
    return this.permits + this.#gonePermits - this.#endBefore(run);
  }

  add(place: number, n: number): void {
    const run = this.last <= place ? this.#places.length : this.#runAfter(this.#places, place);
    this.#lengthen(run, n);
    if (run > this.#gone && this.#places[run - 1] === place) {
      this.#ends[run - 1] = (this.#ends[run - 1] as number) + n;
    } else {
      this.#places.splice(run, 0, place);
      this.#ends.splice(run, 0, this.#endBefore(run) + n);
    }
  }

  /** Takes out up to `n` permits at `place`. Returns how many. */
  remove(place: number, n: number): number {
    const run = this.#runAfter(this.#places, place) - 1;
    if (run < this.#gone || this.#places[run] !== place) return 0;
    const count = (this.#ends[run] as number) - this.#endBefore(run);
    const removed = Math.min(n, count);
    this.#lengthen(run, -removed);
    if (removed === count) {
      this.#places.splice(run, 1);
      this.#ends.splice(run, 1);
    }
    return removed;
  }

  /** Takes out the run of the first place. Returns its permits. */
  shift(): number {
    const count = (this.#ends[this.#gone] as number) - this.#gonePermits;
    this.#gonePermits += count;
    this.#gone++;
    if (this.#gone * 2 >= this.#places.length) {
      this.#places.splice(0, this.#gone);
      this.#ends.splice(0, this.#gone);
      this.#gone = 0;
      this.#lengthen(0, -this.#gonePermits);
      this.#gonePermits = 0;
    }
    return count;
  }

  #endBefore(run: number): number {
    return run > this.#gone ? (this.#ends[run - 1] as number) : this.#gonePermits;
  }

  #lengthen(fromRun: number, n: number): void {
    const ends = this.#ends;
    for (let run = fromRun; run < ends.length; run++) ends[run] = (ends[run] as number) + n;
  }

  /** The first run whose number is above `limit`. Binary search. */
  #runAfter(numbers: readonly number[], limit: number): number {
    let low = this.#gone;
    let high = numbers.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((numbers[middle] as number) <= limit) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

const RUNNING = 0;
const MOST = 1;
const STARTED = 2;
const ENDED = 3;
const HEARD = 4;
const DOOR = 5;

/**
 * Where jobs and tests meet: counters and a door in shared memory. A test hands `buffer` over as input; the
 * job makes a stage of it.
 */
export class Stage {
  readonly buffer: SharedArrayBuffer;
  readonly #words: Int32Array;

  constructor(buffer: SharedArrayBuffer = new SharedArrayBuffer(64)) {
    this.buffer = buffer;
    this.#words = new Int32Array(buffer);
  }

  /** Jobs that are on it now, and the most that ever were at a time. */
  get running(): number {
    return Atomics.load(this.#words, RUNNING);
  }

  get most(): number {
    return Atomics.load(this.#words, MOST);
  }

  /** Jobs that ever came, that went in good order, and that heard that their calls were ended. */
  get started(): number {
    return Atomics.load(this.#words, STARTED);
  }

  get ended(): number {
    return Atomics.load(this.#words, ENDED);
  }

  get heard(): number {
    return Atomics.load(this.#words, HEARD);
  }

  enter(): void {
    const running = Atomics.add(this.#words, RUNNING, 1) + 1;
    for (let most = this.most; running > most; most = this.most) {
      Atomics.compareExchange(this.#words, MOST, most, running);
    }
    Atomics.add(this.#words, STARTED, 1);
  }

  leave(): void {
    Atomics.sub(this.#words, RUNNING, 1);
    Atomics.add(this.#words, ENDED, 1);
  }

  hear(): void {
    Atomics.add(this.#words, HEARD, 1);
  }

  get isOpen(): boolean {
    return Atomics.load(this.#words, DOOR) !== 0;
  }

  open(): void {
    Atomics.store(this.#words, DOOR, 1);
    Atomics.notify(this.#words, DOOR);
  }

  shut(): void {
    Atomics.store(this.#words, DOOR, 0);
  }

  /** Stops the whole thread until the door is open. */
  waitAtDoor(): void {
    Atomics.wait(this.#words, DOOR, 0);
  }

  /** The same without stopping the thread. */
  async waitBesideDoor(): Promise<void> {
    await Atomics.waitAsync(this.#words, DOOR, 0).value;
  }
}

import { ASLEEP, AWAKE } from './mailbox.ts';

const STATE = 0;
const BELL = 1;

/** Where the main thread sleeps until one of its workers has something for it: one for all of them. */
export class Lobby {
  readonly buffer: SharedArrayBuffer;
  readonly #words: Int32Array;
  #isListening = false;

  constructor(buffer: SharedArrayBuffer = new SharedArrayBuffer(8)) {
    this.buffer = buffer;
    this.#words = new Int32Array(buffer);
  }

  /** From a worker, after it has published something. Costs a look when the main thread is awake. */
  wakeMain(): void {
    if (Atomics.load(this.#words, STATE) !== ASLEEP) return;
    if (Atomics.compareExchange(this.#words, STATE, ASLEEP, AWAKE) !== ASLEEP) return;
    Atomics.add(this.#words, BELL, 1);
    Atomics.notify(this.#words, BELL);
  }

  /**
   * From the main thread: says that it sleeps, has `hasNews` look once more, and calls `onRing` when a
   * worker rings. False: there was news, and it is awake. Does not keep the process alive.
   */
  sleep(hasNews: () => boolean, onRing: () => void): boolean {
    const bell = Atomics.load(this.#words, BELL);
    Atomics.store(this.#words, STATE, ASLEEP);
    if (hasNews()) {
      this.wake();
      return false;
    }
    // It may have slept before, and been woken by something else: then the bell has not rung yet.
    if (this.#isListening) return true;
    const ringing = Atomics.waitAsync(this.#words, BELL, bell);
    if (!ringing.async) return false;
    this.#isListening = true;
    void ringing.value.then(() => {
      this.#isListening = false;
      onRing();
    });
    return true;
  }

  /** Lets go of whoever listens, who would be kept for ever otherwise. */
  close(): void {
    this.wake();
    Atomics.add(this.#words, BELL, 1);
    Atomics.notify(this.#words, BELL);
  }

  /** From the main thread: it is awake for a reason of its own. */
  wake(): void {
    Atomics.store(this.#words, STATE, AWAKE);
  }
}

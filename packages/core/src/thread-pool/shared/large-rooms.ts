import { LARGE_BYTES, LARGE_ROOMS, type Mailbox } from './mailbox.ts';

/**
 * The rooms for large values that go one way. The thread that writes takes one, the thread that reads gives it back;
 * neither waits for the other: with all of them taken, a value goes as a message.
 */
export class LargeRooms {
  readonly bytes: number = LARGE_BYTES;
  readonly #mailbox: Mailbox;
  /** The first word of their states: {@link INPUT_ROOMS} or {@link RESULT_ROOMS}. */
  readonly #way: number;

  constructor(mailbox: Mailbox, way: number) {
    this.#mailbox = mailbox;
    this.#way = way;
  }

  /** A room that nobody has, taken; -1 when there is none. The lowest first, as it is still in the cache. */
  take(): number {
    const { words } = this.#mailbox;
    for (let room = 0; room < LARGE_ROOMS; room++) {
      if (Atomics.load(words, this.#way + room) !== 0) continue;
      Atomics.store(words, this.#way + room, 1);
      return room;
    }
    return -1;
  }

  giveBack(room: number): void {
    Atomics.store(this.#mailbox.words, this.#way + room, 0);
  }

  /** Where it begins, in bytes of the mailbox. */
  start(room: number): number {
    return this.#mailbox.largeRoom(this.#way, room);
  }
}

import { NOT_ENCODED, ValueReader, ValueWriter } from '../codec/index.ts';
import { LargeRooms } from './large-rooms.ts';
import {
  CODED,
  CODED_LARGE,
  FALSE,
  INPUT_ROOMS,
  NULL,
  NUMBER,
  PAYLOAD_BYTES,
  POSTED,
  RESULT_ROOMS,
  TRUE,
  UNDEFINED,
  type Mailbox,
} from './mailbox.ts';

const KIND_BITS = 15;

/** Values in and out of slots. One direction each way: what one thread writes, the other one reads. */
export class SlotValues {
  readonly #mailbox: Mailbox;
  readonly #writer: ValueWriter;
  readonly #reader: ValueReader;
  readonly #written: LargeRooms;
  readonly #read: LargeRooms;

  /**
   * @param side whether this thread writes inputs and reads results, or the other way round
   * @param shapes tables of the shapes of objects, for inputs and for results
   */
  constructor(
    side: 'main' | 'worker',
    mailbox: Mailbox,
    shapes: { readonly inputs: SharedArrayBuffer; readonly results: SharedArrayBuffer },
  ) {
    const inputs = new LargeRooms(mailbox, INPUT_ROOMS);
    const results = new LargeRooms(mailbox, RESULT_ROOMS);
    const isMain = side === 'main';
    this.#mailbox = mailbox;
    this.#writer = new ValueWriter(mailbox.buffer, isMain ? shapes.inputs : shapes.results);
    this.#reader = new ValueReader(mailbox.buffer, isMain ? shapes.results : shapes.inputs);
    this.#written = isMain ? inputs : results;
    this.#read = isMain ? results : inputs;
  }

  /** Writes `value`, with `flags` beside its kind. False: it must go as a message, and nothing is written. */
  write(slot: number, value: unknown, flags = 0): boolean {
    const mailbox = this.#mailbox;
    let kind = inlineKind(value);
    if (kind === NUMBER) mailbox.setValue(slot, value as number);
    else if (kind === CODED) {
      const from = mailbox.payload(slot);
      const used = this.#writer.encode(value, from, from + PAYLOAD_BYTES);
      if (used !== NOT_ENCODED) mailbox.setLength(slot, used);
      else if (this.#writer.wantsRoom && this.#writeLarge(slot, value)) kind = CODED_LARGE;
      else return false;
    }
    mailbox.setKind(slot, kind | flags);
    return true;
  }

  #writeLarge(slot: number, value: unknown): boolean {
    const rooms = this.#written;
    const room = rooms.take();
    if (room === -1) return false;
    const from = rooms.start(room);
    const used = this.#writer.encode(value, from, from + rooms.bytes);
    if (used === NOT_ENCODED) {
      rooms.giveBack(room);
      return false;
    }
    this.#mailbox.setLength(slot, used);
    this.#mailbox.setValue(slot, room);
    return true;
  }

  #readLarge(slot: number): unknown {
    const room = this.#mailbox.value(slot);
    try {
      return this.#reader.decode(this.#read.start(room), this.#mailbox.length(slot));
    } finally {
      this.#read.giveBack(room);
    }
  }

  /** Gives up a value that nobody will read. */
  discard(slot: number): void {
    if ((this.#mailbox.kind(slot) & KIND_BITS) !== CODED_LARGE) return;
    this.#read.giveBack(this.#mailbox.value(slot));
  }

  /** Says that the value is in a message. */
  writePosted(slot: number, flags = 0): void {
    this.#mailbox.setKind(slot, POSTED | flags);
  }

  isPosted(slot: number): boolean {
    return (this.#mailbox.kind(slot) & KIND_BITS) === POSTED;
  }

  /** The value, once. */
  read(slot: number): unknown {
    const mailbox = this.#mailbox;
    switch (mailbox.kind(slot) & KIND_BITS) {
      case NUMBER:
        return mailbox.value(slot);
      case CODED:
        return this.#reader.decode(mailbox.payload(slot), mailbox.length(slot));
      case CODED_LARGE:
        return this.#readLarge(slot);
      case TRUE:
        return true;
      case FALSE:
        return false;
      case NULL:
        return null;
      default:
        return undefined;
    }
  }
}

function inlineKind(value: unknown): number {
  switch (typeof value) {
    case 'number':
      return NUMBER;
    case 'undefined':
      return UNDEFINED;
    case 'boolean':
      return value ? TRUE : FALSE;
    default:
      return value === null ? NULL : CODED;
  }
}

import { NOT_ENCODED, ValueReader, ValueWriter } from '../codec/index.ts';
import {
  CODED,
  FALSE,
  NULL,
  NUMBER,
  PAYLOAD_BYTES,
  POSTED,
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

  /** @param shapes tables of the shapes of objects, for what this thread writes and for what it reads */
  constructor(mailbox: Mailbox, shapes: { written: SharedArrayBuffer; read: SharedArrayBuffer }) {
    this.#mailbox = mailbox;
    this.#writer = new ValueWriter(mailbox.buffer, shapes.written);
    this.#reader = new ValueReader(mailbox.buffer, shapes.read);
  }

  /** Writes `value`, with `flags` beside its kind. False: it must go as a message, and nothing is written. */
  write(slot: number, value: unknown, flags = 0): boolean {
    const mailbox = this.#mailbox;
    const kind = inlineKind(value);
    if (kind === NUMBER) mailbox.setValue(slot, value as number);
    else if (kind === CODED) {
      const from = mailbox.payload(slot);
      const used = this.#writer.encode(value, from, from + PAYLOAD_BYTES);
      if (used === NOT_ENCODED) return false;
      mailbox.setLength(slot, used);
    }
    mailbox.setKind(slot, kind | flags);
    return true;
  }

  /** Says that the value is in a message. */
  writePosted(slot: number, flags = 0): void {
    this.#mailbox.setKind(slot, POSTED | flags);
  }

  isPosted(slot: number): boolean {
    return (this.#mailbox.kind(slot) & KIND_BITS) === POSTED;
  }

  read(slot: number): unknown {
    const mailbox = this.#mailbox;
    switch (mailbox.kind(slot) & KIND_BITS) {
      case NUMBER:
        return mailbox.value(slot);
      case CODED:
        return this.#reader.decode(mailbox.payload(slot), mailbox.length(slot));
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

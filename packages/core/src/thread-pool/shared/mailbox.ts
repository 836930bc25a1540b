/**
 * The memory that the main thread shares with one worker: two rings of slot numbers, and the slots.
 *
 * A task lives in one slot from its hand-over to its result. The main thread writes the input into the
 * slot and the slot's number into the request ring; the worker claims the slot, and in the end writes
 * the result into the same slot and its number into the result ring. Between the two, whoever changes the
 * slot's state by a compare-and-exchange has it: so the main thread can take back what has not begun.
 *
 * Each side sleeps on a bell: it says that it is asleep, looks once more, and only then sleeps; the other
 * side publishes, and only then looks whether it sleeps. As all of it is sequentially consistent (Atomics),
 * one of the two always sees the other.
 */

/** Tasks that one worker can hold, begun or not. A power of two. */
export const SLOTS = 1024;

/** Bytes of a slot for what does not fit inline. Only pages that are used take memory. */
export const PAYLOAD_BYTES = 4096;

/** Rooms for values that are larger than that, each way, and their bytes. */
export const LARGE_ROOMS = 32;
export const LARGE_BYTES: number = 68 * 1024;

/** Words of control data, by 64 bytes, so that what different threads write stays on different cache lines. */
export const REQUEST_TAIL = 0;
export const REQUEST_HEAD = 16;
export const RESULT_TAIL = 32;
/** What the worker is doing: {@link AWAKE} or {@link ASLEEP}. */
export const WORKER_STATE = 48;
export const WORKER_BELL = 49;
/** Counts requests to end a running task, so that the worker looks only when there is one. */
export const CANCELS = 50;
/** Which of the large rooms are taken: those for inputs, and those for results. */
export const INPUT_ROOMS = 128;
export const RESULT_ROOMS = 192;
const CONTROL_WORDS = 256;
/** The worker's own counts, as 64-bit numbers: CPU time in ms, busy time in ms, bytes of heap in use. */
export const CPU_MS = 32;
export const BUSY_MS = 33;
export const HEAP_BYTES = 34;
/** Since when it has been busy, on the main thread's clock, in ms; NaN while it is not. */
export const BUSY_SINCE_MS = 35;

export const AWAKE = 0;
export const ASLEEP = 1;

const REQUEST_RING = CONTROL_WORDS;
const RESULT_RING = REQUEST_RING + SLOTS;
const FIRST_SLOT = RESULT_RING + SLOTS;
const SLOT_WORDS = 16;
const PAYLOADS = (FIRST_SLOT + SLOTS * SLOT_WORDS) * 4;
const LARGE = PAYLOADS + SLOTS * PAYLOAD_BYTES;
const BYTES = LARGE + 2 * LARGE_ROOMS * LARGE_BYTES;

/** States of a slot that is in use. */
export const READY = 1;
export const CLAIMED = 2;
export const DONE = 3;
export const TAKEN_BACK = 4;

/** What a slot holds: the value inline, coded in the payload or in a large room, or in a message on the port. */
export const UNDEFINED = 0;
export const NULL = 1;
export const FALSE = 2;
export const TRUE = 3;
export const NUMBER = 4;
export const CODED = 5;
export const POSTED = 6;
export const CODED_LARGE = 7;
/** A bit beside these: the value is `[input, extras]`, or an error instead of a result. */
export const WITH_EXTRAS = 16;
export const FAILED = 32;
/** It never began: its deadline had passed when its turn came. */
export const EXPIRED = 64;

/** The words of a slot, from its first. */
const STATE = 0;
const JOB = 1;
const KIND = 2;
const LENGTH = 3;
/** Counts the tasks of the slot, so that a message on the port finds its own. */
const SERIAL = 4;
const CANCELLED = 5;
/** 64-bit numbers of a slot, from its first word. */
const VALUE = 4;
const START_MS = 5;
const RUN_MS = 6;

/** Views on the memory; each thread makes its own. Slots are numbered from 0. */
export class Mailbox {
  readonly buffer: SharedArrayBuffer;
  readonly words: Int32Array;
  readonly numbers: Float64Array;

  constructor(buffer: SharedArrayBuffer = new SharedArrayBuffer(BYTES)) {
    this.buffer = buffer;
    this.words = new Int32Array(buffer, 0, PAYLOADS / 4);
    this.numbers = new Float64Array(buffer, 0, PAYLOADS / 8);
  }

  request(position: number): number {
    return this.words[REQUEST_RING + (position & (SLOTS - 1))] as number;
  }

  setRequest(position: number, slot: number): void {
    this.words[REQUEST_RING + (position & (SLOTS - 1))] = slot;
  }

  result(position: number): number {
    return this.words[RESULT_RING + (position & (SLOTS - 1))] as number;
  }

  setResult(position: number, slot: number): void {
    this.words[RESULT_RING + (position & (SLOTS - 1))] = slot;
  }

  state(slot: number): number {
    return Atomics.load(this.words, FIRST_SLOT + slot * SLOT_WORDS + STATE);
  }

  setState(slot: number, state: number): void {
    Atomics.store(this.words, FIRST_SLOT + slot * SLOT_WORDS + STATE, state);
  }

  /** Whether the slot was in state `from`, and is in `to` now. */
  exchange(slot: number, from: number, to: number): boolean {
    const at = FIRST_SLOT + slot * SLOT_WORDS + STATE;
    return Atomics.compareExchange(this.words, at, from, to) === from;
  }

  job(slot: number): number {
    return this.words[FIRST_SLOT + slot * SLOT_WORDS + JOB] as number;
  }

  setJob(slot: number, job: number): void {
    this.words[FIRST_SLOT + slot * SLOT_WORDS + JOB] = job;
  }

  kind(slot: number): number {
    return this.words[FIRST_SLOT + slot * SLOT_WORDS + KIND] as number;
  }

  setKind(slot: number, kind: number): void {
    this.words[FIRST_SLOT + slot * SLOT_WORDS + KIND] = kind;
  }

  length(slot: number): number {
    return this.words[FIRST_SLOT + slot * SLOT_WORDS + LENGTH] as number;
  }

  setLength(slot: number, bytes: number): void {
    this.words[FIRST_SLOT + slot * SLOT_WORDS + LENGTH] = bytes;
  }

  serial(slot: number): number {
    return this.words[FIRST_SLOT + slot * SLOT_WORDS + SERIAL] as number;
  }

  setSerial(slot: number, serial: number): void {
    this.words[FIRST_SLOT + slot * SLOT_WORDS + SERIAL] = serial;
  }

  isCancelled(slot: number): boolean {
    return Atomics.load(this.words, FIRST_SLOT + slot * SLOT_WORDS + CANCELLED) !== 0;
  }

  setCancelled(slot: number, isCancelled: boolean): void {
    Atomics.store(this.words, FIRST_SLOT + slot * SLOT_WORDS + CANCELLED, isCancelled ? 1 : 0);
  }

  value(slot: number): number {
    return this.numbers[(FIRST_SLOT + slot * SLOT_WORDS) / 2 + VALUE] as number;
  }

  setValue(slot: number, value: number): void {
    this.numbers[(FIRST_SLOT + slot * SLOT_WORDS) / 2 + VALUE] = value;
  }

  /** When the task began, on the main thread's clock, in ms; NaN before. */
  startMs(slot: number): number {
    return this.numbers[(FIRST_SLOT + slot * SLOT_WORDS) / 2 + START_MS] as number;
  }

  setStartMs(slot: number, ms: number): void {
    this.numbers[(FIRST_SLOT + slot * SLOT_WORDS) / 2 + START_MS] = ms;
  }

  runMs(slot: number): number {
    return this.numbers[(FIRST_SLOT + slot * SLOT_WORDS) / 2 + RUN_MS] as number;
  }

  setRunMs(slot: number, ms: number): void {
    this.numbers[(FIRST_SLOT + slot * SLOT_WORDS) / 2 + RUN_MS] = ms;
  }

  /** Where the payload of a slot begins, in bytes of the buffer. */
  payload(slot: number): number {
    return PAYLOADS + slot * PAYLOAD_BYTES;
  }

  /** Where a large room begins, in bytes of the buffer. `rooms` says which way. */
  largeRoom(rooms: number, room: number): number {
    const first = rooms === INPUT_ROOMS ? 0 : LARGE_ROOMS;
    return LARGE + (first + room) * LARGE_BYTES;
  }
}

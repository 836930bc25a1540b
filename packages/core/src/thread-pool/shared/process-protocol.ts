import type { Crossing } from './crossing.ts';
import type { CommonSetup, JobDefinition } from './protocol.ts';

/** Tasks that one process may hold. A power of two: the low bits of a task's number are its slot. */
export const PROCESS_SLOTS = 1024;

/** The pipe beside the channel, as both sides know it: see `worker/lifeline.ts`. */
export const LIFELINE_FD = 4;

/** To a process, on its channel. */
export type ProcessMessage =
  | { readonly kind: 'setup'; readonly setup: CommonSetup }
  | { readonly kind: 'define'; readonly definition: JobDefinition }
  | RunMessage
  | { readonly kind: 'stop' };

export interface RunMessage {
  readonly kind: 'run';
  /** Never 0, and not used again for millions of tasks. */
  readonly number: number;
  readonly job: number;
  /** The input, or `[input, extras]`. */
  readonly value: Crossing;
  readonly hasExtras: boolean;
}

/** From a process, on its channel. */
export type ProcessNews =
  | { readonly kind: 'ready'; readonly exports: readonly string[]; readonly use: ProcessUse }
  | { readonly kind: 'failed'; readonly error: Crossing }
  | ResultNews;

export interface ResultNews {
  readonly kind: 'result';
  readonly number: number;
  /** `expired`: its deadline had passed before it began. */
  readonly way: 'result' | 'failure' | 'expired';
  readonly value: Crossing;
  /** When the task began, on the pool's clock. */
  readonly startMs: number;
  readonly runMs: number;
  /** Now and then. */
  readonly use: ProcessUse | undefined;
}

export interface ProcessUse {
  /** CPU time of the process since it began, in ms. */
  readonly cpuMs: number;
  readonly heapBytes: number;
}

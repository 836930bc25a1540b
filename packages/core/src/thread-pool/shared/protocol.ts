import type { MessagePort } from 'node:worker_threads';

/** What any worker is told at its start. */
export interface CommonSetup {
  readonly name: string;
  /** URL of the module of jobs. */
  readonly module: string | undefined;
  readonly jobs: readonly JobDefinition[];
  /** Tasks that it may run at the same time. */
  readonly concurrency: number;
  /** What to add to the machine's monotonic clock, in ms, to get the time on the pool's. */
  readonly clockOffsetMs: number;
}

/** What a thread is told at its start. */
export interface WorkerSetup extends CommonSetup {
  readonly mailbox: SharedArrayBuffer;
  readonly lobby: SharedArrayBuffer;
  /** Tables of the shapes of objects: those of inputs, and those of results. */
  readonly inputShapes: SharedArrayBuffer;
  readonly resultShapes: SharedArrayBuffer;
  readonly port: MessagePort;
  /** How long a worker without work looks for more before it sleeps, in ms. */
  readonly spinMs: number;
}

/** A job by the number that tasks name it by. */
export interface JobDefinition {
  readonly id: number;
  readonly name: string;
  /** Source of an inline function; undefined for one that the module exports. */
  readonly source: string | undefined;
}

/** On the port to the worker: in the order in which the slots that need them are published. */
export type PortMessage =
  | { readonly define: JobDefinition }
  | { readonly serial: number; readonly value: unknown };

/** On the port from the worker. */
export interface PostedResult {
  readonly serial: number;
  readonly value: unknown;
}

/** What a worker says of itself, apart from its results. */
export type WorkerNews =
  | { readonly kind: 'ready'; readonly exports: readonly string[] }
  | { readonly kind: 'failed'; readonly error: unknown };

/** What comes beside the input of a task that has it. */
export interface TaskExtras {
  /** When the deadline is, on the main thread's clock. */
  readonly deadlineAtMs?: number;
  readonly key?: string;
  readonly attempt?: number;
  /** What `carry` answered when the task was submitted. */
  readonly carried?: unknown;
}

/** A request to the worker to end by itself. */
export const STOP = 'stop';

import { Socket } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../../core/clock.ts';
import { LIFELINE_FD, PROCESS_SLOTS } from '../shared/process-protocol.ts';

/** How long the process may take to end by itself once its pool is gone, in ms. */
const LAST_WORDS_MS = 1000;

const BYTES = 4;

const ended = new Int32Array(workerData as SharedArrayBuffer);
const line = new Socket({ fd: LIFELINE_FD });
let rest = Buffer.alloc(0);

line.on('data', (chunk) => {
  const bytes = Buffer.concat([rest, chunk]);
  let at = 0;
  for (; at + BYTES <= bytes.length; at += BYTES) {
    const number = bytes.readInt32LE(at);
    Atomics.store(ended, number % PROCESS_SLOTS, number);
    parentPort?.postMessage(number);
  }
  rest = bytes.subarray(at);
});
line.on('error', () => undefined);
line.on('close', () => {
  systemClock.schedule(LAST_WORDS_MS, () => process.kill(process.pid, 'SIGKILL'));
});

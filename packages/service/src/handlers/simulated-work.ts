import type { Clock } from '@sluice/core';

import type { Handler } from '../http/index.ts';
import { toMicros } from './to-micros.ts';

/** Waits for `options.durationMs` and answers: stands for a call to something slow. Ends when its request does. */
export const simulatedWork =
  (clock: Clock): Handler =>
  async ({ options, signal, waitedMs }) => {
    const durationMs = Number(options['durationMs']);
    await pause(clock, durationMs, signal);
    return { status: 'done', waitedMs: toMicros(waitedMs), workedMs: durationMs };
  };

function pause(clock: Clock, durationMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (): void => {
      cancel();
      reject(signal.reason as Error);
    };
    const cancel = clock.schedule(durationMs, () => {
      signal.removeEventListener('abort', end);
      resolve();
    });
    signal.addEventListener('abort', end, { once: true });
  });
}

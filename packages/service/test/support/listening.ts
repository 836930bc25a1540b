import { setImmediate as turn } from 'node:timers/promises';

import type { Clock } from '@sluice/core';
import { ManualClock } from '@sluice/core/testing';
import { pino } from 'pino';
import { onTestFinished } from 'vitest';

import { createService } from '../../src/index.ts';
import type { Handler, Service, ServiceConfig, ServiceOptions } from '../../src/index.ts';

export interface Listening {
  readonly service: Service;
  readonly url: string;
  readonly port: number;
  /** What it has logged. */
  readonly log: readonly Record<string, unknown>[];
}

/** A service in this process, on a free port of this machine; it is stopped when the test is over. */
export async function listening(
  config: ServiceConfig<Handler>,
  options: ServiceOptions = {},
): Promise<Listening> {
  const log: Record<string, unknown>[] = [];
  const write = (line: string): void => void log.push(JSON.parse(line) as never);
  const service = createService(
    { ...config, server: { host: '127.0.0.1', port: 0, ...config.server } },
    { logger: pino({ base: null }, { write }), ...options },
  );
  onTestFinished(() => stop(service, options.clock));
  const url = await service.start();
  return { service, url, port: Number(new URL(url).port), log };
}

/** Stops the service; a clock that stands still is moved on for as long as that takes. */
async function stop(service: Service, clock: Clock | undefined): Promise<void> {
  const stopping = service.stop();
  while (service.state !== 'stopped') {
    if (clock instanceof ManualClock) clock.advance(10);
    await turn();
  }
  await stopping;
}

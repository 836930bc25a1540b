import { inspect } from 'node:util';

/** Reports an error that belongs to nobody's promise, without ending the process. */
export function warn(error: unknown): void {
  process.emitWarning(
    error instanceof Error ? error : new Error(typeof error === 'string' ? error : inspect(error)),
  );
}

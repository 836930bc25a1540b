import { setTimeout as pause } from 'node:timers/promises';

const LONGEST_MS = 20_000;

/** Resolves as soon as `condition` holds; rejects with what was waited for when it does not in 20 s. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
): Promise<void> {
  const endMs = performance.now() + LONGEST_MS;
  while (!(await condition())) {
    if (performance.now() > endMs) throw new Error(`waited in vain until ${what}`);
    await pause(2);
  }
}

import type { Clock } from '../../core/index.ts';

/** How much one key has used. */
export interface KeyUse {
  readonly key: string;
  /** Permits taken since the key was last new. */
  readonly used: number;
  /** Whole permits that it could take now. */
  readonly available: number;
  /** How long it is still blocked, in ms; 0: it is not. */
  readonly blockedMs: number;
  readonly plan: string | undefined;
}

const LOOKED_AT = 1000;

/** @param look what there is to say of the key of a slot */
export async function topKeys(
  slots: Iterable<number>,
  n: number,
  { clock, look }: { clock: Clock; look: (slot: number) => KeyUse },
): Promise<readonly KeyUse[]> {
  if (!Number.isInteger(n) || n < 1 || n > 1000) {
    throw new RangeError(`top: the number of keys must be an integer from 1 to 1000, got ${n}`);
  }
  let top: KeyUse[] = [];
  let batch: KeyUse[] = [];
  let seen = 0;
  for (const slot of slots) {
    const use = look(slot);
    if (top.length < n || use.used > (top.at(-1) as KeyUse).used) batch.push(use);
    if (++seen % LOOKED_AT !== 0) continue;
    [top, batch] = [best(top, batch, n), []];
    await new Promise<void>((resolve) => clock.schedule(0, resolve));
  }
  return best(top, batch, n);
}

function best(top: readonly KeyUse[], more: readonly KeyUse[], n: number): KeyUse[] {
  return [...top, ...more].toSorted((a, b) => b.used - a.used).slice(0, n);
}

import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

export interface TunnelEnds {
  readonly client: Duplex;
  readonly target: Duplex;
  /** Longest silence both ways, in ms. */
  readonly idleTimeoutMs: number;
}

/**
 * Joins two connections after an upgrade: what comes on one goes out on the other, at the pace of the
 * slower, until one of them ends. Then, or after too long a silence, both are closed and `onClose` is called
 * once. Returns what cuts it.
 */
export function tunnel(
  { client, target, idleTimeoutMs }: TunnelEnds,
  onClose: () => void,
): () => void {
  let open = 2;
  const cut = (): void => {
    client.destroy();
    target.destroy();
  };
  const join = (from: Duplex, to: Duplex): void => {
    from.pipe(to);
    // A broken connection closes, and that is all there is to say about it.
    from.on('error', () => undefined);
    from.once('close', () => {
      // What is still on its way to the other side arrives before its end.
      if (from.readableEnded) endSoon(to);
      else to.destroy();
      open--;
      if (open === 0) onClose();
    });
  };
  join(client, target);
  join(target, client);
  // Traffic either way touches both connections, so that one of them can keep the time.
  if (target instanceof Socket) target.setTimeout(idleTimeoutMs, cut);
  if (client.destroyed || target.destroyed) cut();
  return cut;
}

function endSoon(end: Duplex): void {
  if (end instanceof Socket) end.destroySoon();
  else end.end();
}

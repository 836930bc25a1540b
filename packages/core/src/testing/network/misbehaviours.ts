import { systemRandom, type Random } from '../../core/index.ts';
import { answerOne, answerTo, type Exchange, type Script } from './script.ts';

/*
 * The ways in which servers fail, each about one connection, so that `inTurn` can put several together. A
 * script that exchanges requests and answers takes an Exchange: an echo of lines unless told otherwise, or
 * HTTP with `...http()`.
 */

/** Does nothing wrong: an answer to each request, for as long as the client likes. */
export function none(exchange: Exchange = {}): Script {
  return async (peer) => {
    for (;;) await answerOne(peer, exchange);
  };
}

/** Accepts, reads, and says nothing. */
export function silent(): Script {
  return () => undefined;
}

/** Accepts and reads nothing, so that a client that sends much has to wait for ever. */
export function deaf(): Script {
  return (peer) => peer.deafen();
}

/** Resets the connection as soon as it is accepted, or once it has read `afterBytes`. */
export function resets({ afterBytes = 0 }: { readonly afterBytes?: number } = {}): Script {
  return async (peer) => {
    if (afterBytes > 0) await peer.bytes(afterBytes);
    peer.reset();
  };
}

/** Sends its FIN after `afterUses` answers, and goes on reading. */
export function halfCloses({
  afterUses = 0,
  ...exchange
}: Exchange & { readonly afterUses?: number } = {}): Script {
  return async (peer) => {
    for (let use = 0; use < afterUses; use++) await answerOne(peer, exchange);
    peer.end();
  };
}

/** Waits `delayMs` before each answer. */
export function slow({ delayMs, ...exchange }: Exchange & { readonly delayMs: number }): Script {
  return async (peer) => {
    for (;;) {
      const answer = await answerTo(peer, exchange);
      await peer.sleep(delayMs);
      peer.write(answer);
    }
  };
}

/** Sends its answers `bytes` at a time, `everyMs`. */
export function drips({
  everyMs,
  bytes = 1,
  ...exchange
}: Exchange & { readonly everyMs: number; readonly bytes?: number }): Script {
  return async (peer) => {
    for (;;) {
      const answer = Buffer.from(await answerTo(peer, exchange));
      for (let from = 0; from < answer.length; from += bytes) {
        if (from > 0) await peer.sleep(everyMs);
        peer.write(answer.subarray(from, from + bytes));
      }
    }
  };
}

/** Ends the connection right after `afterUses` answers: closes or resets it. */
export function closes({
  afterUses,
  by = 'close',
  ...exchange
}: Exchange & { readonly afterUses: number; readonly by?: 'close' | 'reset' }): Script {
  return async (peer) => {
    for (let use = 0; use < afterUses; use++) await answerOne(peer, exchange);
    peer[by]();
  };
}

/** Sends `bytes` of its answer, then closes or resets the connection. */
export function cuts({
  bytes,
  by = 'close',
  ...exchange
}: Exchange & { readonly bytes: number; readonly by?: 'close' | 'reset' }): Script {
  return async (peer) => {
    const answer = Buffer.from(await answerTo(peer, exchange));
    peer.write(answer.subarray(0, bytes));
    peer[by]();
  };
}

/** Answers each request with `bytes` of noise. */
export function garbage({
  bytes = 64,
  random = systemRandom,
  ...exchange
}: Exchange & { readonly bytes?: number; readonly random?: Random } = {}): Script {
  const noise = (): Buffer =>
    Buffer.from(Array.from({ length: bytes }, () => Math.floor(random.next() * 256)));
  return none({ ...exchange, answer: noise });
}

/** Sends `data` that nobody asked for, when the connection has been idle for `afterMs`; else it answers. */
export function unsolicited({
  data,
  afterMs = 0,
  ...exchange
}: Exchange & { readonly data: string | Uint8Array; readonly afterMs?: number }): Script {
  return async (peer) => {
    for (;;) {
      const cancel = peer.later(afterMs, () => peer.write(data));
      const answer = await answerTo(peer, exchange);
      cancel();
      peer.write(answer);
    }
  };
}

/** The first connection gets the first script, the second the second; the last one serves all others. */
export function inTurn(...scripts: readonly [Script, ...Script[]]): Script {
  return (peer) => scripts[Math.min(peer.index, scripts.length - 1)]?.(peer);
}

import type { Socket } from 'node:net';

/**
 * Sends a line and reads the answer, without its end. Rejects when the connection ends before, or with the
 * reason of the signal. Leaves no listener behind.
 */
export async function ask(socket: Socket, line: string, signal?: AbortSignal): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let heard = '';
  const onData = (data: Buffer): void => {
    heard += data.toString('latin1');
    if (heard.endsWith('\n')) resolve(heard.slice(0, -1));
  };
  const onEnd = (): void => reject(new Error(`the connection ended after "${heard}"`));
  const onAbort = (): void => reject(signal?.reason as Error);
  socket.on('data', onData).on('end', onEnd).on('close', onEnd).on('error', reject);
  signal?.addEventListener('abort', onAbort);
  if (signal?.aborted === true) onAbort();
  if (socket.destroyed) onEnd();
  else socket.write(`${line}\n`);
  try {
    return await promise;
  } finally {
    signal?.removeEventListener('abort', onAbort);
    socket.off('data', onData).off('end', onEnd).off('close', onEnd).off('error', reject);
  }
}

/** Whether the other side still answers. */
export async function ping(socket: Socket, signal: AbortSignal): Promise<boolean> {
  return (await ask(socket, 'ping', signal)) === 'ping';
}

import { existsSync } from 'node:fs';

/*
 * A module that no worker can load, or whose workers never get ready, as the query of its URL says, until
 * the file that it names is there.
 */

const { searchParams } = new URL(import.meta.url);
const mended = searchParams.get('mended');
const way = mended !== null && existsSync(mended) ? 'none' : searchParams.get('way');

if (way === 'load') throw new Error('the module is broken');
if (way === 'exit') process.exit(5);

export async function onStart(): Promise<void> {
  if (way === 'start') throw new Error('no connection');
  if (way === 'hang') await new Promise(() => setInterval(() => undefined, 1000));
  if (way === 'loop') for (;;);
}

export function echo(input: unknown): unknown {
  return input;
}

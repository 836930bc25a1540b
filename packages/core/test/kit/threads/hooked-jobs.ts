import { AsyncLocalStorage } from 'node:async_hooks';
import { appendFileSync } from 'node:fs';

/* A module whose workers open something before their first job, and close it after their last one. */

const store = new AsyncLocalStorage<unknown>();
const log = process.env['HOOKS_LOG'];
let openedBy: string | undefined;

export async function onStart({ name }: { readonly name: string }): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 1));
  openedBy = name;
  if (log !== undefined) appendFileSync(log, `open ${name}\n`);
}

export async function onStop(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 1));
  if (log !== undefined) appendFileSync(log, `close ${openedBy}\n`);
}

export function withCarried(what: unknown, run: () => unknown): unknown {
  return store.run(what, run);
}

export function opener(): string | undefined {
  return openedBy;
}

export async function carried(_: undefined): Promise<unknown> {
  await new Promise((resolve) => setImmediate(resolve));
  return store.getStore();
}

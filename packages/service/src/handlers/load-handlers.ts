import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

import type { Clock } from '@sluice/core';

import {
  parseHandler,
  type BuiltInHandler,
  type Finding,
  type ResolvedRoute,
} from '../config/index.ts';
import type { Handler } from '../http/index.ts';
import { digest } from './digest.ts';
import { simulatedWork } from './simulated-work.ts';

const builtIn: Readonly<Record<BuiltInHandler, (clock: Clock) => Handler>> = {
  'simulated-work': simulatedWork,
  digest,
};

/** The handlers of the routes, in their order; or what is wrong with those that cannot be had. */
export interface LoadedHandlers {
  /** undefined for a route that goes to an upstream. */
  readonly handlers: readonly (Handler | undefined)[];
  readonly findings: readonly Finding[];
}

/** Finds every route's handler: the function itself, one of sluice's, or an export of a module below `folder`. */
export async function loadHandlers(
  routes: readonly ResolvedRoute<Handler>[],
  folder: string,
  clock: Clock,
): Promise<LoadedHandlers> {
  const found = await Promise.all(
    routes.map(async (route, index): Promise<Handler | Finding | undefined> => {
      if (route.upstream !== undefined) return undefined;
      const { handler, body } = route;
      if (typeof handler === 'function') return handler;
      if (handler === 'builtin:digest' && body !== 'stream') {
        return {
          path: `routes[${index}].body`,
          expected: `stream, as ${handler} reads it`,
          found: body,
        };
      }
      const loaded = await loadHandler(handler, folder, clock);
      return typeof loaded === 'function'
        ? loaded
        : { ...loaded, path: `routes[${index}].handler` };
    }),
  );
  return {
    handlers: found.filter((item) => typeof item !== 'object'),
    findings: found.filter((item) => typeof item === 'object'),
  };
}

async function loadHandler(
  text: string,
  folder: string,
  clock: Clock,
): Promise<Handler | Omit<Finding, 'path'>> {
  const reference = parseHandler(text);
  if (reference?.kind === 'builtin') return builtIn[reference.name](clock);
  const wrong = { expected: 'a module that exports a function', found: JSON.stringify(text) };
  if (reference === undefined) return wrong;
  const { file, exportName } = reference;
  try {
    const module = (await import(pathToFileURL(resolve(folder, file)).href)) as object;
    const handler: unknown = (module as Record<string, unknown>)[exportName];
    if (typeof handler === 'function') return handler as Handler;
    const exports = Object.keys(module);
    const remedy = `it exports ${exports.join(', ') || 'nothing'}`;
    return { ...wrong, remedy, meant: { name: exportName, candidates: exports } };
  } catch (error) {
    return { ...wrong, remedy: `it could not be loaded: ${String(error)}` };
  }
}

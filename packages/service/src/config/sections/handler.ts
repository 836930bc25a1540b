import { z } from 'zod';

import { integer, mapping } from './values.ts';

/** A handler given in code. What it takes and answers is settled by the HTTP part. */
export type HandlerFunction = (...args: never[]) => unknown;

/** What a handler's text refers to. */
export type HandlerReference =
  | { readonly kind: 'builtin'; readonly name: BuiltInHandler }
  | { readonly kind: 'module'; readonly file: string; readonly exportName: string };

export type BuiltInHandler = 'simulated-work' | 'digest';

/** What each built-in handler may be told. */
const builtInOptions: Readonly<Record<BuiltInHandler, z.ZodType<Record<string, unknown>>>> = {
  'simulated-work': mapping('a mapping', { durationMs: integer(0, 3_600_000).default(100) }),
  digest: mapping('a mapping', {}),
};

/** `builtin:simulated-work`, `builtin:digest` */
const builtInHandlers: readonly string[] = Object.keys(builtInOptions).map(
  (name) => `builtin:${name}`,
);

const MODULE =
  /^(?<file>(?:\.{0,2}\/)[^#\0]*[^#\0/])(?:#(?<exportName>[\p{ID_Start}$_][\p{ID_Continue}$]*))?$/u;
const EXPECTED = `./file.ts#exportName or one of ${builtInHandlers.join(', ')}`;

/**
 * What the handler's text refers to: `builtin:digest` to a handler of sluice, `./orders.ts#create` to
 * an export of a module (`default` if none is named). Undefined when it is neither.
 */
export function parseHandler(text: string): HandlerReference | undefined {
  if (text.startsWith('builtin:')) {
    const name = text.slice('builtin:'.length);
    return Object.hasOwn(builtInOptions, name)
      ? { kind: 'builtin', name: name as BuiltInHandler }
      : undefined;
  }
  const groups = MODULE.exec(text)?.groups;
  if (groups?.['file'] === undefined) return undefined;
  return { kind: 'module', file: groups['file'], exportName: groups['exportName'] ?? 'default' };
}

/** A handler in a file. */
export const handlerText: z.ZodType<string, string> = z
  .string({ error: EXPECTED })
  .refine((text) => parseHandler(text) !== undefined, {
    error: EXPECTED,
    params: { candidates: builtInHandlers },
  });

/** A handler in code: a function, or what a file could say. */
export const handlerInCode: z.ZodType<string | HandlerFunction, string | HandlerFunction> = z.union(
  [z.custom<HandlerFunction>((value) => typeof value === 'function'), handlerText],
  { error: `a function, ${EXPECTED}` },
);

/** The schema for the options of this handler; undefined when only the handler itself knows. */
export function optionsSchema(handler: unknown): z.ZodType<Record<string, unknown>> | undefined {
  const reference = typeof handler === 'string' ? parseHandler(handler) : undefined;
  return reference?.kind === 'builtin' ? builtInOptions[reference.name] : undefined;
}

import { z } from 'zod';

import { mapping, type Complete } from './values.ts';

/** What is changed in a header, in this order: taken out, set, added. Names in any case. */
export interface HeaderEditsConfig {
  /** In place of all that came by these names. @default {} */
  readonly set?: Readonly<Record<string, string>> | undefined;
  /** Besides what came by these names. @default {} */
  readonly add?: Readonly<Record<string, string>> | undefined;
  /** Names. @default [] */
  readonly remove?: readonly string[] | undefined;
}

export type ResolvedHeaderEdits = Complete<HeaderEditsConfig>;

/** A change of these would change where a message ends, or to whom a connection belongs. */
const FRAMING: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

const NAME = "a header's name that is not about the connection or the length";
const VALUE = "a header's value: text on one line, without space around it";
const EDITS = 'a mapping: { set, add, remove }';

/** `Host` is edited by the upstream's `host`. */
const editsSchema = (
  refused: readonly string[],
): z.ZodType<ResolvedHeaderEdits, HeaderEditsConfig> => {
  const name = z
    .string({ error: NAME })
    .regex(/^[\w!#$%&'*+.^`|~-]{1,100}$/, { error: NAME })
    .refine((text) => !FRAMING.has(text.toLowerCase()), { error: NAME })
    .refine((text) => !refused.includes(text.toLowerCase()), {
      error: `${NAME}; host is an option of the upstream`,
    });
  const value = z
    .string({ error: VALUE })
    .max(8192, { error: 'a value of at most 8192 characters' })
    .regex(/^(?:[!-~\u0080-\u00ff](?:[\t -~\u0080-\u00ff]*[!-~\u0080-\u00ff])?)?$/, {
      error: VALUE,
    });
  const values = z
    .record(name, value, { error: 'a mapping of names to values' })
    .refine((entries) => areDifferent(Object.keys(entries)), { error: 'every header once' });
  return mapping(EDITS, {
    set: values.default({}),
    add: values.default({}),
    remove: z
      .array(name, { error: 'a list of names' })
      .refine(areDifferent, { error: 'every header once' })
      .default([]),
  });
};

/** What targets see otherwise than it came. */
export const requestEditsSchema: z.ZodType<ResolvedHeaderEdits, HeaderEditsConfig> = editsSchema([
  'host',
]);

/** What clients see otherwise than it came. */
export const responseEditsSchema: z.ZodType<ResolvedHeaderEdits, HeaderEditsConfig> = editsSchema(
  [],
);

function areDifferent(names: readonly string[]): boolean {
  return new Set(names.map((name) => name.toLowerCase())).size === names.length;
}

import { fileURLToPath } from 'node:url';

/** The folder of the thread pool, in the forms in which stacks name it; none where this file lies elsewhere. */
const OWN = ownFolder(new URL('..', import.meta.url));

const FROM_RUNTIME = /^ {4}at .*\(?node:[\w/]+:\d+:\d+\)?$/;

/**
 * What is thrown in a worker, as it crosses to the main thread. Structured clone keeps an Error's message
 * and stack, and loses its class, its code and all other properties.
 */
export interface ErrorRecord {
  readonly name: string;
  readonly message: string;
  readonly stack: string;
  /** Own enumerable properties, `code` among them, that can be cloned. */
  readonly properties: Record<string, unknown>;
  readonly cause?: Thrown;
  readonly errors?: readonly Thrown[];
}

export type Thrown = { readonly error: ErrorRecord } | { readonly value: unknown };

/** Longest chain of causes that crosses. */
const MAX_DEPTH = 8;

/** Describes what was thrown. Never throws, whatever it is. */
export function recordOf(thrown: unknown, depth = 0): Thrown {
  try {
    if (!(thrown instanceof Error)) return { value: thrown };
    const { name, message, stack } = thrown;
    const more: { cause?: Thrown; errors?: Thrown[] } = {};
    if (depth < MAX_DEPTH && 'cause' in thrown) more.cause = recordOf(thrown.cause, depth + 1);
    if (depth < MAX_DEPTH && thrown instanceof AggregateError)
      more.errors = thrown.errors.map((error) => recordOf(error, depth + 1));
    const properties = plainProperties(thrown);
    return { error: { name, message, stack: stackOfJob(String(stack)), properties, ...more } };
  } catch (mistake) {
    return { value: `what was thrown cannot be read: ${textOf(mistake)}` };
  }
}

/** The same without what cannot be cloned: for when the whole was refused for that. */
export function cloneableRecordOf(thrown: unknown): Thrown {
  return cloneable(recordOf(thrown));
}

function cloneable(thrown: Thrown): Thrown {
  if ('value' in thrown) {
    return isCloneable(thrown.value) ? thrown : { value: textOf(thrown.value) };
  }
  const { name, message, stack, properties, cause, errors } = thrown.error;
  const kept = Object.entries(properties).filter(([, value]) => isCloneable(value));
  const error = {
    name: textOf(name),
    message: textOf(message),
    stack,
    properties: Object.fromEntries(kept),
    ...(cause !== undefined && { cause: cloneable(cause) }),
    ...(errors !== undefined && { errors: errors.map((each) => cloneable(each)) }),
  };
  return { error };
}

function isCloneable(value: unknown): boolean {
  try {
    structuredClone(value);
    return true;
  } catch {
    return false;
  }
}

function textOf(value: unknown): string {
  try {
    return String(value);
  } catch {
    return 'what was thrown cannot be read';
  }
}

function plainProperties(error: Error): Record<string, unknown> {
  const properties: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(error)) {
    if (typeof value === 'function' || typeof value === 'symbol') continue;
    if (name === 'cause' || name === 'errors' || name === '__proto__') continue;
    properties[name] = value;
  }
  return properties;
}

const CLASSES: Readonly<Record<string, new (message: string) => Error>> = {
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
};

/**
 * The thrown thing as it was, with the worker's stack, then the frames of the caller: those of the error
 * made here, so call it where they are to be seen.
 * @param place where it was thrown, as the stack names it: `thread cpu-1`
 */
export function thrownFrom(thrown: Thrown, place: string): unknown {
  if ('value' in thrown) return thrown.value;
  const { name, message, stack, properties, cause, errors } = thrown.error;
  const error = make(
    name,
    message,
    errors?.map((inner) => thrownFrom(inner, place)),
  );
  const here = (error.stack ?? '').split('\n    at ').slice(1);
  const callers = here.filter((frame) => !isOwn(frame));
  const stackOfBoth = [stack, place, ...callers].join('\n    at ');
  Object.defineProperty(error, 'stack', { value: stackOfBoth, writable: true, configurable: true });
  if (error.name !== name) define(error, 'name', name);
  for (const [key, value] of Object.entries(properties)) define(error, key, value, true);
  if (cause !== undefined) define(error, 'cause', thrownFrom(cause, place));
  return error;
}

/** A worker's stack without the frames of the thread pool, and without those of what called it. */
function stackOfJob(stack: string): string {
  const lines = stack.split('\n');
  const isOwnFrame = (line: string): boolean => line.startsWith('    at ') && isOwn(line);
  const outermost = lines.findLastIndex(isOwnFrame);
  if (outermost === -1) return stack;
  const kept = lines.slice(0, outermost).filter((line) => !isOwnFrame(line));
  while (kept.length > 1 && FROM_RUNTIME.test(kept.at(-1) as string)) kept.pop();
  return kept.join('\n');
}

function isOwn(frame: string): boolean {
  return OWN.some((path) => frame.includes(path));
}

/** Of a bundle the folder would be that of the program. */
function ownFolder(url: URL): readonly string[] {
  return url.href.endsWith('/thread-pool/') ? [url.href, fileURLToPath(url)] : [];
}

function make(name: string, message: string, errors: unknown[] | undefined): Error {
  if (errors !== undefined) return new AggregateError(errors, message);
  const isKnown = Object.hasOwn(CLASSES, name);
  const Class = isKnown ? (CLASSES[name] as new (message: string) => Error) : Error;
  return new Class(message);
}

function define(error: Error, name: string, value: unknown, enumerable = false): void {
  Object.defineProperty(error, name, { value, enumerable, writable: true, configurable: true });
}

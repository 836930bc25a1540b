/* Jobs that throw, each something else. */

class FileMissing extends Error {
  readonly code = 'E_MISSING';
  readonly path: string;
  override readonly name = 'FileMissing';

  constructor(path: string, options?: ErrorOptions) {
    super(`no file ${path}`, options);
    this.path = path;
  }
}

export function throwDeep(path: string): never {
  return openFile(path);
}

function openFile(path: string): never {
  throw new FileMissing(path, {
    cause: new TypeError('not a disk', { cause: { block: 7 } }),
  });
}

export async function rejectDeep(path: string): Promise<never> {
  await Promise.resolve();
  return openFile(path);
}

const BUILT_IN = { EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError };

export function throwBuiltIn(name: keyof typeof BUILT_IN): never {
  throw new BUILT_IN[name](`a ${name}`);
}

export function throwMany(count: number): never {
  const errors = Array.from({ length: count }, (_, i) => new RangeError(`number ${i}`));
  throw new AggregateError(errors, 'all of them failed');
}

export function throwValue(value: unknown): never {
  throw value;
}

export function throwUncloneable(_: undefined): never {
  const cause = Object.assign(new Error('the cause'), { handle: new WeakMap() });
  const parts = { code: 'E_PARTS', retry: () => 1, handle: new WeakRef({}), limit: 12 };
  throw Object.assign(new RangeError('with parts', { cause }), parts);
}

export function throwFunction(_: undefined): never {
  const thrown: unknown = () => 'cannot be cloned';
  throw thrown;
}

export function throwHostile(_: undefined): never {
  throw Object.defineProperty(new Error('hostile'), 'message', {
    get: () => {
      throw new Error('not even that');
    },
  });
}

export function throwLoop(_: undefined): never {
  const error = new Error('its own cause');
  error.cause = error;
  throw error;
}

import { Buffer } from 'node:buffer';
import { isDeepStrictEqual, types } from 'node:util';

/*
 * What the codec calls, as it was when the module was loaded: a job that changes a global or a
 * prototype later changes nothing here. Methods are functions of their object; V8 compiles a call
 * of one as it does a call of the method.
 */

type Method<Self, Args extends readonly unknown[], Result> = (self: Self, ...args: Args) => Result;

const { bind, call } = Function.prototype as unknown as Record<'bind' | 'call', CallableFunction>;

function uncurried(method: unknown): never {
  return Reflect.apply(bind, call, [method]) as never;
}

function methodOf(prototype: object, name: PropertyKey): never {
  return uncurried(Object.getOwnPropertyDescriptor(prototype, name)!.value);
}

function getterOf<Self extends object, Result>(
  prototype: object,
  name: PropertyKey,
): Method<Self, [], Result> {
  return uncurried(Object.getOwnPropertyDescriptor(prototype, name)!['get' as 'value']);
}

type TypedArray = Uint8Array;

export const defineProperty: ObjectConstructor['defineProperty'] = Object.defineProperty;
export const getPrototypeOf: (value: object) => object | null = Object.getPrototypeOf;
export const hasOwn: ObjectConstructor['hasOwn'] = Object.hasOwn;
export const keysOf: (value: object) => string[] = Object.keys;
export const isArray: (value: unknown) => value is unknown[] = Array.isArray;
export const apply: <Result>(
  call: (...args: number[]) => Result,
  self: undefined,
  args: readonly number[],
) => Result = Reflect.apply;
export const fromCharCode: (...codes: number[]) => string = String.fromCharCode;
export const asIntN: (bits: number, value: bigint) => bigint = (
  BigInt as { readonly asIntN: (bits: number, value: bigint) => bigint }
).asIntN;
export const isProxy: (value: unknown) => boolean = types.isProxy;
export const isDeepEqual: (a: unknown, b: unknown) => boolean = isDeepStrictEqual;
export const toBigInt: (text: string) => bigint = BigInt;
export const NativeDate: DateConstructor = Date;
export const NativeMap: MapConstructor = Map;
export const NativeSet: SetConstructor = Set;
export const NativeUint8Array: Uint8ArrayConstructor = Uint8Array;

export const objectPrototype: object = Object.prototype;
export const arrayPrototype: object = Array.prototype;
export const datePrototype: object = Date.prototype;
export const mapPrototype: object = Map.prototype;
export const setPrototype: object = Set.prototype;
export const arrayBufferPrototype: object = ArrayBuffer.prototype;
const typedArrayPrototype = getPrototypeOf(Uint8Array.prototype)!;

export const charCodeAt: Method<string, [at: number], number> = methodOf(
  String.prototype,
  'charCodeAt',
);
export const matches: Method<RegExp, [text: string], boolean> = methodOf(RegExp.prototype, 'test');
export const bigIntText: Method<bigint, [radix: number], string> = methodOf(
  BigInt.prototype,
  'toString',
);
export const copyArray: Method<readonly unknown[], [], unknown[]> = methodOf(
  Array.prototype,
  'slice',
);
export const pushTo: Method<unknown[], [item: unknown], number> = methodOf(Array.prototype, 'push');

export const timeOf: Method<Date, [], number> = methodOf(Date.prototype, 'getTime');
export const mapSize: Method<object, [], number> = getterOf(Map.prototype, 'size');
export const mapForEach: Method<object, [visit: (value: unknown, key: unknown) => void], void> =
  methodOf(Map.prototype, 'forEach');
export const mapGet: <Key, Value>(map: Map<Key, Value>, key: Key) => Value | undefined = methodOf(
  Map.prototype,
  'get',
);
export const mapSet: Method<
  Map<unknown, unknown>,
  [key: unknown, value: unknown],
  unknown
> = methodOf(Map.prototype, 'set');
export const setSize: Method<object, [], number> = getterOf(Set.prototype, 'size');
export const setForEach: Method<object, [visit: (value: unknown) => void], void> = methodOf(
  Set.prototype,
  'forEach',
);
export const setHas: Method<Set<unknown>, [value: unknown], boolean> = methodOf(
  Set.prototype,
  'has',
);
export const setAdd: Method<Set<unknown>, [value: unknown], unknown> = methodOf(
  Set.prototype,
  'add',
);

/** The name of a typed array's kind; undefined for anything else. */
export const typedArrayName: Method<object, [], string | undefined> = getterOf(
  typedArrayPrototype,
  Symbol.toStringTag,
);
export const viewBuffer: Method<object, [], ArrayBufferLike> = getterOf(
  typedArrayPrototype,
  'buffer',
);
export const viewOffset: Method<object, [], number> = getterOf(typedArrayPrototype, 'byteOffset');
export const viewLength: Method<object, [], number> = getterOf(typedArrayPrototype, 'byteLength');
export const setBytes: Method<TypedArray, [source: TypedArray, at: number], void> = methodOf(
  typedArrayPrototype,
  'set',
);
export const bufferLength: Method<object, [], number> = getterOf(
  ArrayBuffer.prototype,
  'byteLength',
);
export const isResizable: Method<object, [], boolean> = getterOf(
  ArrayBuffer.prototype,
  'resizable',
);
export const isDetached: Method<object, [], boolean> = getterOf(ArrayBuffer.prototype, 'detached');

type ReadNumber<Kind> = Method<DataView, [at: number, littleEndian: boolean], Kind>;
type WriteNumber<Kind> = Method<DataView, [at: number, value: Kind, littleEndian: boolean], void>;
export const getFloat64: ReadNumber<number> = methodOf(DataView.prototype, 'getFloat64');
export const setFloat64: WriteNumber<number> = methodOf(DataView.prototype, 'setFloat64');
export const getInt32: ReadNumber<number> = methodOf(DataView.prototype, 'getInt32');
export const setInt32: WriteNumber<number> = methodOf(DataView.prototype, 'setInt32');
export const getUint32: ReadNumber<number> = methodOf(DataView.prototype, 'getUint32');
export const setUint32: WriteNumber<number> = methodOf(DataView.prototype, 'setUint32');
export const getUint16: ReadNumber<number> = methodOf(DataView.prototype, 'getUint16');
export const setUint16: WriteNumber<number> = methodOf(DataView.prototype, 'setUint16');
export const getBigInt64: ReadNumber<bigint> = methodOf(DataView.prototype, 'getBigInt64');
export const setBigInt64: WriteNumber<bigint> = methodOf(DataView.prototype, 'setBigInt64');

export const writeEncoded: Method<
  Buffer,
  [text: string, at: number, bytes: number, encoding: 'latin1' | 'utf16le'],
  number
> = methodOf(Buffer.prototype as object, 'write');
export const copyBytes: Method<
  Buffer,
  [target: Uint8Array, at: number, start: number, end: number],
  number
> = methodOf(Buffer.prototype as object, 'copy');
export const readEncoded: Method<
  Buffer,
  [encoding: 'latin1' | 'utf16le', start: number, end: number],
  string
> = methodOf(Buffer.prototype as object, 'toString');

// Error.isError, which takes its place, is not in every Node that this runs on.
const { isNativeError } = types as { isNativeError: (value: unknown) => boolean };

const brands: readonly ((value: unknown) => boolean)[] = [
  types.isArgumentsObject,
  types.isMap,
  types.isSet,
  types.isDate,
  types.isRegExp,
  isNativeError,
  types.isPromise,
  types.isWeakMap,
  types.isWeakSet,
  types.isAnyArrayBuffer,
  types.isBoxedPrimitive,
  types.isMapIterator,
  types.isSetIterator,
  types.isGeneratorObject,
  types.isModuleNamespaceObject,
  types.isExternal,
  types.isArrayBufferView,
];

/**
 * Whether an object of `Object.prototype` or of no prototype is more than its properties: a Map
 * whose prototype was taken away, the namespace of a module.
 */
export function hasBrand(value: object): boolean {
  for (let i = 0; i < brands.length; i++) if (brands[i]!(value)) return true;
  return false;
}

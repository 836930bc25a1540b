import { Buffer } from 'node:buffer';
import { createContext, runInContext } from 'node:vm';

/**
 * How a value gets to another thread: written by the codec, cloned by `postMessage`, or not at all,
 * since `structuredClone` throws a `DataCloneError`.
 */
export type Way = 'codec' | 'port' | 'none';

/** A kind of value, and how it travels. */
export interface CloneableValue {
  readonly name: string;
  readonly way: Way;
  /** Makes one, new each time. */
  readonly make: () => unknown;
}

type Row = readonly [name: string, make: () => unknown];

function rows(way: Way, list: readonly Row[]): readonly CloneableValue[] {
  return list.map(([name, make]) => ({ name, way, make }));
}

function bytes(length: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, (_, i) => i * 7);
}

class Point {
  x = 1;
  readonly #y = 2;
  get y(): number {
    return this.#y;
  }
}
class Items extends Array<number> {}
class Pairs extends Map<string, number> {}
class Members extends Set<number> {}
class Octets extends Uint8Array {}
class Fault extends Error {
  code = 'E_FAULT';
}

function argumentsOf(..._values: readonly unknown[]): unknown {
  return arguments;
}

function nested(levels: number): unknown {
  let value: unknown = 'core';
  for (let level = 0; level < levels; level++) value = level % 2 === 0 ? { value } : [value];
  return value;
}

function cycle(): unknown {
  const value: Record<string, unknown> = { name: 'loop' };
  value['self'] = value;
  return value;
}

function withPrototype(value: object, prototype: object | null): unknown {
  return Object.setPrototypeOf(value, prototype);
}

function detached(): ArrayBuffer {
  const buffer = new ArrayBuffer(8);
  structuredClone(buffer, { transfer: [buffer] });
  return buffer;
}

function throwing(): unknown {
  return {
    get field(): never {
      throw new RangeError('no');
    },
  };
}

const primitives = rows('codec', [
  ['undefined', () => undefined],
  ['null', () => null],
  ['true', () => true],
  ['false', () => false],
  ['zero', () => 0],
  ['negative zero', () => -0],
  ['small integers', () => [1, 63, 64, 65, 127, 128, 255, 256]],
  ['negative integers', () => [-1, -64, -65, -128, -129]],
  ['the ends of 32 bits', () => [2 ** 31 - 1, -(2 ** 31), 2 ** 31, -(2 ** 31) - 1, 2 ** 32]],
  ['fractions', () => [0.1, -1.5, Number.MAX_VALUE, Number.MIN_VALUE, Number.EPSILON]],
  ['NaN', () => Number.NaN],
  ['infinities', () => [Infinity, -Infinity]],
  ['bigints of 64 bits', () => [0n, -1n, 2n ** 63n - 1n, -(2n ** 63n)]],
  ['larger bigints', () => [2n ** 63n, -(2n ** 63n) - 1n, 3n ** 500n, -(7n ** 2000n)]],
]);

const texts = rows('codec', [
  ['an empty string', () => ''],
  ['one character', () => 'a'],
  ['latin1 with its ends', () => 'caf\u00e9 \u0000 \u00ff'],
  ['two bytes a character', () => 'Привет \u0100 你好'],
  ['surrogates', () => '😀 and \ud800 alone, \udc00 alone'],
  ...[23, 24, 25, 31, 32, 33, 127, 128, 254, 255, 256, 5_000].flatMap((length): readonly Row[] => [
    [`latin1 of ${length} characters`, () => 'aé'.repeat(length).slice(0, length)],
    [`two bytes of ${length} characters`, () => 'aж'.repeat(length).slice(0, length)],
    [`${length} characters, the last of two bytes`, () => `${'a'.repeat(length - 1)}ж`],
  ]),
  ['a joined string', () => ['ab'.repeat(40), 'cd'.repeat(40)].join('ж')],
  ['a part of a string', () => 'x'.repeat(100).slice(3, 60)],
]);

const objects = rows('codec', [
  ['an empty object', () => ({})],
  ['an object', () => ({ a: 1, b: 'two', c: [3], d: { e: null, f: undefined } })],
  ['keys in their order', () => ({ b: 1, a: 2, 10: 3, 2: 4, '-1': 5, '01': 6 })],
  ['an empty key', () => ({ '': 1, ключ: 2 })],
  ['a key __proto__', () => JSON.parse('{"a":1,"__proto__":{"b":2},"constructor":3}') as unknown],
  ['indices as keys', () => ({ 0: 'a', 1: 'b', length: 2 })],
  ['keys of Object.prototype', () => ({ toString: 1, valueOf: 2, hasOwnProperty: 3 })],
  ['no prototype', () => Object.assign(Object.create(null) as object, { a: 1 })],
  ['an empty object without prototype', () => Object.create(null) as unknown],
  ['symbol keys', () => ({ a: 1, [Symbol('b')]: 2, [Symbol.iterator]: 3 })],
  ['hidden properties', () => Object.defineProperty({ a: 1 }, 'b', { value: 2 })],
  [
    'getters',
    () => ({
      get a(): number {
        return 1;
      },
      b: 2,
    }),
  ],
  ['a frozen object', () => Object.freeze({ a: Object.freeze([1]) })],
  ['many keys', () => Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`key${i}`, i]))],
  ['sixty-four keys', () => Object.fromEntries(Array.from({ length: 64 }, (_, i) => [`k${i}`, i]))],
  ['a deep value', () => nested(199)],
]);

const arrays = rows('codec', [
  ['an empty array', () => []],
  ['an array', () => [1, 'two', 3.5, null, undefined, [], {}]],
  // oxlint-disable-next-line no-sparse-arrays
  ['holes', () => [, 1, , undefined, ,]],
  ['only holes', () => new Array<unknown>(20)],
  ['a long array', () => Array.from({ length: 1_000 }, (_, i) => i - 500)],
  ['a long array with holes', () => Object.assign(new Array(300), { 7: 'seven', 299: 'last' })],
  [
    'NaN and negative zero in a long array',
    () => Array.from({ length: 20 }, () => [Number.NaN, -0]),
  ],
]);

const collections = rows('codec', [
  ['a Date', () => new Date('2026-02-03T04:05:06.789Z')],
  ['an invalid Date', () => new Date(Number.NaN)],
  ['a Date with properties', () => Object.assign(new Date(0), { extra: 1 })],
  ['an empty Map', () => new Map()],
  [
    'a Map',
    () =>
      new Map<unknown, unknown>([
        ['a', 1],
        [{ b: 2 }, new Map([[1, 2]])],
        [Number.NaN, 0],
      ]),
  ],
  ['a Map with properties', () => Object.assign(new Map([[1, 2]]), { extra: 1 })],
  ['an empty Set', () => new Set()],
  ['a Set', () => new Set<unknown>([1, 'a', { b: 2 }, undefined])],
]);

const binary = rows('codec', [
  ['an ArrayBuffer', () => bytes(20).buffer],
  ['an empty ArrayBuffer', () => new ArrayBuffer(0)],
  ['a large ArrayBuffer', () => bytes(3_000).buffer],
  ['Uint8Array', () => bytes(5)],
  ['an empty Uint8Array', () => new Uint8Array()],
  ['a large Uint8Array', () => bytes(3_001)],
  ['a part of a buffer', () => new Uint8Array(bytes(300).buffer, 3, 200)],
  ['Uint8ClampedArray', () => Uint8ClampedArray.of(1, 300)],
  ['Int8Array', () => Int8Array.of(1, -1)],
  ['Uint16Array', () => Uint16Array.of(1, 65_535)],
  ['Int16Array', () => Int16Array.of(1, -1)],
  ['Uint32Array', () => Uint32Array.of(1, 2 ** 32 - 1)],
  ['Int32Array', () => Int32Array.of(1, -1)],
  ['Float32Array', () => Float32Array.of(0.5, -0, Number.NaN)],
  ['Float64Array', () => Float64Array.from({ length: 40 }, (_, i) => i / 3)],
  ['BigInt64Array', () => BigInt64Array.of(1n, -1n)],
  ['BigUint64Array', () => BigUint64Array.of(1n, 2n ** 64n - 1n)],
  ['a Buffer', () => Buffer.from('caf\u00e9')],
  ['a class of Uint8Array', () => Octets.of(1, 2)],
]);

const byPort = rows('port', [
  ['a class instance', () => new Point()],
  ['a class of arrays', () => Items.of(1, 2)],
  ['a class of Map', () => new Pairs([['a', 1]])],
  ['a class of Set', () => new Members([1])],
  ['a Date of another prototype', () => withPrototype(new Date(0), Object.prototype)],
  ['an AbortController', () => new AbortController()],
  ['an Error', () => new TypeError('wrong', { cause: { code: 7 } })],
  ['a class of Error', () => new Fault('broken')],
  ['a RegExp', () => /a(b)/giu],
  ['a Boolean object', () => Object(true) as unknown],
  ['a Number object', () => Object(-0) as unknown],
  ['a String object', () => Object('abc') as unknown],
  ['a BigInt object', () => Object(5n) as unknown],
  ['a DataView', () => new DataView(bytes(16).buffer, 4, 8)],
  ['an array with properties', () => 'abcd'.match(/b(c)/)],
  [
    'a long array with properties',
    () =>
      Object.assign(
        Array.from({ length: 50 }, () => 1),
        { a: 1 },
      ),
  ],
  ['a cycle', cycle],
  [
    'an array in itself',
    () => {
      const items: unknown[] = [];
      items.push(items);
      return items;
    },
  ],
  [
    'an object that occurs twice',
    () => {
      const shared = { a: 1 };
      return { first: shared, second: [shared] };
    },
  ],
  [
    'an object that occurs twice among many',
    () => {
      const many = Array.from({ length: 60 }, (_, i) => ({ i }));
      return [...many, many[40]];
    },
  ],
  [
    'two views of one buffer',
    () => {
      const { buffer } = bytes(16);
      return [new Uint8Array(buffer, 0, 8), new Uint16Array(buffer, 8)];
    },
  ],
  [
    'a buffer and a view of it',
    () => {
      const view = bytes(16);
      return { view, buffer: view.buffer };
    },
  ],
  ['a resizable buffer', () => new ArrayBuffer(8, { maxByteLength: 16 })],
  ['a view of a resizable buffer', () => new Uint8Array(new ArrayBuffer(8, { maxByteLength: 16 }))],
  ['shared memory', () => new SharedArrayBuffer(8)],
  ['a view of shared memory', () => new Uint8Array(new SharedArrayBuffer(8))],
  ['a Map of another prototype', () => withPrototype(new Map([[1, 2]]), Object.prototype)],
  ['a Map of no prototype', () => withPrototype(new Map([[1, 2]]), null)],
  ['an Error of another prototype', () => withPrototype(new Error('plain'), Object.prototype)],
  ['an array of another prototype', () => withPrototype([1, 2], Object.prototype)],
  ['what is no Map', () => Object.create(Map.prototype) as unknown],
  ['what is no Date', () => Object.create(Date.prototype) as unknown],
  ['what is no Uint8Array', () => Object.create(Uint8Array.prototype) as unknown],
  ['an object of another realm', () => runInContext('({ a: [1] })', createContext()) as unknown],
  ['too deep a value', () => nested(201)],
  [
    'an array of a hidden item',
    () => Object.defineProperty([1, 2], 0, { value: 1, enumerable: false }),
  ],
]);

const uncloneable = rows('none', [
  ['a function', () => () => 1],
  ['a class', () => Point],
  ['a symbol', () => Symbol('s')],
  ['a proxy', () => new Proxy({ a: 1 }, {})],
  ['a proxy of an array', () => new Proxy([1], {})],
  ['a proxy of a Map', () => new Proxy(new Map(), {})],
  ['a hostile proxy', () => new Proxy({}, { getPrototypeOf: throwing as () => never })],
  ['a promise', () => Promise.resolve(1)],
  ['a WeakMap', () => new WeakMap()],
  ['a WeakSet', () => new WeakSet()],
  ['a WeakRef', () => new WeakRef({})],
  ['an iterator', () => new Map().entries()],
  [
    'a generator',
    () =>
      (function* numbers() {
        yield 1;
      })(),
  ],
  ['a promise of another prototype', () => withPrototype(Promise.resolve(1), Object.prototype)],
  ['a URL', () => new URL('https://example.com')],
  ['Headers', () => new Headers({ a: 'b' })],
  ['arguments', () => argumentsOf(1, 'two')],
  ['no arguments', () => argumentsOf()],
  ['a detached buffer', detached],
  [
    'a view of a detached buffer',
    () => {
      const view = bytes(8);
      structuredClone(view.buffer, { transfer: [view.buffer] });
      return view;
    },
  ],
  ['a function in an object', () => ({ deep: [{ f: () => 1 }] })],
  ['a toJSON that is a function', () => ({ a: 1, toJSON: () => 2 })],
]);

/** Every kind of value that the structured clone algorithm knows, and those that it refuses. */
export const cloneableValues: readonly CloneableValue[] = [
  ...primitives,
  ...texts,
  ...objects,
  ...arrays,
  ...collections,
  ...binary,
  ...byPort,
  ...uncloneable,
  { name: 'a getter that throws', way: 'none', make: throwing },
];

import { objectPrototype } from './intrinsics.ts';

/*
 * An object that starts as `{}` has room for four fields and moves when it grows; filled by computed keys,
 * V8 turns it into a hash table after some sixteen. With room from the start, 24 fields take a third of
 * the time (measured). V8 takes the room from the assignments in the text of a constructor, and corrects
 * it by what the first objects use: so the first ones, made here, use it all.
 */

export type Fields = Record<string, unknown>;
type FieldsConstructor = new () => Fields;

const SMALL = 8;
const MEDIUM = 16;
/** Objects by which V8 judges a constructor. */
const JUDGED = 8;

let judging = true;

function DictionaryObject(this: Fields): void {
  if (!judging) return;
  this.a = this.b = this.c = this.d = 0;
}

function SmallObject(this: Fields): void {
  if (!judging) return;
  this.a = this.b = this.c = this.d = this.e = this.f = this.g = this.h = 0;
}

function MediumObject(this: Fields): void {
  if (!judging) return;
  this.a = this.b = this.c = this.d = this.e = this.f = this.g = this.h = 0;
  this.i = this.j = this.k = this.l = this.m = this.n = this.o = this.p = 0;
}

function LargeObject(this: Fields): void {
  if (!judging) return;
  this.a = this.b = this.c = this.d = this.e = this.f = this.g = this.h = 0;
  this.i = this.j = this.k = this.l = this.m = this.n = this.o = this.p = 0;
  this.q = this.r = this.s = this.t = this.u = this.v = this.w = this.x = 0;
  this.y = this.z = this.aa = this.ab = this.ac = this.ad = this.ae = this.af = 0;
}

const Dictionary = plainConstructor(DictionaryObject);
const Small = plainConstructor(SmallObject);
const Medium = plainConstructor(MediumObject);
const Large = plainConstructor(LargeObject);
judging = false;

/** Makes plain objects of a constructor's: `Object.prototype` is their prototype, as it is that of `{}`. */
function plainConstructor(construct: (this: Fields) => void): FieldsConstructor {
  construct.prototype = objectPrototype;
  const Constructor = construct as unknown as FieldsConstructor;
  for (let i = 0; i < JUDGED; i++) void new Constructor();
  return Constructor;
}

/** What makes plain objects with room for so many fields. */
export function creatorFor(fields: number): () => Fields {
  if (fields <= SMALL) return () => new Small();
  return fields <= MEDIUM ? () => new Medium() : () => new Large();
}

/**
 * Makes a plain object for keys that may never come again. V8 links only so many keys to the objects of
 * one constructor, and makes slow ones then: these shall not use up the links of all others.
 */
export function createDictionary(): Fields {
  return new Dictionary();
}

/**
 * The place of one pooled object. Made once with the object, it lies in the pool's stack while the object is
 * idle, and is reached from the object itself while that is lent.
 */
export class Seat<T extends object> {
  readonly object: T;
  /** Id of the pool that made the object. */
  readonly home: number;
  /** The same while the object is lent; 0 from the moment it comes back. */
  lentBy = 0;

  constructor(object: T, home: number) {
    this.object = object;
    this.home = home;
  }
}

/** A constructor whose `this` is the object given, so that a subclass puts its private field on that. */
// oxlint-disable-next-line typescript/no-extraneous-class -- what it does is in its being a class
class Given {
  constructor(object: object) {
    return object;
  }
}

/**
 * Ties a seat to an object that is not ours, by a private field. Such a field is seen by no reflection, copy or
 * serialisation, goes on arrays, functions, buffers, proxies and objects without a prototype alike, and keeps nothing
 * alive that the object would not. It is found in about a nanosecond, or seven where objects of many shapes go through
 * the same code. A WeakMap more than doubles the cost of a get and a put, and a WeakSet of what is lent makes it eight
 * times as much: both hash the object, and the collector has to walk them.
 */
class Seated extends Given {
  readonly #seat: Seat<object>;

  private constructor(object: object, seat: Seat<object>) {
    super(object);
    this.#seat = seat;
  }

  /** @throws TypeError when the object has a seat, or takes no private field. */
  static seat(object: object, seat: Seat<object>): void {
    void new Seated(object, seat);
  }

  /** By trying, not by `in`: to ask first is to look the field up twice. */
  static find(object: object): Seat<object> | undefined {
    try {
      return (object as Seated).#seat;
    } catch {
      return undefined;
    }
  }
}

/** Ties `seat` to its object, for good. Answers false where the object has a seat already, or can have none. */
export function takeSeat(seat: Seat<object>): boolean {
  try {
    Seated.seat(seat.object, seat);
    return true;
  } catch {
    return false;
  }
}

/** The seat of `object`; undefined for what never had one, be it no object at all. O(1). */
export function seatOf<T extends object>(object: T): Seat<T> | undefined {
  return Seated.find(object) as Seat<T> | undefined;
}

/**
 * What a node of a {@link LinkedList} carries. The fields belong to the list: start them as
 * undefined and never write them. One node is on one list at a time.
 *
 * ```ts
 * class Waiter implements ListNode<Waiter> {
 *   prev: Waiter | undefined = undefined;
 *   next: Waiter | undefined = undefined;
 *   list: LinkedList<Waiter> | undefined = undefined;
 * }
 * ```
 */
export interface ListNode<T extends ListNode<T>> {
  prev: T | undefined;
  next: T | undefined;
  /** The list that the node is on. */
  list: LinkedList<T> | undefined;
}

/**
 * Doubly linked list whose links are fields of its nodes, so that a node leaves from the middle in
 * O(1) and nothing is allocated to hold it. For items that leave only by the ends, take
 * {@link BoundedDeque}.
 *
 * Everything is O(1) but `clear` and iteration. A node that has left holds no link to those it left.
 */
export class LinkedList<T extends ListNode<T>> implements Iterable<T> {
  #first: T | undefined;
  #last: T | undefined;
  #size = 0;

  /** Nodes on the list. */
  get size(): number {
    return this.#size;
  }

  /** The node that `shift` takes next. */
  get first(): T | undefined {
    return this.#first;
  }

  get last(): T | undefined {
    return this.#last;
  }

  /**
   * Adds `node` at the end.
   * @throws Error when the node is on a list already.
   */
  append(node: T): void {
    this.#link(node, this.#last, undefined);
  }

  /**
   * Adds `node` at the start.
   * @throws Error when the node is on a list already.
   */
  prepend(node: T): void {
    this.#link(node, undefined, this.#first);
  }

  /** Takes the first node, if there is one. */
  shift(): T | undefined {
    const node = this.#first;
    if (node !== undefined) this.#unlink(node);
    return node;
  }

  /**
   * Takes `node` off the list, wherever it stands.
   * @throws Error when the node is not on this list.
   */
  remove(node: T): void {
    if (node.list !== this) {
      throw new Error('LinkedList: the node to remove is not on this list.');
    }
    this.#unlink(node);
  }

  /** Takes all nodes off. O(n), as each must learn that it is free. */
  clear(): void {
    while (this.#first !== undefined) this.#unlink(this.#first);
  }

  /**
   * First to last. The node in hand may be removed, and so may any other; nodes appended meanwhile
   * are visited too. The walk ends early when the node in hand is moved to the end, or leaves
   * together with the one after it.
   */
  *[Symbol.iterator](): Generator<T, void, undefined> {
    let node = this.#first;
    while (node !== undefined) {
      const follower: T | undefined = node.next;
      yield node;
      const resume: T | undefined = node.list === this ? node.next : follower;
      node = resume?.list === this ? resume : undefined;
    }
  }

  #link(node: T, prev: T | undefined, next: T | undefined): void {
    if (node.list !== undefined) {
      throw new Error('LinkedList: the node to add is on a list already; remove it there first.');
    }
    node.list = this;
    node.prev = prev;
    node.next = next;
    if (prev === undefined) this.#first = node;
    else prev.next = node;
    if (next === undefined) this.#last = node;
    else next.prev = node;
    this.#size++;
  }

  #unlink(node: T): void {
    const { prev, next } = node;
    if (prev === undefined) this.#first = next;
    else prev.next = next;
    if (next === undefined) this.#last = prev;
    else next.prev = prev;
    node.list = undefined;
    node.prev = undefined;
    node.next = undefined;
    this.#size--;
  }
}

import type { Member } from './member.ts';

/** Those that may be chosen, without gaps, in any order. O(1) to put in and to take out. */
export class ReadyMembers {
  readonly #members: Member[] = [];

  get members(): readonly Member[] {
    return this.#members;
  }

  /** Has it in or out. */
  set(member: Member, isReady: boolean): void {
    if (isReady === member.readyIndex >= 0) return;
    if (isReady) {
      member.readyIndex = this.#members.length;
      this.#members.push(member);
    } else this.#takeOut(member);
  }

  #takeOut(member: Member): void {
    const last = this.#members.pop();
    if (last !== undefined && last !== member) {
      this.#members[member.readyIndex] = last;
      last.readyIndex = member.readyIndex;
    }
    member.readyIndex = -1;
  }
}

export { BoundedDeque } from './bounded-deque.ts';
export { CountWindow } from './count-window.ts';
export { type HeapItem, IntrusiveHeap } from './intrusive-heap.ts';
export { LinkedList, type ListNode } from './linked-list.ts';
export { LogLinearHistogram } from './log-linear-histogram.ts';
export type { OutcomeWindow } from './outcome-window.ts';
export { Ring } from './ring.ts';
export { StringSlots } from './string-slots.ts';
export { TimeWindow, type TimeWindowOptions } from './time-window.ts';

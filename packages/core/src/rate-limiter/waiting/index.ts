export type { Turns, WaitingLine } from './waiting-line.ts';
export { WaitingRoom } from './waiting-room.ts';
export { Watchers } from './watchers.ts';

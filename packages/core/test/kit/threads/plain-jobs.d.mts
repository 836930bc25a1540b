export function double(x: number): number;
export const notAJob: 1;

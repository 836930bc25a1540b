/** A module of jobs in plain JavaScript. */
export function double(x) {
  return 2 * x;
}

export const notAJob = 1;

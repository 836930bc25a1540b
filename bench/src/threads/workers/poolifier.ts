import { ThreadWorker } from 'poolifier';
import { burn, hang, noop, where } from '../jobs.ts';

/** Its workers cannot move what they answer with. */
export const worker: ThreadWorker<number> = new ThreadWorker<number>({
  burn: (steps = 0) => burn(steps),
  hang,
  noop,
  where: (steps = 0) => where(steps),
});

/** Process that runs a program before an upstream, and does not end it. */
import { childTask } from '../../../harness/child-process.ts';
import { runProgram } from '../program.ts';
import { connected } from './connected.ts';

await runProgram(connected, childTask<number>());

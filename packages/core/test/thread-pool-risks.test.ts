import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, test } from 'vitest';

const script = fileURLToPath(new URL('./kit/risk-script.ts', import.meta.url));

/** What became of a program whose pool met a risk. */
function outcomeOf(isolation: string, risk: string): Promise<string> {
  return new Promise((resolve) => {
    execFile(process.execPath, [script, isolation, risk], (error, stdout) => {
      resolve(error === null ? stdout : 'the program dies');
    });
  });
}

const CRASH = 'WorkerCrashedError, then serves';
const DEATH = 'the program dies';

const risks = [
  { risk: 'throw', thread: 'RangeError, then serves', process: 'RangeError, then serves' },
  {
    risk: 'endless loop',
    thread: 'TimeoutError, then serves',
    process: 'TimeoutError, then serves',
  },
  { risk: 'exit', thread: CRASH, process: CRASH },
  { risk: 'gradual growth', thread: CRASH, process: CRASH },
  { risk: 'huge array', thread: DEATH, process: CRASH },
  { risk: 'array that doubles', thread: DEATH, process: CRASH },
  { risk: 'split text', thread: DEATH, process: CRASH },
  { risk: 'native crash', thread: DEATH, process: CRASH },
  // Beside the heap: the limit does not count them.
  { risk: 'buffers', thread: 'gives 8, then serves', process: 'gives 8, then serves' },
];

describe.each(risks)('$risk', ({ risk, thread, process: own }) => {
  test(`on a thread: ${thread}`, async () => {
    assert.equal(await outcomeOf('thread', risk), thread);
  });

  test(`in a process: ${own}`, async () => {
    assert.equal(await outcomeOf('process', risk), own);
  });
});

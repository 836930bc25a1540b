import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, test } from 'vitest';

const script = fileURLToPath(new URL('./kit/risk-script.ts', import.meta.url));

/** How V8 and the runtime say that they end a program. */
const FATAL = /FATAL ERROR|Fatal error in|Fatal JavaScript/u;

/**
 * What became of a program whose pool met a risk. It dies by a signal that only the runtime raises, or with its last
 * words; one that ends in another way has a mistake of its own.
 */
function outcomeOf(isolation: string, risk: string): Promise<string> {
  return new Promise((resolve) => {
    execFile(process.execPath, [script, isolation, risk], (error, stdout, stderr) => {
      if (error === null) return resolve(stdout);
      const { signal, code } = error;
      const isDead = signal === 'SIGABRT' || signal === 'SIGSEGV' || FATAL.test(stderr);
      resolve(isDead ? DEATH : `ended with ${signal ?? code}: ${stderr}`);
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

test('a program that fails to load is not taken for one that died', async () => {
  assert.match(await outcomeOf('thread', 'no such risk'), /^ended with 1: .*InvalidOptionsError/su);
});

describe.each(risks)('$risk', ({ risk, thread, process: own }) => {
  test(`on a thread: ${thread}`, async () => {
    assert.equal(await outcomeOf('thread', risk), thread);
  });

  test(`in a process: ${own}`, async () => {
    assert.equal(await outcomeOf('process', risk), own);
  });
});

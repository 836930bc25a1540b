import { encodeThrown } from '../shared/crossing.ts';
import type { ProcessMessage, ProcessNews } from '../shared/process-protocol.ts';
import type { CommonSetup } from '../shared/protocol.ts';
import type { JobTable } from './job-table.ts';
import { loadJobs } from './load-jobs.ts';
import { ProcessLoop } from './process-loop.ts';

let jobs: JobTable | undefined;
let loop: ProcessLoop | undefined;

function tell(news: ProcessNews): void {
  process.send?.(news);
}

/** Loads the jobs and says that they are ready. */
async function main(setup: CommonSetup): Promise<void> {
  jobs = await loadJobs(setup);
  loop = new ProcessLoop(setup, jobs, tell);
  tell({ kind: 'ready', exports: jobs.names, use: loop.use() });
}

async function stop(): Promise<void> {
  await jobs?.hooks.onStop?.();
  process.exit(0);
}

/** Says what it dies of. A channel takes a message of this size at once. */
function fail(error: unknown): void {
  if (process.connected) tell({ kind: 'failed', error: encodeThrown(error) });
  process.exit(1);
}

function receive(message: ProcessMessage): void {
  switch (message.kind) {
    case 'setup':
      main(message.setup).catch(fail);
      break;
    case 'define':
      jobs?.define(message.definition);
      break;
    case 'run':
      loop?.run(message);
      break;
    case 'stop':
      stop().catch(fail);
      break;
  }
}

process.on('uncaughtException', (error) => {
  // The jobs may have a listener of their own.
  if (process.listenerCount('uncaughtException') === 1) fail(error);
});
// The terminal and the supervisor of services signal the whole group. The pool's process decides what that
// means; when it goes, so do its workers.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => undefined);
process.on('disconnect', () => void stop().catch(fail));
process.on('message', receive);
// It may have gone before anybody listened.
if (!process.connected) process.exit(0);

import { getEventListeners } from 'node:events';
import { GateChain, ShedError, TimeoutError } from '../../src/core/index.ts';
import type { ExecuteOptions, Task } from '../../src/core/index.ts';
import { ABORTED, taskMessage, type CallScript, type TaskScript } from './call-script.ts';
import { ScriptedGate, Stage, type Traits } from './scripted-gate.ts';

/** What became of one call. */
export interface Happened {
  settled: string | undefined;
  atMs: number;
  times: number;
  begun: number;
}

export interface Run {
  readonly stage: Stage;
  readonly gates: readonly ScriptedGate[];
  readonly happened: readonly Happened[];
}

/** Longer than all that a script can ask for. */
export const LONG_MS = 1000;

/** Runs the calls through one chain of scripted gates, on virtual time, to the end. */
export async function runCalls(
  traits: readonly Traits[],
  scripts: readonly CallScript[],
  base: () => ExecuteOptions | undefined = () => undefined,
): Promise<Run> {
  const stage = new Stage(scripts.map(({ verdicts }) => verdicts));
  const gates = traits.map((trait, index) => new ScriptedGate(stage, index, trait));
  const chain = new GateChain('chain', gates, stage.clock);
  const happened = scripts.map((): Happened => {
    return { settled: undefined, atMs: Infinity, times: 0, begun: 0 };
  });
  scripts.forEach((script, call) => {
    stage.clock.schedule(script.startMs, () => start(call, script, happened[call] as Happened));
  });
  await stage.clock.run(LONG_MS);
  return { stage, gates, happened };

  function start(call: number, script: CallScript, result: Happened): void {
    const options = optionsOf(script, stage, base());
    const settle = (settled: string): void => {
      Object.assign(result, { settled, atMs: stage.clock.nowMs(), times: result.times + 1 });
      const left = options?.signal ? getEventListeners(options.signal, 'abort').length : 0;
      if (left > 0) stage.mistakes.push(`call ${call} left ${left} listeners`);
    };
    const task: Task<string> = () => {
      result.begun++;
      return taskOf(script.task, stage)();
    };
    stage.starting = call;
    try {
      chain
        .execute(task, options)
        .then(settle, (error: unknown) => settle(error instanceof Error ? error.message : 'what?'));
    } catch (error) {
      stage.mistakes.push(`execute threw ${String(error)}`);
    }
  }
}

function optionsOf(
  { abortAfterMs, deadlineMs }: CallScript,
  { clock }: Stage,
  base: ExecuteOptions | undefined,
): ExecuteOptions | undefined {
  if (abortAfterMs === undefined) return deadlineMs === undefined ? base : { ...base, deadlineMs };
  const controller = new AbortController();
  const abort = (): void => controller.abort(new Error(ABORTED));
  if (abortAfterMs < 0) abort();
  else clock.schedule(abortAfterMs, abort);
  return { ...base, signal: controller.signal, deadlineMs };
}

function taskOf(script: TaskScript, { clock }: Stage): () => PromiseLike<string> | string {
  const after = (run: () => void): void => {
    if (script.afterMs === 0) run();
    else clock.schedule(script.afterMs, run);
  };
  switch (script.kind) {
    case 'value':
      return () => 'value';
    case 'throw':
      return () => {
        throw errorOf(script);
      };
    case 'resolve':
      return () => new Promise((resolve) => after(() => resolve('value')));
    case 'reject':
      return () => new Promise((_, reject) => after(() => reject(errorOf(script))));
    case 'thenable':
      return () => foreignThenable((resolve) => after(() => resolve('value')));
    case 'thenable-reject':
      return () => foreignThenable((_, reject) => after(() => reject(errorOf(script))));
    case 'bad-then':
      return () => ({
        // oxlint-disable-next-line unicorn/no-thenable -- To be a bad one is the point.
        get then(): never {
          throw errorOf(script);
        },
      });
    case 'never':
      return () => new Promise(() => undefined);
  }
}

/** Calls back more often than it may, and throws when it has. */
function foreignThenable(
  work: (resolve: (value: string) => void, reject: (error: Error) => void) => void,
): PromiseLike<string> {
  const thenable = {
    // oxlint-disable-next-line unicorn/no-thenable -- To be one is the point.
    then(resolve: (value: string) => void, reject: (error: Error) => void): void {
      work(
        (value) => {
          resolve(value);
          resolve('again');
          reject(new Error('after all'));
        },
        (error) => {
          reject(error);
          resolve('after all');
        },
      );
    },
  };
  return thenable as unknown as PromiseLike<string>;
}

function errorOf(script: TaskScript): Error {
  const message = taskMessage(script);
  if (script.kind === 'bad-then' || script.error === 'plain') return new Error(message);
  return script.error === 'refusal'
    ? new ShedError('inner', message)
    : new TimeoutError('inner', message, { timeoutMs: 1 });
}

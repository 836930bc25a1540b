import type { OptionProblem } from './errors.ts';
import type { Policy, PolicyTraits } from './policy.ts';

/** What is likely to be a mistake in a row of policies, though somebody may want it. */
export type PipelineAdviceCode =
  | 'retry-without-budget'
  | 'retry-around-retry'
  | 'breaker-around-retry'
  | 'pool-around-retry'
  | 'fallback-inside'
  | 'window-too-short';

export interface PipelineAdvice {
  readonly code: PipelineAdviceCode;
  /** What it is about, why it is unlikely to be wanted, and what to do instead. */
  readonly message: string;
}

/** A policy whose traits are known, and how many policies stand further out. */
interface Placed {
  readonly name: string;
  readonly traits: PolicyTraits;
}

type Say = (code: PipelineAdviceCode, message: string) => void;

const placed = (policies: readonly Policy[]): readonly Placed[] =>
  policies.flatMap(({ name, traits }) => (traits === undefined ? [] : [{ name, traits }]));

/** Every pair of policies, the outer one first. */
function* pairs(row: readonly Placed[]): Generator<[outer: Placed, inner: Placed]> {
  for (const [i, outer] of row.entries()) {
    for (const inner of row.slice(i + 1)) yield [outer, inner];
  }
}

const repeats = ({ traits: { kind, maxAttempts = 1 } }: Placed): boolean =>
  (kind === 'retry' || kind === 'hedge') && maxAttempts > 1;

/**
 * A time limit that is shorter than one further in, which then never acts: the call ends first. With a
 * retry in between, its single tries have no time.
 */
export function timesOutTooEarly(policies: readonly Policy[]): readonly OptionProblem[] {
  const problems: OptionProblem[] = [];
  for (const [outer, inner] of pairs(placed(policies))) {
    const [all, one] = [outer.traits.timeoutMs, inner.traits.timeoutMs];
    const bounds = outer.traits.kind === 'timeout' || outer.traits.kind === 'retry';
    if (!bounds || all === undefined || one === undefined) continue;
    if (all >= one) continue;
    problems.push({
      option: `the ${all} ms of ${outer.name}`,
      expected: `at least the ${one} ms of ${inner.name} further in, or those never pass`,
      got: String(all),
    });
  }
  return problems;
}

/** A policy that cannot run the function it is given, as that would have to leave its thread. */
export function runElsewhere(policies: readonly Policy[]): readonly OptionProblem[] {
  const away = policies.filter((policy) => policy.traits?.runsElsewhere === true);
  return away.map(({ name }) => ({
    option: name,
    expected: `inside the task, as no closure gets to its workers: pipeline.execute((context) => pool.run('job', input, context))`,
    got: 'a place around it',
  }));
}

/** What a reader of the row would ask about. O(policies²), once. */
export function adviceFor(policies: readonly Policy[]): readonly PipelineAdvice[] {
  const row = placed(policies);
  const advice: PipelineAdvice[] = [];
  const say = (code: PipelineAdviceCode, message: string): void =>
    void advice.push({ code, message });
  for (const [i, each] of row.entries()) {
    judgeWindow(row, i, say);
    if (repeats(each) && each.traits.budgeted === false) {
      say(
        'retry-without-budget',
        `${each.name} has no budget: when what it calls fails, it makes ${each.traits.maxAttempts} calls of each; give it a RetryBudget`,
      );
    }
  }
  for (const [outer, inner] of pairs(row)) judge(outer, inner, say);
  return advice;
}

function judge(outer: Placed, inner: Placed, say: Say): void {
  const names = `${outer.name} stands around ${inner.name}`;
  const { kind } = outer.traits;
  if (repeats(outer) && repeats(inner)) {
    const tries = (outer.traits.maxAttempts ?? 1) * (inner.traits.maxAttempts ?? 1);
    say('retry-around-retry', `${names}: a call may become ${tries}; keep one of the two`);
  }
  if (kind === 'circuit-breaker' && inner.traits.kind === 'retry') {
    say(
      'breaker-around-retry',
      `${names}: it sees what is left after all tries, and opens late; put it further in, so that it sees each try and ends the retrying`,
    );
  }
  if (kind === 'pool' && inner.traits.kind === 'retry') {
    say('pool-around-retry', `${names}: a lane stays taken while a call waits for its next try`);
  }
  if (inner.traits.kind === 'fallback' && (kind === 'retry' || kind === 'circuit-breaker')) {
    say(
      'fallback-inside',
      `${names}: it sees a success where there was none; put the fallback outermost`,
    );
  }
}

/** A window of time that is shorter than two tries of what it judges hardly ever holds two of them. */
function judgeWindow(row: readonly Placed[], index: number, say: Say): void {
  const { name, traits } = row[index] as Placed;
  const tried = timeOfTry(row, index);
  if (traits.windowMs === undefined || tried === undefined) return;
  const { timeoutMs } = tried.traits;
  if (timeoutMs === undefined || traits.windowMs >= 2 * timeoutMs) return;
  say(
    'window-too-short',
    `the window of ${name} (${traits.windowMs} ms) is shorter than two tries of ${timeoutMs} ms by ${tried.name}: slow failures leave it before it can judge`,
  );
}

/** The policy that says how long one call through the policy at `index` may take: the next one in, else out. */
function timeOfTry(row: readonly Placed[], index: number): Placed | undefined {
  const limits = ({ traits }: Placed): boolean => traits.timeoutMs !== undefined;
  const inner = row.slice(index + 1).find(limits);
  if (inner !== undefined) return inner;
  const outer = row.slice(0, index).toReversed();
  // What limits a call around a retry says nothing about one try.
  const retry = outer.findIndex(({ traits }) => traits.kind === 'retry');
  return (retry < 0 ? outer : outer.slice(0, retry + 1)).find(limits);
}

import type { ConformanceVerb, RateLimiterSubject } from './rate-limiter-subject.ts';
import {
  isFine,
  must,
  outcome,
  restMs,
  roundingMs,
  same,
  spend,
  STEPS,
  trials,
  type Check,
  type Trial,
} from './rate-limiter-trial.ts';
import { SeededRandom } from './seeded-random.ts';

/** One promise: `run` rejects with an Error that says where it was broken. */
export interface ConformanceCase {
  /** A sentence. */
  readonly name: string;
  readonly run: () => Promise<void>;
}

const CASES: Readonly<Record<string, Check>> = {
  'no window of time sees more than the capacity and what the rate earns in it': staysInBounds,
  'after exactly retryAfterMs the call is let in, and a step earlier it is not': keepsItsTimes,
  'asking takes nothing, and what is available can be taken': looksWithoutTaking,
  'a reservation given back at once leaves no trace, and comes back once': givesBack,
  'reservations far ahead given back at once leave no trace, and mint nothing later': mintsNothing,
  'a count of permits that is none throws a full sentence and changes nothing': refusesMisuse,
  'a clock that steps back earns nothing': earnsNothingBackwards,
  'a new rate pays first what was earned at the old one': settlesBeforeNewRate,
  'a lower capacity cuts what is there, a higher one adds nothing to a spent one': cutsLevel,
  'those who wait are served in the order in which they came, by one timer': servesInOrder,
  'a caller of higher priority goes first': servesByPriority,
  'a caller who aborts leaves at once, takes nothing and is forgotten by the signal': leavesAtAbort,
  'a wait that cannot end in time is refused at once and takes nothing': refusesHopelessWait,
  'a new rate gives those who wait new turns at once': retimesWaiters,
  'a limiter that stops refuses all who wait and owns no timer': stopsCleanly,
};

/** The cases that some limiters cannot run. */
const NEEDS: ReadonlyMap<Check, readonly ConformanceVerb[]> = new Map([
  [givesBack, ['reserve']],
  [mintsNothing, ['reserve']],
  [settlesBeforeNewRate, ['setRate']],
  [cutsLevel, ['setCapacity']],
  [retimesWaiters, ['setRate']],
]);

/**
 * The promises of a rate limiter, each as a case to be run by whatever test runner there is:
 * `for (const { name, run } of rateLimiterConformance(subject)) test(name, run)`. Every case goes over
 * awkward rates, capacities and origins of the clock; a case takes some 10 ms.
 */
export function rateLimiterConformance(subject: RateLimiterSubject): readonly ConformanceCase[] {
  const { without = [] } = subject;
  const applies = (check: Check): boolean =>
    !(NEEDS.get(check) ?? []).some((verb) => without.includes(verb));
  const cases = Object.entries(CASES).filter(([, check]) => applies(check));
  return cases.map(([name, check]) => ({
    name,
    run: async () => {
      for (const trial of trials(subject)) await check(trial);
    },
  }));
}

function staysInBounds(trial: Trial): void {
  const { limiter, clock, capacity, permitMs, subject } = trial;
  if (subject.steady === false && !isFine(trial)) return;
  const random = new SeededRandom(1);
  const passed: { atMs: number; n: number }[] = [];
  for (let call = 0; call < 80; call++) {
    const n = 1 + Math.floor(random.next() ** 3 * capacity);
    if (limiter.allow(n)) passed.push({ atMs: clock.nowMs(), n });
    else clock.advance((STEPS[call % STEPS.length] as number) * permitMs);
    if (random.next() < 0.05) clock.advance(random.next() * capacity * permitMs);
  }
  const most = (subject.mostCapacities ?? 1) * capacity;
  for (let from = 0; from < passed.length; from++) {
    let sum = 0;
    for (let to = from; to < passed.length; to++) {
      const { atMs, n } = passed[to] as { atMs: number; n: number };
      sum += n;
      const forMs = atMs - (passed[from] as { atMs: number }).atMs + roundingMs(atMs);
      must(sum <= most + forMs / permitMs + 1e-9, `${sum} in ${forMs} ms`, trial);
    }
  }
}

function keepsItsTimes(trial: Trial): void {
  const { limiter, clock, capacity, permitMs } = trial;
  const random = new SeededRandom(2);
  for (let call = 0; call < 30; call++) {
    const n = 1 + Math.floor(random.next() ** 2 * capacity);
    const waitMs = limiter.retryAfterMs(n);
    must(waitMs >= 0 && waitMs <= restMs(trial), `retryAfterMs is ${waitMs}`, trial);
    const dueMs = clock.nowMs() + waitMs;
    const earlyMs = Math.min(waitMs / 2, Math.max(permitMs / 1000, 2 * roundingMs(dueMs)));
    if (earlyMs >= 2 * roundingMs(dueMs)) {
      must(!(limiter.peek(dueMs - earlyMs, n) === 0), `${n} let in ${earlyMs} ms early`, trial);
    }
    clock.advanceTo(dueMs);
    must(limiter.allow(n), `${n} refused after ${waitMs} ms`, trial);
    if (call % 4 === 0) clock.advance((STEPS[call % STEPS.length] as number) * permitMs);
  }
}

function looksWithoutTaking(trial: Trial): void {
  const { limiter, clock, capacity, permitMs } = trial;
  for (let round = 0; round < 12; round++) {
    const before = limiter.stats();
    const available = limiter.available();
    const nowMs = clock.nowMs();
    for (let n = 1; n <= capacity; n++) {
      const isThere = limiter.peek(nowMs, n) === 0;
      must(isThere === n <= available, `${available} available, but ${n} differ`, trial);
      must((limiter.retryAfterMs(n) === 0) === isThere, `peek and retryAfterMs of ${n}`, trial);
    }
    must(same(before, limiter.stats()), 'asking changed the stats', trial);
    must(limiter.available() === available, 'asking took something', trial);
    if (available > 0) must(limiter.allow(available), `${available} could not be taken`, trial);
    clock.advance((STEPS[round % STEPS.length] as number) * permitMs);
  }
}

function givesBack(trial: Trial): void {
  const { limiter, clock, capacity, permitMs, subject } = trial;
  if (!isFine(trial)) return;
  for (const taken of [0, Math.ceil(capacity / 2)]) {
    for (let i = 0; i < taken; i++) limiter.allow();
    clock.advance(permitMs / 7);
    const rest = subject.spaced ? 1 : limiter.available();
    if (rest === 0 || (subject.spaced && limiter.available() < capacity)) continue;
    const before = [limiter.stats(), times(trial)] as const;
    const reservation = limiter.reserve(rest);
    must(reservation.waitMs === 0, `a wait for ${rest} that are there`, trial);
    const back = reservation.cancel();
    must(Math.abs(back - rest) < 1e-6, `${back} of ${rest} came back`, trial);
    must(reservation.cancel() === 0, 'a second cancel gave something back', trial);
    must(same(before[0], limiter.stats()), 'a cancelled reservation is still counted', trial);
    mustBeDue(before[1], trial);
  }
}

/** How long until each number of permits is there. */
function times({ limiter, capacity }: Trial): number[] {
  return Array.from({ length: capacity }, (_, i) => limiter.retryAfterMs(i + 1));
}

function mustBeDue(before: readonly number[], trial: Trial): void {
  const { clock, capacity, permitMs } = trial;
  const near = roundingMs(clock.nowMs() + capacity * permitMs) * 4 + permitMs * 1e-9;
  for (const [i, waitMs] of times(trial).entries()) {
    const offMs = Math.abs(waitMs - (before[i] as number));
    must(offMs <= near, `${i + 1} are due ${offMs} ms off after a cancel`, trial);
  }
}

function mintsNothing(trial: Trial): void {
  const { limiter, clock, capacity, permitMs, subject } = trial;
  if (!isFine(trial)) return;
  const most = (subject.mostCapacities ?? 1) * capacity;
  let passed = 0;
  for (let round = 0; round < 5; round++) {
    while (passed <= most && limiter.allow()) passed++;
    const before = times(trial);
    for (const laterMs of [0, permitMs / 1000]) {
      const reservations = Array.from({ length: 3 }, () => limiter.reserve(capacity));
      clock.advance(laterMs);
      for (const reservation of reservations.toReversed()) {
        const back = reservation.cancel();
        must(back >= 0 && back <= capacity, `${back} of ${capacity} came back`, trial);
      }
      if (laterMs === 0) mustBeDue(before, trial);
    }
  }
  must(passed <= most, `${passed} passed at once after cancels`, trial);
}

async function refusesMisuse(trial: Trial): Promise<void> {
  const { limiter, clock, capacity, subject } = trial;
  const canReserve = !subject.without?.includes('reserve');
  limiter.allow();
  const before = [limiter.stats(), limiter.available(), limiter.retryAfterMs(capacity)];
  for (const n of [0, -5, 1.5, Number.NaN, Infinity, capacity + 1]) {
    const calls = {
      allow: () => limiter.allow(n),
      ...(canReserve && { reserve: () => limiter.reserve(n) }),
      retryAfterMs: () => limiter.retryAfterMs(n),
      wait: () => limiter.wait(n),
    };
    for (const [name, call] of Object.entries(calls)) {
      const mistake = await outcome(async () => call());
      const isSentence = mistake instanceof RangeError && /(\S+ ){6}/.test(mistake.message);
      must(
        isSentence && mistake.message.includes(String(n)),
        `${name}(${n}): ${String(mistake)}`,
        trial,
      );
    }
  }
  const after = [limiter.stats(), limiter.available(), limiter.retryAfterMs(capacity)];
  must(same(before, after), 'a misuse changed something', trial);
  must(clock.pending === 0, 'a misuse left a timer', trial);
}

function earnsNothingBackwards(trial: Trial): void {
  const { limiter, clock, capacity } = trial;
  spend(trial);
  const before = limiter.retryAfterMs(capacity);
  const backMs = restMs(trial);
  clock.setBack(backMs);
  must(limiter.retryAfterMs(capacity) === before, 'the wait changed as the clock went back', trial);
  clock.advance(backMs);
  const offMs = Math.abs(limiter.retryAfterMs(capacity) - before);
  must(offMs <= 2 * roundingMs(clock.nowMs() + backMs), `going back and forth: ${offMs} ms`, trial);
}

function settlesBeforeNewRate(trial: Trial): void {
  const { limiter, clock, capacity, permitMs, ratePerSecond, subject } = trial;
  if (subject.steady === false || !isFine(trial)) return;
  spend(trial);
  clock.advance(permitMs / 2);
  limiter.setRate(ratePerSecond * 10);
  const restOfPermitMs = permitMs / 20;
  const waitMs = limiter.retryAfterMs();
  must(Math.abs(waitMs / restOfPermitMs - 1) < 0.01, `${waitMs} ms to the next permit`, trial);
  clock.advance(waitMs);
  must(limiter.allow(), 'refused after the new wait', trial);
  must(limiter.available() <= capacity, 'more than the capacity', trial);
}

function cutsLevel(trial: Trial): void {
  const { limiter, capacity } = trial;
  if (!isFine(trial)) return;
  const lower = Math.ceil(capacity / 2);
  limiter.setCapacity(lower);
  must(limiter.available() === lower, `${limiter.available()} left of ${lower}`, trial);
  spend({ ...trial, capacity: lower });
  must(!limiter.allow(), 'more than the lower capacity passed', trial);
  if (trial.subject.steady === false) return;
  limiter.setCapacity(capacity + 3);
  must(limiter.available() === 0, 'a higher capacity was given away', trial);
}

/** The spent limiter with callers in its line, who note when they leave. */
function line(
  trial: Trial,
  priorities: readonly number[],
): { left: number[]; all: Promise<void>[] } {
  spend(trial);
  const left: number[] = [];
  const waiting = priorities.map(async (priority, i) => {
    await trial.limiter.wait(1, { priority });
    left.push(i);
  });
  return { left, all: waiting };
}

async function servesInOrder(trial: Trial): Promise<void> {
  const { limiter, clock, capacity } = trial;
  const count = Math.min(capacity, 5);
  const { left, all } = line(trial, new Array<number>(count).fill(0));
  if (isFine(trial)) {
    must(limiter.stats().waiting === count, `${limiter.stats().waiting} wait`, trial);
    must(clock.pending === 1, `${clock.pending} timers`, trial);
    must(!limiter.allow(), 'somebody passed those who wait', trial);
  }
  await clock.run(restMs(trial));
  await Promise.all(all);
  must(
    same(
      left,
      [...left].sort((a, b) => a - b),
    ),
    `served as ${left.join()}`,
    trial,
  );
  must(clock.pending === 0, 'a timer is left', trial);
}

async function servesByPriority(trial: Trial): Promise<void> {
  if (!isFine(trial) || trial.capacity < 4) return;
  const { left, all } = line(trial, [0, 1, 0, 1]);
  await trial.clock.run(restMs(trial));
  await Promise.all(all);
  must(same(left, [1, 3, 0, 2]), `served as ${left.join()}`, trial);
}

async function leavesAtAbort(trial: Trial): Promise<void> {
  const { limiter, clock } = trial;
  if (!isFine(trial)) return;
  spend(trial);
  const before = [limiter.stats(), limiter.retryAfterMs()];
  const controller = new AbortController();
  const { signal } = controller;
  let listeners = 0;
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = (...given: Parameters<typeof add>): void => {
    listeners++;
    add(...given);
  };
  signal.removeEventListener = (...given: Parameters<typeof remove>): void => {
    listeners--;
    remove(...given);
  };
  const refusal = outcome(() => limiter.wait(1, { signal }));
  const reason = new Error('the caller has gone');
  controller.abort(reason);
  must((await refusal) === reason, 'not the reason of the signal', trial);
  must(listeners === 0, `${listeners} listeners are left`, trial);
  must(clock.pending === 0, 'a timer is left', trial);
  must(same(before, [limiter.stats(), limiter.retryAfterMs()]), 'an abort took something', trial);
}

async function refusesHopelessWait(trial: Trial): Promise<void> {
  const { limiter, clock, subject } = trial;
  if (!isFine(trial)) return;
  spend(trial);
  const reservedMs = subject.without?.includes('reserve') ? 0 : limiter.reserve().waitMs;
  const waitMs = reservedMs + limiter.retryAfterMs();
  const before = [limiter.retryAfterMs(), limiter.stats().allowed, limiter.stats().waiting];
  const refusal = await outcome(() =>
    limiter.wait(1, { maxWaitMs: Math.min(waitMs, before[0] as number) / 2 }),
  );
  must(
    (refusal as Error | undefined)?.name === 'RateLimitedError',
    `got ${String(refusal)}`,
    trial,
  );
  const after = [limiter.retryAfterMs(), limiter.stats().allowed, limiter.stats().waiting];
  must(same(before, after), 'a refused wait changed something', trial);
  must(clock.pending === 0, 'a refused wait left a timer', trial);
}

async function retimesWaiters(trial: Trial): Promise<void> {
  const { limiter, clock, ratePerSecond } = trial;
  if (!isFine(trial)) return;
  const { left, all } = line(trial, [0]);
  const beforeMs = clock.nextDueMs - clock.nowMs();
  limiter.setRate(ratePerSecond * 4);
  const afterMs = clock.nextDueMs - clock.nowMs();
  must(afterMs < beforeMs * 0.9 && clock.pending === 1, `${beforeMs} became ${afterMs}`, trial);
  await clock.run(afterMs * (1 + 1e-9) + roundingMs(clock.nowMs()));
  must(left.length === 1, 'not served at the new time', trial);
  await Promise.all(all);
}

async function stopsCleanly(trial: Trial): Promise<void> {
  const { limiter, clock } = trial;
  if (!isFine(trial)) return;
  const { all } = line(trial, [0]);
  const settled = Promise.allSettled(all);
  await limiter.stop();
  const [first] = await settled;
  const name = first?.status === 'rejected' ? (first.reason as Error).name : first?.status;
  must(name === 'PoolStoppedError', `who waited got ${name}`, trial);
  must(clock.pending === 0 && limiter.stats().waiting === 0, 'somebody is left', trial);
  const late = await outcome(() => limiter.wait());
  must(
    (late as Error | undefined)?.name === 'PoolStoppedError',
    `a late caller got ${String(late)}`,
    trial,
  );
}

/** What a contender stands for: ours, somebody else's, or the least that the task can cost at all. */
export type Kind = 'sluice' | 'peer' | 'floor';

/** A contender that is set up and can be driven. */
export interface Running {
  /** Performs exactly `iterations` operations and returns a checksum of what they did. */
  run(iterations: number): number | Promise<number>;
  /** Gives back what `setup` took. */
  teardown?(): void | Promise<void>;
}

/** One way of doing a subject's operation. */
export interface Contender {
  readonly name: string;
  readonly kind: Kind;
  setup(): Running | Promise<Running>;
}

/** A promise about a figure, shown as met or not met beside it. Only `--strict` makes it an error. */
export type Limit =
  | { readonly contender: string; readonly of: 'figure' | 'bytes'; readonly max: number }
  | {
      readonly contender: string;
      readonly of: 'column';
      /** Heading of a further column. */
      readonly column: string;
      readonly max: number;
    }
  | {
      readonly contender: string;
      readonly of: 'ratio';
      /** Of several, the one with the least median is meant. */
      readonly to: string | readonly string[];
      readonly max: number;
    };

interface Heading {
  /** `import.meta.url` of the file that exports it in `subjects`; a process that measures finds it there. */
  readonly url: string;
  /** What the command line calls it. Naming `pool` also selects `pool-…`. */
  readonly name: string;
  readonly title: string;
  /** What one operation is, in one sentence. */
  readonly operation: string;
  readonly limits?: readonly Limit[];
  /** What a reader must know to read the figures rightly. */
  readonly notes?: readonly string[];
}

/** Contenders measured by the time that one operation takes, driven from within the process. */
export interface OperationSubject extends Heading {
  readonly kind: 'operation';
  readonly contenders: readonly Contender[];
  /** What every contender's `run(iterations)` must return. A run that returns anything else fails the bench. */
  checksum(iterations: number): number;
  /** Iterations come in multiples of this. @default 1 */
  readonly batch?: number;
}

/** A server that listens on a loopback port of its own choice. */
export interface Listening {
  readonly port: number;
  /**
   * User and system CPU time so far, in µs, of a server that is not the process that listens. Nothing is
   * known of its heap then.
   */
  cpuMicros?(): number;
  close(): Promise<void>;
}

/** A server to be measured, started in a process of its own. */
export interface ServerContender {
  readonly name: string;
  readonly kind: Kind;
  /** @param upstreamPort loopback port of the subject's upstream; 0: it has none */
  listen(upstreamPort: number): Promise<Listening>;
}

/** Contenders measured by the CPU time that their process spends on one request. */
export interface HttpSubject extends Heading {
  readonly kind: 'http';
  readonly contenders: readonly ServerContender[];
  /** Path of the GET request. */
  readonly path: string;
  /** Status of every response; any other fails the bench. */
  readonly status: number;
  /** Body of every response; without it, bodies may differ. */
  readonly body?: string;
  /** Makes the contenders proxies: an upstream answers every request with 200 and this body. */
  readonly upstream?: string;
  /** How many usual requests one of these is worth: so many times fewer are made. @default 1 */
  readonly weight?: number;
}

/** How long one trial takes. */
export interface TrialPlan {
  /** Spent before anything counts. */
  readonly warmUpMs: number;
  /** What counts. A trial of rare events may take a multiple of it. */
  readonly windowMs: number;
}

/** What one trial showed. */
export interface Sample {
  readonly figure: number;
  /** Further figures, by column. */
  readonly further?: Readonly<Record<string, number>>;
  /** Operations performed, warm-up included; none fails the bench. */
  readonly operations: number;
  /** How many of them did what the subject asks for. Any other count than all fails the bench. */
  readonly right: number;
}

/** A contender that is set up, driven and taken down by each trial. */
export interface TrialContender {
  readonly name: string;
  readonly kind: Kind;
  trial(plan: TrialPlan): Promise<Sample>;
}

/** Contenders measured under a load of the subject's own making: a percentile, a rate, a delay. */
export interface TrialSubject extends Heading {
  readonly kind: 'trial';
  readonly contenders: readonly TrialContender[];
  /** Heading of the figure's column, with its unit. Less is better. */
  readonly figure: string;
  /** Called once before the trials, in the process that starts theirs. What it puts into `process.env` reaches them. */
  readonly prepare?: () => void;
}

export type Subject = OperationSubject | HttpSubject | TrialSubject;

/** Something is wrong with the bench itself or with what a contender computed; no figure can be trusted. */
export class BenchError extends Error {
  override readonly name = 'BenchError';
}

/** Loads a subject in another process than the one that selected it. @throws BenchError when it is not there */
export async function loadSubject(url: string, name: string): Promise<Subject> {
  const { subjects } = (await import(url)) as { subjects: readonly Subject[] };
  const subject = subjects.find((one) => one.name === name);
  if (subject === undefined) throw new BenchError(`${url} has no subject ${name}`);
  return subject;
}

/** The same for one that is measured over HTTP. */
export async function loadHttpSubject(url: string, name: string): Promise<HttpSubject> {
  const subject = await loadSubject(url, name);
  if (subject.kind !== 'http') throw new BenchError(`${name} is not measured over HTTP`);
  return subject;
}

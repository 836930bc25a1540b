import {
  atLeast,
  integer,
  optional,
  type OptionRule,
  type OptionRules,
  type Rule,
} from '../../core/index.ts';

/** A way through the proxy: `'upstream'` from the client to the target, `'downstream'` back. */
export type Direction = 'upstream' | 'downstream';

/** What is wrong with one direction of every connection. What is left out stays as it is. */
export interface Faults {
  /** How long each byte is under way, ms. The order of the bytes is kept. @default 0 */
  readonly latencyMs?: number;
  /** The latency is up to so much shorter or longer, ms, drawn for each chunk. @default 0 */
  readonly jitterMs?: number;
  /** Bandwidth of each connection, bytes per second. Above 0. @default Infinity */
  readonly bytesPerSecond?: number;
  /**
   * Passes nothing: no byte, no FIN, no RST, as when a firewall drops every packet. What was sent meanwhile
   * arrives when the hang ends, as TCP would send it again. @default false
   */
  readonly hang?: boolean;
  /** Each connection is cut after so many bytes from now on; 0: at its next byte. @default Infinity */
  readonly cutAfterBytes?: number;
  /** How it is cut: both ends get an RST, or a FIN. @default 'reset' */
  readonly cutBy?: 'reset' | 'end';
}

const orForever = (rule: Rule<number>): Rule<number> => ({
  expected: `${rule.expected}, or Infinity`,
  accepts: (v): v is number => v === Infinity || rule.accepts(v),
});

const aSwitch: Rule<boolean> = {
  expected: 'true or false',
  accepts: (v): v is boolean => typeof v === 'boolean',
};

const aWayToCut: Rule<'reset' | 'end'> = {
  expected: "'reset' or 'end'",
  accepts: (v): v is 'reset' | 'end' => v === 'reset' || v === 'end',
};

const aRate: Rule<number> = {
  expected: 'a number above 0',
  accepts: (v): v is number => typeof v === 'number' && v > 0,
};

const setting = <T>(rule: Rule<T>, otherwise: T): OptionRule<T, Required<Faults>> =>
  optional(rule, () => otherwise);

export const faultRules: OptionRules<Required<Faults>> = {
  latencyMs: setting(atLeast(0), 0),
  jitterMs: setting(atLeast(0), 0),
  bytesPerSecond: setting(aRate, Infinity),
  hang: setting(aSwitch, false),
  cutAfterBytes: setting(orForever(integer(0)), Infinity),
  cutBy: setting(aWayToCut, 'reset'),
};

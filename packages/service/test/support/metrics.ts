import { ask } from './ask.ts';

/** One line of Prometheus' text format. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const LINE = /^(?<name>[a-zA-Z_:][\w:]*)(?:\{(?<labels>[^}]*)\})? (?<value>\S+)$/;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/gy;

/** Every sample of the text. @throws when a line is not of the format. */
export function parseMetrics(text: string): readonly Sample[] {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return lines.map((line) => {
    const groups = LINE.exec(line)?.groups;
    if (groups?.['name'] === undefined) throw new Error(`not a sample: ${line}`);
    const labels = groups['labels'] ?? '';
    const pairs = [...labels.matchAll(LABEL)];
    if (pairs.map(([pair]) => pair).join('') !== labels) throw new Error(`wrong labels: ${line}`);
    return {
      name: groups['name'],
      labels: Object.fromEntries(pairs.map(([, name = '', value = '']) => [name, value])),
      value: Number(groups['value']),
    };
  });
}

export async function metricsOf(url: string): Promise<readonly Sample[]> {
  return parseMetrics(await (await ask(`${url}/metrics`)).text());
}

/** The value of the one series that has this name and at least these labels; 0 when there is none. */
export function valueOf(
  samples: readonly Sample[],
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number {
  const found = seriesOf(samples, name, labels);
  if (found.length > 1) throw new Error(`${found.length} series of ${name}`);
  return found[0]?.value ?? 0;
}

/** All series that have this name and at least these labels. */
export function seriesOf(
  samples: readonly Sample[],
  name: string,
  labels: Readonly<Record<string, string>> = {},
): readonly Sample[] {
  const wanted = Object.entries(labels);
  return samples.filter(
    (sample) =>
      sample.name === name && wanted.every(([key, value]) => sample.labels[key] === value),
  );
}

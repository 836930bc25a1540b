import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import type { Content } from './document.ts';
import { childPath } from './paths.ts';
import { readContent } from './read-content.ts';
import type { Environment } from './substitution.ts';

function read(text: string, env: Environment = {}): Content {
  return readContent(text, { file: 'a.yaml', env });
}

/** What was found, as `line:column path: expected`. */
function findings(text: string, env: Environment = {}): readonly string[] {
  const { findings: found, places } = read(text, env);
  return found.map(({ at, path, part, expected }) => {
    const { line, column } = at ?? places.find(path, part);
    return `${line}:${column} ${path}: ${expected}`;
  });
}

test('a JSON text is read as JSON.parse reads it, however it is laid out', () => {
  const ours = /"(?:__proto__|constructor|prototype)"\s*:|\$\{|\\ufdd/;
  const value = fc
    .jsonValue({ maxDepth: 5 })
    .filter((json) => json !== null && !ours.test(JSON.stringify(json)));
  fc.assert(
    fc.property(value, fc.constantFrom(0, 2, '\t'), (json, space) => {
      const content = readContent(JSON.stringify(json, null, space), { file: 'a.json' });
      expect(content).toMatchObject({ findings: [] });
      expect(JSON.stringify(content.value)).toBe(JSON.stringify(json));
    }),
  );
});

test('every value is found where it was written', () => {
  const leaf = fc.oneof(fc.integer(), fc.boolean(), fc.stringMatching(/^[a-z ]{1,5}$/));
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4 },
      leaf,
      fc.array(tie('tree'), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom('a', 'b', 'c-d', 'e f'), tie('tree'), { maxKeys: 3 }),
    ),
  }));
  fc.assert(
    fc.property(tree, fc.constantFrom(0, 2, '\t'), (json, space) => {
      const text = JSON.stringify(json, null, space);
      const { places } = readContent(text, { file: 'a.json' });
      for (const [path, value] of leaves(json, '')) {
        const { line, column } = places.find(path);
        const rest = text
          .split('\n')
          .slice(line - 1)
          .join('\n')
          .slice(column - 1);
        expect(rest.startsWith(JSON.stringify(value)), `for ${path}`).toBe(true);
      }
    }),
  );
});

function leaves(value: unknown, path: string): readonly (readonly [string, unknown])[] {
  if (typeof value !== 'object' || value === null) return [[path, value]];
  return Object.entries(value).flatMap(([key, entry]) =>
    leaves(entry, childPath(path, Array.isArray(value) ? Number(key) : key)),
  );
}

test('a variable is read as a value where it stands alone and unquoted, in JSON also quoted', () => {
  const env = { PORT: '9000', ON: 'true', HOST: 'h' };
  const yaml = `
    block: \${PORT}
    flow: { port: \${PORT}, on: \${ON:-false}, list: [\${PORT}, \${X:-a, b}] }
    quoted: "\${PORT}"
    single: '\${PORT}'
    part: http://\${HOST}:\${PORT}/
    escaped: $\${PORT}
    text: |
      \${PORT}
  `;
  expect(read(yaml, env).value).toEqual({
    block: 9000,
    flow: { port: 9000, on: true, list: [9000, 'a, b'] },
    quoted: '9000',
    single: '9000',
    part: 'http://h:9000/',
    escaped: '${PORT}',
    text: '9000\n',
  });
  const json = readContent('{"port": "${PORT}", "host": "x${HOST}"}', { file: 'a.json', env });
  expect(json.value).toEqual({ port: 9000, host: 'xh' });
});

test('a variable never changes the structure, whatever it holds', () => {
  fc.assert(
    fc.property(fc.string(), (value) => {
      const { value: content } = read('a: ${V:-x}\nb: [${V:-x}, 1]\nc: "${V:-x}"', { V: value });
      const { a, b, c } = content as { a: unknown; b: unknown[]; c: unknown };
      expect(c).toBe(value === '' ? 'x' : value);
      expect(typeof a === 'object' && a !== null).toBe(false);
      expect(b).toHaveLength(2);
      expect(b[1]).toBe(1);
    }),
  );
});

test('a variable that is not set is told with its place, and its value is unknown', () => {
  const text = 'server:\n  host: "${HOST}-${ZONE}"\n  port: ${PORT-80}\n';
  expect(findings(text)).toEqual([
    '2:9 server.host: the environment variable HOST',
    '2:9 server.host: the environment variable ZONE',
    '3:9 server.port: ${NAME} or ${NAME:-default}',
  ]);
  expect([...read(text).unreadable]).toEqual(['server.host', 'server.port']);
});

test('variables in keys stay as they are', () => {
  expect(read('${A}: 1', { A: 'b' }).value).toEqual({ '${A}': 1 });
});

test('a key that is written twice is told at its second place, and counts as it was written first', () => {
  const text = 'a: 1\nb:\n  c: 1\n  c: 2\na: 2\n';
  expect(findings(text)).toEqual(['5:1 a: every key once', '4:3 b.c: every key once']);
  expect(read(text).value).toEqual({ a: 1, b: { c: 1 } });
});

test('keys that reach into prototypes are refused at every depth', () => {
  expect(findings('__proto__: 1\na: [{ constructor: {} }]\n"prototype": 2')).toEqual([
    '1:1 __proto__: another key',
    '3:1 prototype: another key',
    '2:7 a[0].constructor: another key',
  ]);
});

test('an alias repeats what its anchor holds, with the places of what it repeats', () => {
  const content = read('a: &x { b: 1 }\nc: *x\nd: [*x]\ne: &x 2\nf: *x\n');
  expect(content).toMatchObject({ findings: [] });
  expect(content.value).toEqual({ a: { b: 1 }, c: { b: 1 }, d: [{ b: 1 }], e: 2, f: 2 });
  expect(content.places.find('c')).toEqual({ line: 2, column: 4 });
  expect(content.places.find('c.b')).toEqual({ line: 1, column: 12 });
});

test('merged entries give way to the mapping’s own, and the first merged to the later', () => {
  const text =
    'a: &a { x: 1, y: 1 }\nb: &b { y: 2, z: 2 }\nc: { <<: [*a, *b], z: 3 }\nd: { <<: { q: 1 } }\n';
  const content = read(text);
  expect(content).toMatchObject({ findings: [] });
  expect(content.value).toMatchObject({ c: { x: 1, y: 1, z: 3 }, d: { q: 1 } });
  expect(content.places.find('c.x')).toEqual({ line: 1, column: 12 });
  expect(read('a: { "<<": 1 }').value).toEqual({ a: { '<<': 1 } });
});

test('an alias of nothing, of itself or of no mapping is told', () => {
  expect(findings('a: *x')).toEqual(['1:4 a: an anchor above']);
  expect(findings('a: &x [1, *x]')).toEqual(['1:11 a[1]: an anchor of what it is no part of']);
  expect(findings('a: &x { <<: *x }')).toEqual(['1:13 a["<<"]: an alias of another mapping']);
  expect(findings('a: { <<: [1] }')).toEqual(['1:11 a["<<"]: an alias of another mapping']);
});

test('aliases of aliases end at a hundred thousand values', () => {
  const powers = (item: (name: string) => string): string =>
    Array.from({ length: 60 }, (_, i) => `k${i + 1}: &k${i + 1} ${item(`k${i}`)}`).join('\n');
  for (const bomb of [
    `k0: &k0 1\n${powers((name) => `[*${name}, *${name}]`)}`,
    `k0: &k0 {}\n${powers((name) => `{ <<: [*${name}, *${name}] }`)}`,
  ]) {
    const told = read(bomb).findings.map(({ expected }) => expected);
    expect(told).toContain('at most 100000 values with aliases followed');
  }
});

test('what is nested deeper than fifty levels is refused', () => {
  expect(findings('['.repeat(51) + ']'.repeat(51))).toEqual([]);
  const [first] = findings('['.repeat(52) + ']'.repeat(52));
  expect(first).toMatch(/^1:52 .*: at most 50 levels$/);
});

import { mkdtemp, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import * as fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';

import { decode, MAX_CONFIG_BYTES, readText } from './read-text.ts';

const folder = await mkdtemp(join(tmpdir(), 'sluice-read-text-'));
afterAll(() => rm(folder, { recursive: true }));

async function file(name: string, content: string | Uint8Array): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

test('a file of up to a megabyte is read', async () => {
  const text = 'é'.repeat(MAX_CONFIG_BYTES / 2);
  expect(await readText(await file('large.yaml', text))).toEqual({ text });
  expect(await readText(await file('empty.yaml', ''))).toEqual({ text: '' });
  await symlink(join(folder, 'empty.yaml'), join(folder, 'link.yaml'));
  expect(await readText(join(folder, 'link.yaml'))).toEqual({ text: '' });
});

test('a larger file is refused', async () => {
  const path = await file('larger.yaml', 'x'.repeat(MAX_CONFIG_BYTES + 1));
  expect((await readText(path)).finding).toMatchObject({ expected: 'at most 1048576 bytes' });
});

test('what is not a file to read is told', async () => {
  await mkdir(join(folder, 'sub'));
  await symlink(join(folder, 'circle'), join(folder, 'circle'));
  const cases: [string, string][] = [
    ['missing.yaml', 'no such file'],
    ['sub', 'a directory'],
    ['circle', 'a circle of symbolic links'],
    ['empty.yaml/x', 'the error ENOTDIR'],
    ['a\0b', 'the error ERR_INVALID_ARG_VALUE'],
  ];
  for (const [name, found] of cases) {
    expect((await readText(join(folder, name))).finding, `for ${name}`).toMatchObject({ found });
  }
  expect((await readText('/dev/null')).finding).toMatchObject({ found: 'something else' });
});

test('a text that is not UTF-8 is refused at the first bad character', () => {
  const latin1 = Buffer.from('a: 1\nname: café\nb: 2\n', 'latin1');
  expect(decode(latin1).finding).toMatchObject({
    expected: 'UTF-8 text',
    found: 'other bytes',
    at: { line: 2, column: 10 },
  });
  const utf16 = Buffer.from('\ufeffa: 1\n', 'utf16le');
  expect(decode(utf16).finding).toMatchObject({ found: 'UTF-16', at: { line: 1, column: 1 } });
});

test('a byte order mark is no part of the text', () => {
  expect(decode(Buffer.from('\ufeffa: 1'))).toEqual({ text: 'a: 1' });
});

test('any text is read back, and any bytes are read or refused', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(decode(Buffer.from(text)).text).toBe(text.replace(/^\ufeff/, '').toWellFormed());
    }),
  );
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      const { text, finding } = decode(Buffer.from(bytes));
      expect(text === undefined).toBe(finding !== undefined);
    }),
  );
});

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { leftovers } from './leftovers.ts';

function folderOf(paths: readonly string[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-leftovers-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const path of paths) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), '');
  }
  return folder;
}

test('compiled files beside their source and build records are leftovers', () => {
  const written = ['src/a.js', 'src/a.js.map', 'src/a.d.ts', 'src/a.d.ts.map', 'x.tsbuildinfo'];
  expect([...leftovers(folderOf(['src/a.ts', ...written]))].sort()).toEqual(written.sort());
});

test('what was written by hand, and what lies in dist, is none', () => {
  const kept = ['src/a.ts', 'src/ambient.d.ts', 'bin/tool.js', 'dist/a.js', 'dist/a.ts'];
  expect(leftovers(folderOf([...kept, 'node_modules/x/a.ts', 'node_modules/x/a.js']))).toEqual([]);
});

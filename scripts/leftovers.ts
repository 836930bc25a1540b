import { existsSync, globSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './workspace.ts';

/**
 * What a compiler wrote outside `dist`: build records, and JavaScript, declarations or maps beside
 * the TypeScript that they come from. A stale one would be imported in place of the source.
 */
export function leftovers(folder: string = root): readonly string[] {
  const exclude = (name: string): boolean => /(^|\/)(node_modules|dist|\.git)$/.test(name);
  const written = globSync('**/*.{tsbuildinfo,js,mjs,js.map,d.ts,d.ts.map}', {
    cwd: folder,
    exclude,
  });
  return written.filter((path) => {
    if (path.endsWith('.tsbuildinfo')) return true;
    return existsSync(join(folder, path.replace(/(\.d)?\.(m?js|ts)(\.map)?$/, '.ts')));
  });
}

import { posix } from 'node:path';
import { anchorsOf, linksOf } from './markdown.ts';

/** What the links of a set of pages can lead to. */
export interface Site {
  /** The text of every page, by its path in the repository. */
  readonly pages: ReadonlyMap<string, string>;
  /** Whether the repository has a file or a folder of this path. */
  readonly exists: (path: string) => boolean;
}

/** Every relative link that leads nowhere. Links to other sites are not followed. */
export function linkProblems({ pages, exists }: Site): readonly string[] {
  return [...pages].flatMap(([page, text]) =>
    linksOf(text)
      .filter(({ target }) => !/^([a-z][a-z+.-]*:|\/\/)/i.test(target))
      .flatMap(({ target, line }) => {
        const [path = '', anchor] = decodeURI(target).split('#');
        const file = path === '' ? page : posix.join(posix.dirname(page), path);
        const where = `${page}:${line} links to ${target}`;
        if (path.startsWith('/')) return [`${where}, which is no relative path`];
        if (file.startsWith('..') || !exists(file)) return [`${where}, and there is no ${file}`];
        const destination = pages.get(file);
        if (anchor === undefined || anchor === '' || destination === undefined) return [];
        return anchorsOf(destination).has(anchor)
          ? []
          : [`${where}, and ${file} has no such heading`];
      }),
  );
}

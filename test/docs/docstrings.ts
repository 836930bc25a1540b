import type { SourceFile } from '../source/source-file.ts';
import type { CodeBlock } from './markdown.ts';
import { parsePage } from './markdown.ts';

/**
 * The code in the docstrings of a file: fenced blocks, and what stands unfenced behind `@example`,
 * as editors show it. Lines are those of the file.
 */
export function docstringBlocks(file: SourceFile): readonly CodeBlock[] {
  return file.comments
    .filter(({ type, value }) => type === 'Block' && value.startsWith('*'))
    .flatMap(({ value, start }) => {
      const first = file.lineAt(start);
      const page = value.split('\n').map(withoutStar).join('\n');
      return blocksOf(page).map((block) => ({ ...block, line: block.line + first - 1 }));
    });
}

function withoutStar(line: string): string {
  return line.replace(/^\s*\*? ?/, '');
}

function blocksOf(page: string): readonly CodeBlock[] {
  const { blocks, prose } = parsePage(page);
  const tags = prose.filter(({ text }) => /^@\w/.test(text));
  const unfenced = tags.flatMap(({ text, number }, index) => {
    if (!/^@example\b/.test(text)) return [];
    const end = tags[index + 1]?.number ?? Infinity;
    const isInside = (line: number): boolean => line > number && line < end;
    if (blocks.some(({ line }) => isInside(line))) return [];
    const code = prose.filter((line) => isInside(line.number)).map((line) => line.text);
    return [{ language: 'ts', mark: '', line: number + 1, text: code.join('\n').trimEnd() }];
  });
  return [...blocks, ...unfenced];
}

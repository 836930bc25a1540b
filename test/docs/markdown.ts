/** A fenced block of code. */
export interface CodeBlock {
  /** The first word behind the fence, such as `ts`. */
  readonly language: string;
  /** The rest behind the fence. */
  readonly mark: string;
  /** Of its first line of code, from 1. */
  readonly line: number;
  readonly text: string;
}

/** A table, by its header. */
export interface Table {
  readonly header: readonly string[];
  readonly rows: readonly { readonly cells: readonly string[]; readonly line: number }[];
}

interface Line {
  readonly text: string;
  readonly number: number;
}

const FENCE = /^\s*(?:>\s*)?(`{3,}|~{3,})\s*(\S*)\s*(.*)$/;

/** Splits a page into its blocks of code and the lines of prose around them. */
export function parsePage(markdown: string): {
  readonly blocks: readonly CodeBlock[];
  readonly prose: readonly Line[];
} {
  const blocks: CodeBlock[] = [];
  const prose: Line[] = [];
  let open:
    | { readonly fence: string; readonly block: CodeBlock; readonly code: string[] }
    | undefined;
  for (const [index, text] of markdown.split('\n').entries()) {
    const [, fence = '', language = '', mark = ''] = FENCE.exec(text) ?? [];
    if (open !== undefined) {
      const closes = fence.startsWith(open.fence) && language === '';
      if (!closes) open.code.push(text);
      else blocks.push({ ...open.block, text: open.code.join('\n') });
      if (closes) open = undefined;
    } else if (fence !== '') {
      open = { fence, block: { language, mark: mark.trim(), line: index + 2, text: '' }, code: [] };
    } else {
      prose.push({ text, number: index + 1 });
    }
  }
  return { blocks, prose };
}

/** Every target of a link or a picture, with its line. */
export function linksOf(
  markdown: string,
): readonly { readonly target: string; readonly line: number }[] {
  const patterns = [
    /\]\(\s*<?([^\s)>]+)>?(?:\s+"[^"]*")?\s*\)/g,
    /^\s*\[[^\]]+\]:\s*<?([^\s>]+)>?/g,
    /\b(?:href|src|srcset)="([^"\s]+)"/g,
  ];
  return parsePage(markdown).prose.flatMap(({ text, number }) => {
    const visible = text.replace(/`[^`]*`/g, '``');
    return patterns.flatMap((pattern) =>
      [...visible.matchAll(pattern)].map(([, target = '']) => ({ target, line: number })),
    );
  });
}

/** The fragments that a link to this page can end in: one for every heading, as GitHub names it. */
export function anchorsOf(markdown: string): ReadonlySet<string> {
  const anchors = new Set<string>();
  for (const { text } of parsePage(markdown).prose) {
    const heading = /^#{1,6}\s+(.*?)\s*#*$/.exec(text)?.[1];
    for (const [, id = ''] of text.matchAll(/\b(?:id|name)="([^"]+)"/g)) anchors.add(id);
    if (heading !== undefined) anchors.add(unused(slug(heading), anchors));
  }
  return anchors;
}

function slug(heading: string): string {
  return heading
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, '$1')
    .toLowerCase()
    .replace(/[^\p{Letter}\p{Number}\s_-]/gu, '')
    .replace(/\s/g, '-');
}

function unused(name: string, taken: ReadonlySet<string>): string {
  if (!taken.has(name)) return name;
  for (let number = 1; ; number++) if (!taken.has(`${name}-${number}`)) return `${name}-${number}`;
}

/** Every table of a page. */
export function tablesOf(markdown: string): readonly Table[] {
  const lines = parsePage(markdown).prose;
  return lines.flatMap((line, index) => {
    const rule = lines[index + 1];
    if (!isRow(line.text) || rule === undefined || !/^\s*\|(\s*:?-+:?\s*\|)+\s*$/.test(rule.text))
      return [];
    const end = lines.findIndex(({ text }, at) => at > index + 1 && !isRow(text));
    const rows = lines.slice(index + 2, end === -1 ? undefined : end);
    return [
      {
        header: cellsOf(line.text),
        rows: rows.map((row) => ({ cells: cellsOf(row.text), line: row.number })),
      },
    ];
  });
}

function isRow(text: string): boolean {
  return text.trim().startsWith('|');
}

function cellsOf(row: string): readonly string[] {
  const inner = row.trim().replace(/^\|/, '').replace(/\|$/, '');
  return inner.split(/(?<!\\)\|/).map((cell) => cell.trim());
}

/** `name` from a cell that is one piece of code, and undefined from any other cell. */
export function codeOf(cell: string | undefined): string | undefined {
  return /^`([^`]+)`$/.exec(cell ?? '')?.[1];
}

import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../../scripts/run.ts';
import { root } from '../../scripts/workspace.ts';
import type { Example } from './examples.ts';

/** A folder outside the repository where examples see the workspace's packages, as sources. */
export class Workbench {
  readonly #folder = mkdtempSync(join(tmpdir(), 'sluice-examples-'));
  readonly #files: ReadonlyMap<string, Example>;
  readonly #timeoutMs: number;

  constructor(examples: readonly Example[], timeoutMs = 30_000) {
    this.#timeoutMs = timeoutMs;
    this.#files = new Map(examples.map((example) => [fileName(example), example]));
    symlinkSync(join(root, 'node_modules'), join(this.#folder, 'node_modules'));
    for (const [name, { text }] of this.#files) {
      writeFileSync(join(this.#folder, name), `${text}\nexport {};\n`);
    }
    writeFileSync(join(this.#folder, 'package.json'), '{ "type": "module" }');
    writeFileSync(join(this.#folder, 'tsconfig.json'), JSON.stringify(tsconfig));
  }

  /** Compiles all examples at once. Resolves with the errors, by page and line. */
  async compile(): Promise<readonly string[]> {
    const { code, output } = await run(['tsc', '--pretty', 'false'], { cwd: this.#folder });
    if (code === 0) return [];
    return output
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => this.#onPage(line));
  }

  /** Runs each example in a process of its own, which has to end by itself. Resolves with what failed. */
  async runAll(): Promise<readonly string[]> {
    const problems: string[] = [];
    const waiting = [...this.#files].filter(([, { runs }]) => runs);
    const lane = async (): Promise<void> => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        problems.push(...(await this.#runOne(...next)));
      }
    };
    await Promise.all([lane(), lane()]);
    return problems.sort();
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true });
  }

  async #runOne(name: string, { page, line }: Example): Promise<readonly string[]> {
    const command = ['node', '--conditions=sluice-source', name];
    const { code, output } = await run(command, {
      cwd: this.#folder,
      timeoutMs: this.#timeoutMs,
    });
    return code === 0 ? [] : [`${page}:${line} failed\n${this.#onPage(output)}`];
  }

  /** `name.ts(12,3)` and `…/name.ts:12` become the page and its line. */
  #onPage(text: string): string {
    let result = text;
    for (const [name, { page }] of this.#files) {
      result = result.replaceAll(`file://${join(this.#folder, name)}`, page).replaceAll(name, page);
    }
    return result;
  }
}

function fileName({ page, line }: Example): string {
  return `${page.replace(/[^\w-]+/g, '-')}-${line}.ts`;
}

const tsconfig = {
  extends: join(root, 'tsconfig.base.json'),
  compilerOptions: {
    noEmit: true,
    composite: false,
    declaration: false,
    declarationMap: false,
    isolatedDeclarations: false,
    rewriteRelativeImportExtensions: false,
    allowImportingTsExtensions: true,
    customConditions: ['sluice-source'],
    noUnusedLocals: false,
    noUnusedParameters: false,
  },
  include: ['*.ts'],
};

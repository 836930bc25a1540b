import { defineConfig } from 'vitest/config';

/** Workspaces import each other's TypeScript sources; see "exports" in each package.json. */
const conditions = ['sluice-source', 'node', 'import', 'module', 'default'];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    reporters: ['default', './scripts/summary-reporter.ts'],
    // Time limits find what hangs. They measure nothing, so they leave room for a busy machine.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['packages/*/src/**/*.test.ts'],
          // Half the CPU time of a run; the setup file sees to it that no file changes a global.
          pool: 'threads',
          isolate: false,
          setupFiles: ['./test/intact-globals.ts'],
          testTimeout: 30_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'end-to-end',
          include: ['packages/*/test/**/*.test.ts', '{bench,examples}/**/*.test.ts'],
          // Real processes and sockets: not beside the busy tests of the other groups.
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'repository',
          include: ['{test,scripts}/**/*.test.ts'],
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});

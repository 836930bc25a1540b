import { defineConfig } from 'vitest/config';

/** Workspaces import each other's TypeScript sources; see "exports" in each package.json. */
const conditions = ['sluice-source', 'node', 'import', 'module', 'default'];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    reporters: ['default', './scripts/summary-reporter.ts'],
    projects: [
      {
        extends: true,
        test: { name: 'unit', include: ['packages/*/src/**/*.test.ts'] },
      },
      {
        extends: true,
        test: {
          name: 'repository',
          include: ['{test,scripts}/**/*.test.ts', '{bench,examples}/**/*.test.ts'],
          testTimeout: 120_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'end-to-end',
          include: ['packages/*/test/**/*.test.ts'],
          testTimeout: 60_000,
        },
      },
    ],
  },
});

#!/usr/bin/env node
// Published, this runs the compiled program. In a checkout it runs the TypeScript sources as they
// are, so that `npx sluice` never shows a stale build (Node strips types only outside node_modules).
import * as nodeModule from 'node:module';

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 18)) {
  process.stderr.write(
    `sluice needs Node.js 22.18 or newer, this is ${process.versions.node}. Install a current one from https://nodejs.org or run: npx --package=node@24 --package=sluice sluice\n`,
  );
  process.exit(1);
}

const published = import.meta.url.includes('/node_modules/');
if (!published) {
  nodeModule.registerHooks({
    resolve: (specifier, context, next) =>
      next(specifier, { ...context, conditions: ['sluice-source', ...context.conditions] }),
  });
}
await import(published ? '../dist/cli/main.js' : '../src/cli/main.ts');

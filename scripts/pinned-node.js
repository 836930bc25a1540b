// Plain JavaScript, so that a Node too old for TypeScript can say so in one sentence.
import { readFileSync } from 'node:fs';

const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
const pinned = manifest.devDependencies.node;
const running = process.versions.node;
const [major, ...rest] = pinned.split('.').map(Number);
const [runningMajor, ...runningRest] = running.split('.').map(Number);
const isOlder =
  rest[0] > runningRest[0] || (rest[0] === runningRest[0] && rest[1] > runningRest[1]);

if (runningMajor !== major || isOlder) {
  process.stderr.write(
    `The tests run on Node ${pinned}, and this is ${running}. npm puts the right one first on the path: ` +
      'run `npm ci`, with install scripts allowed for the package "node", and then `npm test`.\n',
  );
  process.exitCode = 1;
}

import { readFileSync } from 'node:fs';
import { findPackageJSON } from 'node:module';
import os from 'node:os';

/** Where a report's figures come from; without it they say nothing. */
export function describeMachine(): string[] {
  const cpu = os.cpus()[0]?.model.trim() ?? 'unknown CPU';
  const memoryGiB = Math.round(os.totalmem() / 2 ** 30);
  return [
    `Machine: ${cpu}, ${os.availableParallelism()} cores, ${memoryGiB} GiB, ${os.type()} ${os.release()} ${os.arch()}`,
    `Node.js: ${process.version} (V8 ${process.versions.v8})`,
    `Date: ${new Date().toISOString().slice(0, 10)}`,
    `Packages: ${packageVersions().join(', ')}`,
  ];
}

/** Name and installed version of every package that the benches compare. */
function packageVersions(): string[] {
  const own = readPackage(new URL('../../package.json', import.meta.url));
  return Object.keys(own.dependencies ?? {}).map((name) => {
    const found = findPackageJSON(name, import.meta.url);
    return `${name} ${found === undefined ? 'missing' : readPackage(found).version}`;
  });
}

interface Package {
  readonly version: string;
  readonly dependencies?: Readonly<Record<string, string>>;
}

function readPackage(path: string | URL): Package {
  return JSON.parse(readFileSync(path, 'utf8')) as Package;
}

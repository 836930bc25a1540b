import type { CommonSetup } from '../shared/protocol.ts';
import { JobTable } from './job-table.ts';
import { nameOutput } from './named-output.ts';

/** Loads the jobs of a worker and opens what they need. Rejects when that fails. */
export async function loadJobs(setup: CommonSetup): Promise<JobTable> {
  nameOutput(setup.name);
  const exports = setup.module === undefined ? {} : ((await import(setup.module)) as object);
  const jobs = new JobTable(exports as Record<string, unknown>);
  for (const definition of setup.jobs) jobs.define(definition);
  await jobs.hooks.onStart?.({ name: setup.name });
  return jobs;
}

import { expect, test } from 'vitest';
import type { JobOwner } from './lane-job.ts';
import { LaneJob } from './lane-job.ts';
import { Tickets } from './tickets.ts';

const owner: JobOwner = { dropped: () => undefined, aborted: () => undefined };
const newJob = (): LaneJob => new LaneJob(owner, undefined, undefined);

test('every job is found by its own ticket, a whole number below 0', () => {
  const tickets = new Tickets();
  const jobs = Array.from({ length: 100 }, newJob);
  const given = jobs.map((job) => tickets.give(job));
  expect(new Set(given).size).toBe(100);
  expect(given.every((ticket) => Number.isInteger(ticket) && ticket < 0)).toBe(true);
  expect(given.map((ticket) => tickets.jobOf(ticket))).toEqual(jobs);
});

test('a ticket that was taken back finds nothing, also when its slot serves another', () => {
  const tickets = new Tickets();
  const first = tickets.give(newJob());
  tickets.takeBack(first);
  expect(tickets.jobOf(first)).toBeUndefined();
  const job = newJob();
  const second = tickets.give(job);
  expect(tickets.jobOf(first)).toBeUndefined();
  expect(tickets.jobOf(second)).toBe(job);
});

test('a slot gives 128 different tickets in turn, each a number that V8 keeps in a word', () => {
  const tickets = new Tickets();
  const given = Array.from({ length: 256 }, () => {
    const ticket = tickets.give(newJob());
    tickets.takeBack(ticket);
    return ticket;
  });
  expect(new Set(given).size).toBe(128);
  expect(given.slice(128)).toEqual(given.slice(0, 128));
  expect(Math.min(...given)).toBeGreaterThanOrEqual(-(2 ** 31));
});

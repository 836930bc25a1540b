import { expect, test } from 'vitest';

import { Endpoints } from './endpoints.ts';

test('an endpoint counts by status, and keeps the durations', () => {
  const endpoint = new Endpoints().add('GET', '/orders/:id');
  endpoint.record(200, 5);
  endpoint.record(200, 15);
  endpoint.record(404, 1);
  expect([...endpoint.statuses]).toEqual([
    [200, 2],
    [404, 1],
  ]);
  expect(endpoint.durations).toMatchObject({ count: 3, sum: 21 });
});

test('there is one endpoint for all that no route takes, and it comes first', () => {
  const endpoints = new Endpoints();
  const added = endpoints.add('GET', '/');
  expect(endpoints.all).toEqual([endpoints.unmatched, added]);
  expect(endpoints.unmatched).toMatchObject({ method: 'other', pattern: 'unmatched' });
});

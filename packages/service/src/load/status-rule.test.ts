import { expect, test } from 'vitest';
import { parseStatusRule } from './status-rule.ts';

const accepted = (text: string): number[] => {
  const rule = parseStatusRule(text);
  return [199, 200, 204, 299, 304, 404, 429, 500, 503].filter((status) => rule?.(status));
};

test('a rule of statuses takes classes and single statuses, in any letters', () => {
  expect(accepted('2xx')).toEqual([200, 204, 299]);
  expect(accepted('2xx,3XX')).toEqual([200, 204, 299, 304]);
  expect(accepted('200, 404')).toEqual([200, 404]);
  expect(accepted('5xx,429')).toEqual([429, 500, 503]);
});

test.each(['', '2', '2xx,', '600', '0xx', '200-299', 'ok', '20x'])('"%s" is no rule', (text) => {
  expect(parseStatusRule(text)).toBeUndefined();
});

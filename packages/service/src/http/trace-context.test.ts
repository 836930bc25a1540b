import { expect, test } from 'vitest';

import { parseTraceparent } from './trace-context.ts';

const ID = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';

test.each([
  `00-${ID}-${SPAN}-01`,
  `00-${ID}-${SPAN}-00`,
  `cc-${ID}-${SPAN}-01`,
  `cc-${ID}-${SPAN}-01-what-comes`,
])('%s is a traceparent', (traceparent) => {
  expect(parseTraceparent(traceparent)).toEqual({ traceparent, traceId: ID });
});

test.each([
  undefined,
  ['a', 'b'],
  '',
  `00-${ID}-${SPAN}`,
  `00-${ID}-${SPAN}-01-more`,
  `00-${ID}-${SPAN}-01, 00-${ID}-${SPAN}-01`,
  `ff-${ID}-${SPAN}-01`,
  `00-${'0'.repeat(32)}-${SPAN}-01`,
  `00-${ID}-${'0'.repeat(16)}-01`,
  `00-${ID.toUpperCase()}-${SPAN}-01`,
  `00-${ID}-${SPAN}-0g`,
  `cc-${ID}-${SPAN}-01more`,
  ` 00-${ID}-${SPAN}-01`,
  `cc-${ID}-${SPAN}-01-${'x'.repeat(600)}`,
])('%s is none', (header) => {
  expect(parseTraceparent(header)).toBeUndefined();
});

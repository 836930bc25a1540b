/** The handlers of sluice.yaml beside this file. */
import { HttpError, type Handler } from 'sluice';

interface Order {
  readonly id: string;
  readonly item: string;
}

const orders = new Map<string, Order>([['1', { id: '1', item: 'a kettle' }]]);

/** Orders kept at most; the oldest make room. */
const MOST_ORDERS = 1000;

export const read: Handler = ({ params }) => {
  const order = orders.get(params['id'] ?? '');
  if (order === undefined) throw new HttpError(404, 'There is no such order.');
  return order;
};

let lastId = 1;

export const create: Handler = ({ body, log }) => {
  const item = (body as { item?: unknown } | undefined)?.item;
  if (typeof item !== 'string' || item === '') {
    throw new HttpError(400, 'An order is { "item": "what is ordered" }.');
  }
  const order = { id: String(++lastId), item };
  orders.set(order.id, order);
  const [oldest] = orders.keys();
  if (orders.size > MOST_ORDERS && oldest !== undefined) orders.delete(oldest);
  log.info({ orderId: order.id }, 'an order came in');
  return order;
};

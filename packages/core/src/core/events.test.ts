import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Emitter } from './events.ts';

interface Events {
  resize: { size: number };
  stop: string;
}

let warnings: unknown[] = [];

beforeEach(() => {
  warnings = [];
  vi.spyOn(process, 'emitWarning').mockImplementation((warning) => void warnings.push(warning));
});

afterEach(() => {
  vi.restoreAllMocks();
});

test('listeners are called in the order of their registration, each with its own event only', () => {
  const emitter = new Emitter<Events>();
  const heard: unknown[] = [];
  emitter.on('resize', ({ size }) => heard.push(['first', size]));
  emitter.on('stop', (why) => heard.push(['stop', why]));
  emitter.on('resize', ({ size }) => heard.push(['second', size]));
  emitter.emit('resize', { size: 3 });
  emitter.emit('stop', 'deploy');
  expect(heard).toEqual([
    ['first', 3],
    ['second', 3],
    ['stop', 'deploy'],
  ]);
});

test('emitting without a listener does nothing', () => {
  const emitter = new Emitter<Events>();
  emitter.emit('stop', 'deploy');
  emitter.on('resize', () => undefined);
  emitter.emit('stop', 'deploy');
  expect(warnings).toEqual([]);
});

test('the same function registered twice is called twice, and removed one at a time', () => {
  const emitter = new Emitter<Events>();
  const listener = vi.fn<() => void>();
  const removeFirst = emitter.on('stop', listener);
  const removeSecond = emitter.on('stop', listener);
  emitter.emit('stop', 'a');
  expect(listener).toHaveBeenCalledTimes(2);
  removeFirst();
  removeFirst();
  emitter.emit('stop', 'b');
  expect(listener).toHaveBeenCalledTimes(3);
  removeSecond();
  emitter.emit('stop', 'c');
  expect(listener).toHaveBeenCalledTimes(3);
});

test('a listener that removes itself disturbs no other', () => {
  const emitter = new Emitter<Events>();
  const heard: string[] = [];
  const remove = emitter.on('stop', () => {
    heard.push('once');
    remove();
  });
  emitter.on('stop', () => heard.push('always'));
  emitter.emit('stop', 'a');
  emitter.emit('stop', 'b');
  expect(heard).toEqual(['once', 'always', 'always']);
});

test('a listener that another removes during the same event is not called any more', () => {
  const emitter = new Emitter<Events>();
  const late = vi.fn<() => void>();
  emitter.on('stop', () => removeLate());
  const removeLate = emitter.on('stop', late);
  emitter.emit('stop', 'a');
  expect(late).not.toHaveBeenCalled();
});

test('a listener added during an event hears the next one first', () => {
  const emitter = new Emitter<Events>();
  const added = vi.fn<() => void>();
  const remove = emitter.on('stop', () => {
    remove();
    emitter.on('stop', added);
  });
  emitter.emit('stop', 'a');
  expect(added).not.toHaveBeenCalled();
  emitter.emit('stop', 'b');
  expect(added).toHaveBeenCalledTimes(1);
});

test('a listener may emit again', () => {
  const emitter = new Emitter<Events>();
  const heard: number[] = [];
  emitter.on('resize', ({ size }) => {
    heard.push(size);
    if (size > 0) emitter.emit('resize', { size: size - 1 });
  });
  emitter.emit('resize', { size: 2 });
  expect(heard).toEqual([2, 1, 0]);
});

test('a listener that throws becomes a warning, and stops neither the others nor the emitter', () => {
  const emitter = new Emitter<Events>();
  const mistake = new Error('mine');
  const last = vi.fn<() => void>();
  emitter.on('stop', () => {
    throw mistake;
  });
  emitter.on('stop', last);
  emitter.emit('stop', 'a');
  expect(last).toHaveBeenCalledTimes(1);
  expect(warnings).toEqual([mistake]);
});

test('a listener that rejects becomes a warning, and stops nobody', async () => {
  const emitter = new Emitter<Events>();
  const mistake = new Error('mine, later');
  const last = vi.fn<() => void>();
  // oxlint-disable-next-line typescript/no-misused-promises -- The mistake that is to be survived.
  emitter.on('stop', () => Promise.reject(mistake));
  emitter.on('stop', last);
  emitter.emit('stop', 'a');
  expect(last).toHaveBeenCalledTimes(1);
  await new Promise((resolve) => setImmediate(resolve));
  expect(warnings).toEqual([mistake]);
});

test('whatever a listener throws, a warning says what it was', () => {
  const emitter = new Emitter<Events>();
  const bare: unknown = Object.create(null);
  const thrown: unknown[] = ['plain text', { status: 503 }, undefined, Symbol('s'), bare];
  for (const what of thrown) {
    emitter.on('stop', () => {
      throw what;
    });
  }
  emitter.emit('stop', 'a');
  expect(warnings.map((warning) => (warning as Error).message)).toEqual([
    'plain text',
    '{ status: 503 }',
    'undefined',
    'Symbol(s)',
    '[Object: null prototype] {}',
  ]);
});

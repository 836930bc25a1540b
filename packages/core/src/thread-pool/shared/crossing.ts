import { Deserializer, Serializer } from 'node:v8';
import type { Transferable } from '../job-types.ts';
import { cloneableRecordOf, recordOf, type Thrown } from './error-record.ts';
import { findPlatformObject } from './platform-objects.ts';

/** A value on its way between processes: a primitive as it is, anything else as bytes. */
export type Crossing = Uint8Array | string | number | bigint | boolean | null | undefined;

/** Writes as `postMessage` does, and not as `serialize` and the channel do, which keep Buffers and part views. */
class CloneWriter extends Serializer {
  _getDataCloneError(message: string): DOMException {
    return new DOMException(message, 'DataCloneError');
  }
}

/**
 * A value as a structured clone of it would be. What is in `transfer` is detached here, as if it had
 * moved, and copied all the same: memory cannot change its process. Two copies: one with the rules of
 * structured clone, one into bytes.
 * @throws DataCloneError also for shared memory and for objects of the platform, which stay in their process
 */
export function encode(value: unknown, transfer?: readonly Transferable[]): Crossing {
  if (transfer === undefined && isPrimitive(value)) return value;
  const options = transfer === undefined ? undefined : { transfer: transfer as Transferable[] };
  const clone = structuredClone(value, options);
  const stranger = findPlatformObject(clone);
  if (stranger !== undefined) {
    const kind = stranger.constructor.name;
    throw new DOMException(`${kind} object could not be cloned to a process.`, 'DataCloneError');
  }
  const writer = new CloneWriter();
  writer.writeHeader();
  writer.writeValue(clone);
  return writer.releaseBuffer();
}

/** The value of what `encode` has answered. */
export function decode(crossing: Crossing): unknown {
  if (isPrimitive(crossing)) return crossing;
  const reader = new Deserializer(crossing);
  reader.readHeader();
  return reader.readValue();
}

/** What was thrown, as a record; in words, where it holds something that cannot be cloned. */
export function encodeThrown(thrown: unknown): Crossing {
  try {
    return encode(recordOf(thrown));
  } catch {
    return encode(cloneableRecordOf(thrown));
  }
}

/** What `encodeThrown` has answered. */
export function decodeThrown(crossing: Crossing): Thrown {
  return decode(crossing) as Thrown;
}

function isPrimitive(value: unknown): value is Exclude<Crossing, Uint8Array> {
  if (value === null) return true;
  const kind = typeof value;
  return kind !== 'object' && kind !== 'function' && kind !== 'symbol';
}

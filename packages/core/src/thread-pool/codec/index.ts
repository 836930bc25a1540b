export { SHAPE_TABLE_BYTES } from './shape-table.ts';
export { NOT_ENCODED, ValueWriter } from './value-writer.ts';
export { ValueReader } from './value-reader.ts';

import { isUtf8 } from 'node:buffer';
import { open, stat } from 'node:fs/promises';

import type { Finding } from './problems.ts';

/** Largest configuration that is read, in bytes: 1 MiB. */
export const MAX_CONFIG_BYTES = 1_048_576;

/** A file's text, or why it cannot be had. */
export type TextResult =
  | { readonly text: string; readonly finding?: never }
  | { readonly text?: never; readonly finding: Finding };

/** Reads a UTF-8 file of at most 1 MiB. What is wrong with the file is answered, not thrown. */
export async function readText(path: string): Promise<TextResult> {
  try {
    const about = await stat(path);
    if (!about.isFile()) return wrong(about.isDirectory() ? 'a directory' : 'something else');
    return decode(await readAtMost(path, MAX_CONFIG_BYTES + 1));
  } catch (error) {
    return wrong(reasonIn(error));
  }
}

/** The bytes as text, without a byte order mark. */
export function decode(bytes: Buffer): TextResult {
  if (bytes.length > MAX_CONFIG_BYTES) return { finding: tooLarge() };
  if (isUtf8(bytes)) return { text: new TextDecoder().decode(bytes) };
  const utf16 =
    bytes.length >= 2 && (bytes.readUInt16LE() === 0xfeff || bytes.readUInt16BE() === 0xfeff);
  const found = utf16 ? 'UTF-16' : 'other bytes';
  const at = firstBadPlace(bytes);
  return { finding: { path: '', expected: 'UTF-8 text', found, at, remedy: 'save it as UTF-8' } };
}

/** A text of more than 1 MiB. */
export function tooLarge(): Finding {
  return { path: '', expected: `at most ${MAX_CONFIG_BYTES} bytes`, found: 'more' };
}

function wrong(found: string): TextResult {
  return { finding: { path: '', expected: 'a file to read', found } };
}

/** A line feed is never a part of a longer character, so the bad byte is in the first bad line. */
function firstBadPlace(bytes: Buffer): { line: number; column: number } {
  let start = 0;
  for (let line = 1; ; line++) {
    const end = bytes.indexOf(0x0a, start);
    const content = bytes.subarray(start, end < 0 ? bytes.length : end);
    if (!isUtf8(content) || end < 0) {
      return { line, column: Math.max(0, content.toString('utf8').indexOf('\ufffd')) + 1 };
    }
    start = end + 1;
  }
}

/** A file may grow while it is read, and those of the kernel do not know their size. */
async function readAtMost(path: string, most: number): Promise<Buffer> {
  const bytes = Buffer.alloc(most);
  const file = await open(path);
  try {
    let length = 0;
    while (length < most) {
      const { bytesRead } = await file.read(bytes, length, most - length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    return bytes.subarray(0, length);
  } finally {
    await file.close();
  }
}

function reasonIn(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOENT') return 'no such file';
  if (code === 'EACCES' || code === 'EPERM') return 'no permission to read it';
  if (code === 'ELOOP') return 'a circle of symbolic links';
  return `the error ${code ?? String(error)}`;
}

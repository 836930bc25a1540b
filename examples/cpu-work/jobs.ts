import { withTransfer, type JobContext, type Transferring } from '@sluice/core';

/** A hash of a text. */
export function digest(text: string): number {
  let sum = 0;
  for (const letter of text) sum = (sum * 31 + letter.charCodeAt(0)) | 0;
  return sum;
}

/** A negative of a picture. Ends early when the caller has left, and moves the result instead of copying it. */
export function invert(
  { pixels }: { readonly pixels: Uint8Array<ArrayBuffer> },
  { signal }: JobContext,
): Transferring<Uint8Array<ArrayBuffer>> {
  for (let i = 0; i < pixels.length; i++) {
    if (i % 4096 === 0) signal.throwIfAborted();
    pixels[i] = 255 - (pixels[i] ?? 0);
  }
  return withTransfer(pixels, [pixels.buffer]);
}

/** What nobody wants: a job that never ends. */
export function search(): never {
  for (;;);
}

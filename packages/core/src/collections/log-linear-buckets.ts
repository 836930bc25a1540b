/**
 * The scale of {@link LogLinearHistogram}: each power of two from 2^-10 to 2^30 is cut into 64 equal
 * buckets. The bits of a float64 hold this scale ready-made, as its exponent and the top six bits of
 * its mantissa, so a value finds its bucket by one shift.
 * @see https://hdrhistogram.org, whose layout this is, for floating point
 */
const SUB_BUCKET_BITS = 6;
const SUB_BUCKETS = 1 << SUB_BUCKET_BITS;
const LOWEST_EXPONENT = -10;
const OCTAVES = 40;
const FLOAT64_EXPONENT_BIAS = 1023;
const FLOAT64_MANTISSA_BITS_IN_HIGH_WORD = 20;

const SHIFT = FLOAT64_MANTISSA_BITS_IN_HIGH_WORD - SUB_BUCKET_BITS;
const FIRST_BUCKET_BITS = (FLOAT64_EXPONENT_BIAS + LOWEST_EXPONENT) << SUB_BUCKET_BITS;

/** Buckets of the scale; at four bytes each they take 10,240 bytes. */
export const BUCKETS: number = OCTAVES * SUB_BUCKETS;
/** Where the scale begins: about 0.00098. */
export const SCALE_START: number = 2 ** LOWEST_EXPONENT;
/** Where the scale ends, itself outside: 1,073,741,824. */
export const SCALE_END: number = 2 ** (LOWEST_EXPONENT + OCTAVES);
/** Farthest that {@link bucketMiddle} lies from a value of its bucket, relative to that value. */
export const RELATIVE_ERROR: number = 1 / (2 * SUB_BUCKETS + 1);

const double = new Float64Array(1);
const words = new Int32Array(double.buffer);
/** Which half holds the exponent: the second one on a little-endian machine. */
const HIGH_WORD = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1 ? 1 : 0;

/**
 * The bucket of a value: 0 to `BUCKETS - 1` on the scale. Below 0 for what lies before it, zero and
 * all negative numbers included; `BUCKETS` or more for what lies after it, infinity included. NaN may
 * be either.
 */
export function bucketOf(value: number): number {
  double[0] = value;
  return (words[HIGH_WORD]! >> SHIFT) - FIRST_BUCKET_BITS;
}

/** The smallest value of a bucket, and thereby the end of the one before it. */
export function bucketStart(bucket: number): number {
  const octave = LOWEST_EXPONENT + (bucket >> SUB_BUCKET_BITS);
  return 2 ** octave * (1 + (bucket & (SUB_BUCKETS - 1)) / SUB_BUCKETS);
}

/**
 * What stands for all values of a bucket: the harmonic mean of its edges, as it is relatively as far
 * from the one as from the other.
 */
export function bucketMiddle(bucket: number): number {
  const start = bucketStart(bucket);
  const end = bucketStart(bucket + 1);
  return (2 * start * end) / (start + end);
}

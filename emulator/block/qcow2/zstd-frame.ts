/**
 * Where a zstd frame ends (RFC 8878 §3.1.1): a compressed cluster is stored in whole sectors, and what follows the frame in its last one is not part of it.
 */
const MAGIC = [0x28, 0xb5, 0x2f, 0xfd] as const;
const DICTIONARY_BYTES = [0, 1, 2, 4] as const;
const RLE = 1;

/** Bytes of the frame that `bytes` begins with; all of them if it is none or not whole. */
export function zstdFrameBytes(bytes: Uint8Array): number {
  if (MAGIC.some((byte, n) => bytes[n] !== byte)) return bytes.length;
  const descriptor = bytes[4] ?? 0;
  const single = (descriptor >> 5) & 1;
  const sizeFlag = descriptor >> 6;
  const contentBytes = sizeFlag === 0 ? single : 2 ** sizeFlag;
  let at = 5 + (1 - single) + DICTIONARY_BYTES[(descriptor & 3) as 0 | 1 | 2 | 3] + contentBytes;
  for (;;) {
    if (at + 3 > bytes.length) return bytes.length;
    const header = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16);
    at += 3 + (((header >> 1) & 3) === RLE ? 1 : header >>> 3);
    if (header & 1) break;
  }
  return Math.min(at + (descriptor & 4), bytes.length);
}

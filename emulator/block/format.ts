/** Formats of disk images by the bytes they begin with: those that are implemented, and those that are known so that they can be named. */

export type ImageFormat = "raw" | "qcow2";

interface Signature {
  readonly format: string;
  readonly offset: number;
  readonly bytes: readonly number[];
}

const ascii = (text: string): number[] => Array.from(text, (character) => character.charCodeAt(0));

const SIGNATURES: readonly Signature[] = [
  { format: "qcow2", offset: 0, bytes: [0x51, 0x46, 0x49, 0xfb, 0, 0, 0, 2] },
  { format: "qcow2", offset: 0, bytes: [0x51, 0x46, 0x49, 0xfb, 0, 0, 0, 3] },
  { format: "qcow", offset: 0, bytes: [0x51, 0x46, 0x49, 0xfb] },
  { format: "qed", offset: 0, bytes: ascii("QED\0") },
  { format: "vmdk", offset: 0, bytes: ascii("KDMV") },
  { format: "vmdk", offset: 0, bytes: ascii("COWD") },
  { format: "vmdk", offset: 0, bytes: ascii("# Disk DescriptorFile") },
  { format: "vhdx", offset: 0, bytes: ascii("vhdxfile") },
  { format: "vpc", offset: 0, bytes: ascii("conectix") },
  { format: "vdi", offset: 64, bytes: [0x7f, 0x10, 0xda, 0xbe] },
  { format: "parallels", offset: 0, bytes: ascii("WithoutFreeSpace") },
  { format: "parallels", offset: 0, bytes: ascii("WithouFreSpacExt") },
  { format: "luks", offset: 0, bytes: [0x4c, 0x55, 0x4b, 0x53, 0xba, 0xbe] },
];

/** Bytes of an image that `probeFormat` looks at. */
export const PROBE_BYTES = 512;

/** The format whose signature the image begins with; "raw" if none. */
export function probeFormat(start: Uint8Array): string {
  const found = SIGNATURES.find(({ offset, bytes }) => bytes.every((byte, n) => start[offset + n] === byte));
  return found?.format ?? "raw";
}

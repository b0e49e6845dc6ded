/** A cpio archive in the "newc" form (Linux: Documentation/driver-api/early-userspace/buffer-format.rst), which a kernel takes as its initial RAM disk. */

export interface ArchiveFile {
  readonly path: string;
  /** Type and permissions as in st_mode. */
  readonly mode: number;
  readonly bytes?: Uint8Array;
  /** Major and minor number of a device node. */
  readonly device?: readonly [major: number, minor: number];
}

const align = (length: number): number => (length + 3) & ~3;

export function archive(files: readonly ArchiveFile[]): Uint8Array {
  const parts: Uint8Array[] = [];
  const add = (bytes: Uint8Array): void => {
    const padded = new Uint8Array(align(bytes.length));
    padded.set(bytes);
    parts.push(padded);
  };
  for (const [index, file] of [...files, { path: "TRAILER!!!", mode: 0 }].entries()) {
    const { path, mode, bytes = new Uint8Array(0), device = [0, 0] } = file as ArchiveFile;
    const name = new TextEncoder().encode(`${path}\0`);
    const numbers = [index + 1, mode, 0, 0, 1, 0, bytes.length, 0, 0, ...device, name.length, 0];
    const header = `070701${numbers.map((number) => number.toString(16).padStart(8, "0")).join("")}`;
    add(Uint8Array.of(...new TextEncoder().encode(header), ...name));
    add(bytes);
  }
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

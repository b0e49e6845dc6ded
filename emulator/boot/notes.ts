/**
 * ELF notes (gABI chapter 5, "Note Section") that tell how a kernel can be started.
 *
 * Invariant: at most a bounded number of notes is looked at, each inside its segment and the file; nothing here throws.
 */
import { viewOf, type ElfFile } from "./elf.ts";

export interface Note {
  readonly name: string;
  readonly type: number;
  /** File offsets of the note and of its descriptor. */
  readonly offset: number;
  readonly descriptorOffset: number;
  readonly descriptorBytes: number;
}

const MAX_NOTES = 4096;
const MAX_NAME = 64;

/** The notes of all PT_NOTE segments, in file order. */
export function readNotes(elf: ElfFile, bytes: Uint8Array): readonly Note[] {
  const view = viewOf(bytes);
  const notes: Note[] = [];
  for (const segment of elf.notes) {
    const end = Math.min(segment.offset + segment.length, bytes.length);
    // Names and descriptors are padded to 4 bytes, and to 8 in segments that say so (GNU properties).
    const align = (value: number): number =>
      Math.ceil(value / (segment.alignment === 8 ? 8 : 4)) * (segment.alignment === 8 ? 8 : 4);
    for (let at = segment.offset; at + 12 <= end && notes.length < MAX_NOTES;) {
      const nameBytes = view.getUint32(at, true);
      const descriptorBytes = view.getUint32(at + 4, true);
      const descriptorOffset = at + align(12 + nameBytes);
      const next = descriptorOffset + align(descriptorBytes);
      if (descriptorOffset + descriptorBytes > end) break;
      if (nameBytes > 0 && nameBytes <= MAX_NAME)
        notes.push({
          name: String.fromCharCode(...bytes.subarray(at + 12, at + 11 + nameBytes)),
          type: view.getUint32(at + 8, true),
          offset: at,
          descriptorOffset,
          descriptorBytes,
        });
      at = next;
    }
  }
  return notes;
}

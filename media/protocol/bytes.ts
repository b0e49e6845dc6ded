/**
 * What the Memory panel asks: bytes at a place, what points there, what lies there, what changed, and structures of the program laid over them.
 *
 * Offsets in a window count from its first byte and are numbers; bytes are base64.
 */
import type { Place } from "./place.ts";

/** Request `redzone/memoryBytes`. */
export interface BytesArguments {
  readonly place: Place;
  /** At most 65536. */
  readonly count: number;
  /** The frame whose registers and variables are marked; absent: the innermost one of the CPU in focus. */
  readonly frameId?: number;
}

/** Bytes of the window from `offset` on, `length` of them. */
export interface Stretch {
  readonly offset: number;
  readonly length: number;
}

/** Something of the program or the processor that is in the window. */
export interface MarkBody extends Stretch {
  /** `register` points there; a `symbol` or `variable` lies there, and may begin before the window (`offset` < 0) or end behind it. */
  readonly kind: "register" | "symbol" | "variable";
  readonly name: string;
  readonly type: string | null;
  readonly value: string | null;
}

export interface BytesBody {
  readonly place: Place;
  /** base64; bytes that cannot be read are zeros. */
  readonly data: string;
  /** What cannot be read, and why. */
  readonly holes: readonly (Stretch & { readonly why: string })[];
  /** Bytes that are not what they were at the stop before. */
  readonly changed: readonly Stretch[];
  /** Pages written since the stop before, whose bytes from then are not known because nobody looked. */
  readonly written: readonly Stretch[];
  readonly marks: readonly MarkBody[];
}

/** Request `redzone/memoryWrite`: all bytes or none; the machine must stand still. */
export interface BytesWriteArguments {
  readonly place: Place;
  /** base64 */
  readonly data: string;
}

/** Request `redzone/memoryOverlay`: a type of the program laid over memory. */
export interface OverlayArguments {
  readonly place: Place;
  /** As a cast has it: "struct page_table", "u32[16]", "Elf64_Ehdr". */
  readonly type: string;
}

export interface OverlayField extends Stretch {
  /** "entries[3].present" */
  readonly path: string;
  readonly name: string;
  readonly depth: number;
  readonly type: string;
  readonly value: string;
  /** Of a bit-field: its lowest bit, counted from `offset`, and its width. */
  readonly bits: { readonly from: number; readonly count: number } | null;
  readonly hasChildren: boolean;
}

export interface OverlayBody {
  /** The type as the program spells it. */
  readonly type: string;
  readonly sizeBytes: number;
  /** The whole first, then its parts, each followed by its own. */
  readonly fields: readonly OverlayField[];
  /** There are more fields than are listed. */
  readonly more: boolean;
}

/** Request `redzone/memoryTypes`: names of types of the program. */
export interface TypesArguments {
  readonly prefix: string;
}

export interface TypesBody {
  readonly names: readonly string[];
}

export interface BytesRequests {
  "redzone/memoryBytes": { readonly arguments: BytesArguments; readonly body: BytesBody };
  "redzone/memoryWrite": { readonly arguments: BytesWriteArguments; readonly body: undefined };
  "redzone/memoryOverlay": { readonly arguments: OverlayArguments; readonly body: OverlayBody };
  "redzone/memoryTypes": { readonly arguments: TypesArguments; readonly body: TypesBody };
}

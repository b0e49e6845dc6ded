/** An address as it travels between views, and the views that can show one. */

/**
 * What an offset counts in: `linear` is what instructions use, through segments already and before page tables; `physical` is after
 * them; `ram` is QEMU's `ram_addr_t`, where RAMBlocks lie end to end; `io` is the 64 KiB of ports.
 */
export type PlaceSpace = "linear" | "physical" | "ram" | "io";

export interface Place {
  readonly space: PlaceSpace;
  /** "0x…" */
  readonly offset: string;
}

/** `hexEditor` is the editor's own view of memory, `memoryInspector` that extension's, where it is installed. */
export type View =
  | "memory"
  | "disassembly"
  | "source"
  | "pageTables"
  | "ramLayout"
  | "stack"
  | "hexEditor"
  | "memoryInspector";

/** Argument of the command `redzone.reveal`. */
export interface RevealArguments {
  readonly view: View;
  readonly place: Place;
}

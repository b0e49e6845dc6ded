/**
 * Red-zone clobbers: bytes below a stack pointer that an event on the same stack overwrote while the interrupted function still needed them.
 *
 * Invariant: addresses are linear, "0x…". The window is the 128 bytes below `pointer`, lowest address first, in hexadecimal without spaces.
 */

/**
 * latent: what the interrupted function may still read was changed. confirmed: it has read it. ist: an event came on a stack of the interrupt-stack table that an
 * earlier one still used.
 */
export type ClobberKind = "latent" | "confirmed" | "ist";

export interface ClobberCounts {
  readonly latent: number;
  readonly confirmed: number;
  readonly ist: number;
}

/** Clobbers of one function by one vector. */
export interface ClobberGroup extends ClobberCounts {
  readonly functionName: string;
  /** Where the function begins, or the interrupted instruction if nobody knows. */
  readonly address: string;
  readonly vector: number;
  /** "IRQ 0 (vector 0x20)", "#PF (page fault)", "INT 0x80" */
  readonly cause: string;
  /** Of the first that was found. */
  readonly instant: number;
}

export interface StackClobber {
  readonly kind: ClobberKind;
  readonly cpu: number;
  readonly instant: number;
  readonly vector: number;
  readonly cause: string;
  /** 0: none. */
  readonly ist: number;
  readonly functionName: string;
  /** Where the function was interrupted, and its stack pointer there. */
  readonly pc: string;
  readonly pointer: string;
  readonly handler: string;
  /** Of what the processor pushed, its lowest byte. */
  readonly frame: string;
  /** All 128 bytes; empty for "ist". */
  readonly before: string;
  readonly after: string;
  /** Runs of bytes that may still be read, from the stack pointer: -128 … 0. Null: not known. */
  readonly live: readonly { readonly from: number; readonly to: number }[] | null;
  /** The instruction that read what was overwritten. */
  readonly read: { readonly pc: string; readonly address: string; readonly sizeBytes: number } | null;
}

/** Response of `redzone/stackClobbers`. */
export interface StackClobbersBody {
  /** Whether a filter of the Breakpoints view has them looked for. */
  readonly isOn: boolean;
  readonly counts: ClobberCounts;
  /** The most frequent first. */
  readonly groups: readonly ClobberGroup[];
  /** The last hundred, oldest first. */
  readonly recent: readonly StackClobber[];
}

export interface ClobberRequests {
  "redzone/stackClobbers": { readonly arguments: undefined; readonly body: StackClobbersBody };
}

/**
 * What unwinding starts from and what it gives.
 */
import type { Architecture } from "../model.ts";
import type { FrameRow } from "./cfi.ts";

export type ReadMemory = (address: bigint, length: number) => Uint8Array | null;

/** The state of a frame before anything is known of its caller. */
export interface FrameState {
  readonly architecture: Architecture;
  readonly registers: ReadonlyMap<number, bigint>;
  readonly readMemory: ReadMemory;
  /** Execution stands at the instruction pointer itself (the top frame, an interrupted one) and not behind a call. */
  readonly isExact: boolean;
}

export interface Unwound {
  readonly kind: "caller";
  /** The caller's registers; those the callee may have destroyed are absent. */
  readonly registers: ReadonlyMap<number, bigint>;
  /** Canonical frame address of the frame that was left: the caller's stack pointer before the call's arguments are popped. */
  readonly cfa: bigint;
  readonly method: "cfi" | "frame-pointer" | "prologue" | "scan" | "interrupt";
  /** The caller was interrupted, so its instruction pointer is exact and not a return address. */
  readonly isExact: boolean;
}

/** Why there is no caller. */
export interface Outermost {
  readonly kind: "outermost";
  readonly reason: string;
  readonly cfa?: bigint;
}

/** What unwinding needs of symbols. Addresses are the guest's. */
export interface UnwindSymbols {
  /** The call frame rules at an address, with the load offset of their image. */
  rulesAt(address: bigint): { readonly row: FrameRow; readonly bias: bigint } | null;
  /** Entry of the function at an address, null if nobody knows. */
  functionStart(address: bigint): bigint | null;
  /** Whether an address is in some image's code. */
  hasCode(address: bigint): boolean;
}

/** Where to look a frame up: behind a call to a function that never returns lies another function. */
export function lookupAddress(state: Pick<FrameState, "isExact">, pc: bigint): bigint {
  return state.isExact || pc === 0n ? pc : pc - 1n;
}

export function readWord(readMemory: ReadMemory, address: bigint, wordBytes: 4 | 8): bigint | undefined {
  const bytes = readMemory(address, wordBytes);
  if (!bytes || bytes.length < wordBytes) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, wordBytes);
  return wordBytes === 8 ? view.getBigUint64(0, true) : BigInt(view.getUint32(0, true));
}

/**
 * What can happen in the processor: faults (values thrown inside `cpu/` and caught by its run loop, never seen outside), stops,
 * and the events a debugger may watch.
 */
import type { LinearAddress, PhysicalAddress } from "../numbers.ts";
import type { Clobber } from "./clobber.ts";
import type { StaleUse } from "./stale.ts";

/** Exception vectors, by the manual's mnemonics (SDM 3A table 6-1). */
export const VECTOR = {
  DE: 0,
  DB: 1,
  NMI: 2,
  BP: 3,
  OF: 4,
  BR: 5,
  UD: 6,
  NM: 7,
  DF: 8,
  TS: 10,
  NP: 11,
  SS: 12,
  GP: 13,
  PF: 14,
  MF: 16,
  AC: 17,
  MC: 18,
  XM: 19,
} as const;

/**
 * A guest fault on its way to delivery. Thrown as a plain value (no stack is captured) by anything that executes an instruction: TypeScript
 * call-outs, and the imports that emitted code calls. `rip` is still that of the instruction when it is caught.
 */
export class Fault {
  readonly vector: number;
  /** null: this vector pushes no error code */
  readonly errorCode: number | null;
  /** For #PF: the linear address, which goes to CR2 at delivery. For #DB: bits to set in DR6. */
  readonly address: bigint | null;
  /** For the debugger: why, in one English sentence without a full stop ("DS limit 0xffff exceeded by 0x10000"). */
  readonly why: string;
  constructor(vector: number, errorCode: number | null, why: string, address: bigint | null = null) {
    this.vector = vector;
    this.errorCode = errorCode;
    this.why = why;
    this.address = address;
  }
}

/** One link of the chain that ends in a triple fault. */
export interface FaultRecord {
  readonly vector: number;
  readonly errorCode: number | null;
  readonly address: LinearAddress | null;
  readonly rip: bigint;
  readonly cs: number;
  readonly why: string;
}

/** Why the processor cannot go on. Thrown like a fault; the machine stops with it. */
export class Halt {
  readonly reason: HaltReason;
  constructor(reason: HaltReason) {
    this.reason = reason;
  }
}

export type HaltReason =
  /** An instruction, or a feature of one, that the emulator does not implement. `bytes` are the instruction's. */
  | {
      readonly kind: "unimplemented";
      readonly name: string;
      readonly rip: bigint;
      readonly bytes: Uint8Array;
    }
  /** A fault while delivering #DF. State is that of the first faulting instruction; nothing was delivered. Oldest first. */
  | { readonly kind: "triple-fault"; readonly chain: readonly FaultRecord[] }
  | { readonly kind: "out-of-memory"; readonly text: string };

/** Kinds of events a debugger can ask for; `Core.watched` is a set of these bits, 0 when nothing is watched. */
export const WATCH = {
  exception: 1,
  interrupt: 2,
  mode: 4,
  control: 8,
  msr: 16,
  port: 32,
  mmio: 64,
  privilege: 128,
  redZone: 256,
  staleTlb: 512,
} as const;

/**
 * Why the processor leaves its path. "fault": an exception whose return address is the instruction's; "trap": #DB after an instruction;
 * "software": INT n; the rest as named. RIP is what goes on the stack.
 */
export type DeliveryKind = "fault" | "trap" | "external" | "nmi" | "software" | "int3" | "into" | "int1";

/**
 * An event as it is reported to `Core.report`. Exceptions are reported before delivery, while all state is still that of the faulting
 * instruction; everything else after the instruction (or the delivery) that did it.
 */
export type CpuEvent =
  | { readonly kind: "exception"; readonly fault: FaultRecord }
  /** External (`software: false`) or INT n. */
  | { readonly kind: "interrupt"; readonly vector: number; readonly software: boolean }
  /** A mode bit changed: which ("PE", "PG", "LMA", "CS.L", "VM") and to what. */
  | { readonly kind: "mode"; readonly bit: "PE" | "PG" | "LMA" | "CS.L" | "VM"; readonly value: boolean }
  | { readonly kind: "control"; readonly register: string; readonly before: bigint; readonly after: bigint }
  | { readonly kind: "msr"; readonly index: number; readonly value: bigint; readonly write: boolean }
  | {
      readonly kind: "port";
      readonly port: number;
      readonly size: number;
      readonly value: number;
      readonly write: boolean;
    }
  | {
      readonly kind: "mmio";
      readonly address: PhysicalAddress;
      readonly size: number;
      readonly value: number;
      readonly write: boolean;
    }
  | { readonly kind: "privilege"; readonly before: number; readonly after: number }
  /** What the red-zone detector found: at the delivery ("latent", "ist"), at the IRET ("latent") or at the access ("confirmed"). */
  | { readonly kind: "red-zone"; readonly clobber: Clobber }
  /** An access through a translation that memory no longer says: a read or write that has been made, or a fetch whose instruction is next. */
  | { readonly kind: "stale-tlb"; readonly use: StaleUse };

/** An access to a watched range of memory, reported to `Core.reportAccess` while the instruction is under way. */
export interface WatchedAccess {
  readonly linear: LinearAddress;
  readonly physical: PhysicalAddress;
  readonly size: number;
  readonly write: boolean;
}

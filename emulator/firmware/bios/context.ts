/** What services share: what they ask of the machine, and what the BIOS remembers outside of the guest's memory. */
import type { BlockImage } from "../../block/image.ts";
import type { MapEntry } from "../../boot/memory-map.ts";
import type { DriveConfig } from "../../machine/types.ts";
import type { Nanoseconds } from "../../numbers.ts";
import type { Call } from "./call.ts";
import type { Emulation } from "./el-torito.ts";

/** A drive of the machine as the BIOS finds it; no image: an empty tray. */
export interface BiosDrive {
  readonly config: DriveConfig;
  readonly image: BlockImage | null;
}

/** Plain data, part of the machine's state. */
export type BiosState = {
  /** The CPU that has executed a stub's OUT and whose service has not run. */
  pending: number | null;
  /** Which of the boot candidates is tried next. */
  candidate: number;
  /** A CD pretends to be a floppy or a hard disk. */
  emulation: Emulation | null;
  /** Virtual time at which a service began to wait for something that has a time-out. */
  waitingSince: number | null;
  mouse: MouseState;
};

/** The pointing device interface (INT 15h AH=C2h). */
export type MouseState = {
  enabled: boolean;
  /** Far address of the program's handler; 0: none. */
  handler: number;
  packetBytes: number;
  received: number[];
  /** A command under way: bytes to send still, answers to wait for, answers so far; AX of the caller. */
  command: { send: number[]; awaited: number; answers: number[]; ax: number } | null;
};

export interface BiosContext {
  readonly state: BiosState;
  readonly now: Nanoseconds;
  readonly drives: readonly BiosDrive[];
  /** `-boot order=` */
  readonly bootOrder: string;
  /** The map of INT 15h E820. */
  readonly memoryMap: () => readonly MapEntry[];
  /** A line for whoever debugs the guest: what was tried, what is unknown. */
  readonly log: (line: string) => void;
}

/** Runs between the stub's OUT and the instruction behind it. Throws `Pending` before it has changed anything. */
export type Service = (call: Call, context: BiosContext) => void;

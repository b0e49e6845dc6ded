/**
 * The call stack of a CPU as frames: real ones, inlined ones, and the interrupted ones below an interrupt or exception.
 *
 * Invariant: frames belong to one stop; the machine must not run while they are used. A frame keeps the whole machine state that its callers'
 * frames have, so registers and variables of every frame come from one place.
 * Elsewhere: how a caller is found (`symbols/unwind/`), names in a frame (`names.ts`).
 */
import type { Core } from "../../emulator/index.ts";
import { GuestSpace } from "../memory/space.ts";
import { codeBits, findRegister, programCounter, stackPointer, type Register } from "../registers/index.ts";
import {
  convention,
  REGISTER_NAMES,
  type Architecture,
  type FrameContext,
  type StackFrame,
  type SymbolFrame,
  type SymbolTable,
} from "../symbols/index.ts";

/** A corrupt stack may seem to go on for ever. */
export const DEEPEST = 512;

export interface Frame {
  readonly core: Core;
  readonly space: GuestSpace;
  /** From 0, innermost first, inlined ones counted. */
  readonly index: number;
  readonly bits: 16 | 32 | 64;
  readonly architecture: Architecture;
  /** Where execution stands or will return to, linear. */
  readonly pc: bigint;
  readonly physical: StackFrame;
  /** Null where nothing is known of the code. */
  readonly symbols: SymbolFrame | null;
  /** The innermost real frame: registers are those of the CPU. */
  readonly isTop: boolean;
}

export function architectureOf(core: Core): Architecture {
  return codeBits(core) === 64 ? "x86-64" : "i386";
}

/** Reads memory for unwinding and locations: null where there is none. */
export const reader =
  (space: GuestSpace) =>
  (address: bigint, length: number): Uint8Array | null => {
    const { bytes, why } = space.readUpTo({ space: "linear", offset: address }, length);
    return why === null ? bytes : null;
  };

/** Registers that DWARF has numbers for and that unwinding can follow. */
function numbered(architecture: Architecture): readonly (readonly [number, Register])[] {
  return REGISTER_NAMES[architecture].flatMap((name, number) => {
    const register = name === "" ? null : findRegister(name);
    const isFollowed =
      register !== null &&
      (register.shape === "integer" || register.shape === "address" || name.endsWith("flags"));
    return isFollowed ? [[number, register] as const] : [];
  });
}
const NUMBERED: Record<Architecture, readonly (readonly [number, Register])[]> = {
  "x86-64": numbered("x86-64"),
  i386: numbered("i386"),
};

/** The CPU's registers by DWARF number; instruction and stack pointer as linear addresses. */
export function topRegisters(core: Core): Map<number, bigint> {
  const architecture = architectureOf(core);
  const names = convention(architecture);
  const registers = new Map<number, bigint>();
  for (const [number, register] of NUMBERED[architecture]) registers.set(number, register.read(core));
  registers.set(names.instructionPointer, programCounter(core));
  registers.set(names.stackPointer, stackPointer(core));
  return registers;
}

/** Frames from the innermost on. */
export function* framesOf(core: Core, table: SymbolTable): Generator<Frame> {
  const space = new GuestSpace(core);
  const bits = codeBits(core);
  const architecture = architectureOf(core);
  const common = { core, space, bits, architecture };
  let index = 0;
  let isTop = true;
  for (const physical of table.walk(architecture, topRegisters(core), reader(space))) {
    const { pc } = physical;
    if (physical.functions.length === 0)
      yield { ...common, index: index++, pc, physical, symbols: null, isTop };
    for (const symbols of physical.functions)
      yield { ...common, index: index++, pc, physical, symbols, isTop };
    isTop = false;
    if (index >= DEEPEST) return;
  }
}

/** The innermost frame alone: its callers are not looked for, which in code without call frame information takes milliseconds. */
export function topFrame(core: Core, table: SymbolTable): Frame {
  const space = new GuestSpace(core);
  const pc = programCounter(core);
  const context: FrameContext = { address: pc, registers: topRegisters(core), readMemory: reader(space) };
  const functions = table.framesAt(pc);
  const physical: StackFrame = { pc, address: pc, context, functions, method: "top", isInterrupted: false };
  return {
    core,
    space,
    bits: codeBits(core),
    architecture: architectureOf(core),
    index: 0,
    pc,
    physical,
    symbols: functions[0] ?? null,
    isTop: true,
  };
}

/** "kmain+0x1c", "kmain", or null. */
export function describeAddress(table: SymbolTable, address: bigint): string | null {
  const fun = table.functionAt(address);
  if (fun !== null) return withOffset(fun.name, address - fun.low);
  const found = table.symbolAt(address);
  return found === null ? null : withOffset(found.symbol.demangled, found.offset);
}

const withOffset = (name: string, offset: bigint): string =>
  offset === 0n ? name : offset > 0n ? `${name}+0x${offset.toString(16)}` : name;

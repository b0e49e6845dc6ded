/**
 * What the processor pushes when it delivers an interrupt or exception (SDM 3A §6.12.1, §6.14.2), recognised on a stack.
 *
 *     64-bit   SS RSP RFLAGS CS RIP [error code]     always all five, and RSP was aligned down to 16 before
 *     32-bit   [SS ESP] EFLAGS CS EIP [error code]   the stack only if the privilege level changed; from virtual-8086 mode GS FS DS ES above
 */
import type { Core } from "../../emulator/index.ts";
import { vectorText, errorCodeText } from "../exceptions/vector.ts";
import { littleEndian, type GuestSpace } from "../memory/space.ts";
import { codeBits } from "../registers/index.ts";
import { RFLAGS_FIELDS } from "../registers/field.ts";
import type { StackFrame, SymbolTable } from "../symbols/index.ts";
import { gateThrough } from "./gates.ts";

export interface PushedWord {
  readonly address: bigint;
  readonly name: string;
  readonly value: bigint;
  /** What there is to say of the value. */
  readonly note: string | null;
}

export interface Pushed {
  /** Null if the code that runs belongs to no gate, or to several. */
  readonly vector: number | null;
  readonly words: readonly PushedWord[];
  readonly low: bigint;
  readonly high: bigint;
  /** The stack pointer of what was interrupted; null if it was not pushed. */
  readonly pointer: bigint | null;
}

/** Vectors for which the processor pushes an error code (SDM 3A table 6-1; AMD APM 2 table 8-1 for #HV, #VC and #SX). */
const WITH_ERROR_CODE: ReadonlySet<number> = new Set([8, 10, 11, 12, 13, 14, 17, 21, 29, 30]);
const VIRTUAL_8086 = 1n << 17n;

/** The words around a saved instruction pointer at `at`; null if they cannot be read. */
export function pushedAt(
  core: Core,
  space: GuestSpace,
  table: SymbolTable,
  at: bigint,
  handler: StackFrame,
): Pushed | null {
  const is64 = codeBits(core) === 64;
  const size = is64 ? 8 : 4;
  const word = (n: number): bigint | null => {
    const { bytes, why } = space.readUpTo({ space: "linear", offset: at + BigInt(n * size) }, size);
    return why === null ? littleEndian(bytes) : null;
  };
  const [ip, cs, flags] = [word(0), word(1), word(2)];
  if (ip === null || cs === null || flags === null) return null;
  const prefix = is64 ? "R" : "E";
  const isVirtual = !is64 && (flags & VIRTUAL_8086) !== 0n;
  const changed = is64 || isVirtual || (cs & 3n) !== BigInt(core.cpl);
  const names = [
    `${prefix}IP`,
    "CS",
    `${prefix}FLAGS`,
    ...(changed ? [`${prefix}SP`, "SS"] : []),
    ...(isVirtual ? ["ES", "DS", "FS", "GS"] : []),
  ];
  const vector = gateThrough(core, space, table, handler);
  const words: PushedWord[] = [];
  const hasCode = vector !== null && WITH_ERROR_CODE.has(vector);
  const code = hasCode ? word(-1) : null;
  if (code !== null && vector !== null)
    words.push({
      address: at - BigInt(size),
      name: "error code",
      value: code,
      note: errorCodeText(vector, Number(code & 0xffff_ffffn)),
    });
  for (const [n, name] of names.entries()) {
    const value = word(n);
    if (value === null) return null;
    words.push({ address: at + BigInt(n * size), name, value, note: noteOf(name, value, vector) });
  }
  return {
    vector,
    words,
    low: words[0]!.address,
    high: at + BigInt(names.length * size),
    pointer: changed ? words.find(({ name }) => name.endsWith("SP"))!.value : null,
  };
}

function noteOf(name: string, value: bigint, vector: number | null): string | null {
  if (name.endsWith("IP"))
    return vector === null ? "interrupted here" : `interrupted here by ${vectorText(vector)}`;
  if (name.endsWith("FLAGS")) return flagsText(value);
  if (name === "CS") return `ring ${value & 3n}`;
  if (name.endsWith("SP")) return "the stack pointer when it was interrupted";
  return null;
}

/** "[ZF PF IF]" */
function flagsText(flags: bigint): string {
  const names = RFLAGS_FIELDS.filter(
    ({ low, high }) => low === high && ((flags >> BigInt(low)) & 1n) === 1n,
  ).map(({ name }) => name);
  return names.length === 0 ? "no flag set" : names.join(" ");
}

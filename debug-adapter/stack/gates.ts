/**
 * The gates of the IDT of a CPU, and which of them led to the code that runs.
 *
 * Elsewhere: decoding (`registers/descriptor.ts`), showing the table (`variables/tables.ts`).
 */
import { MODE, type Core } from "../../emulator/index.ts";
import type { GuestSpace } from "../memory/space.ts";
import { decodeGate } from "../registers/index.ts";
import type { StackFrame, SymbolTable } from "../symbols/index.ts";

export interface Gate {
  readonly vector: number;
  /** Linear address of its handler. */
  readonly offset: bigint;
  /** 0: it stays on the stack it finds, unless the privilege level changes. */
  readonly ist: number;
}

/** A stub of 256 equal ones has at most this many bytes. */
const STUB_BYTES = 32n;

/** The usable gates of the IDT; none in real mode. */
export function gatesOf(core: Core, space: GuestSpace): readonly Gate[] {
  if ((core.mode & MODE.protected) === 0) return [];
  const long = (core.mode & MODE.long) !== 0;
  const { base, limit } = core.idtr;
  const size = long ? 16 : 8;
  const length = Math.min(256, Math.floor((limit + 1) / size)) * size;
  const { bytes } = space.readUpTo({ space: "linear", offset: base }, length);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const gates: Gate[] = [];
  for (let at = 0; at + size <= bytes.length; at += size) {
    const gate = decodeGate(view.getBigUint64(at, true), long ? view.getBigUint64(at + 8, true) : 0n, long);
    if (gate.kind !== "gate" || !gate.present || gate.type === "task gate") continue;
    gates.push({ vector: at / size, offset: gate.offset, ist: gate.ist });
  }
  return gates;
}

/** The vector through whose gate a handler's code was entered: null if its function belongs to none, or to several. */
export function gateThrough(
  core: Core,
  space: GuestSpace,
  table: SymbolTable,
  { address, functions }: Pick<StackFrame, "address" | "functions">,
): number | null {
  const gates = gatesOf(core, space);
  const ranges = functions.at(-1)?.function.ranges ?? [];
  const own = gates.filter(({ offset }) => ranges.some(({ low, high }) => offset >= low && offset < high));
  if (own.length === 1) return own[0]!.vector;
  // Many stubs in one function, or without one: the code stands in the one that begins just before.
  let nearest: Gate | null = null;
  let isShared = false;
  for (const gate of gates) {
    if (gate.offset > address || address - gate.offset >= STUB_BYTES) continue;
    if (table.functionStart(gate.offset) !== table.functionStart(address)) continue;
    if (nearest !== null && gate.offset === nearest.offset) isShared = true;
    if (nearest === null || gate.offset > nearest.offset) {
      nearest = gate;
      isShared = false;
    }
  }
  return isShared ? null : (nearest?.vector ?? null);
}

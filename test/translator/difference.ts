/**
 * Where two machines differ that ought to be the same: registers by name, TLBs, devices, pages.
 *
 * Successive states of a machine share the pages that did not change, so that comparing costs what changed since the last comparison.
 */
import { isDeepStrictEqual } from "node:util";
import { STATE, STATE_BYTES, type MachineState } from "../../emulator/index.ts";
import { statePage } from "../../emulator/memory/snapshot.ts";

type Blocks = MachineState["memory"]["blocks"];
type Chunk = Blocks[string]["chunks"][number];

const PAGES_TOLD = 4;
const REGISTERS = Object.entries(STATE)
  .filter(([name]) => name !== "end")
  .toSorted(([, a], [, b]) => a - b);

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

/** Names of the fields of the CPU state, with both values, little-endian. */
function registers(cpu: number, ours: Uint8Array, theirs: Uint8Array): string[] {
  const found: string[] = [];
  for (const [index, [name, from]] of REGISTERS.entries()) {
    const to = REGISTERS[index + 1]?.[1] ?? STATE_BYTES;
    const width = name === "gpr" || name === "dr" ? 8 : name === "xmm" || name === "fpuRegisters" ? 16 : 32;
    for (let at = from; at < to; at += width) {
      const end = Math.min(at + width, to);
      const [a, b] = [ours.subarray(at, end), theirs.subarray(at, end)];
      const part = to - from > width ? `[${(at - from) / width}]` : "";
      if (Buffer.compare(a, b) !== 0)
        found.push(`CPU ${cpu} ${name}${part}: ${hex(a.toReversed())} and ${hex(b.toReversed())}`);
    }
  }
  const [a, b] = [ours.subarray(STATE_BYTES), theirs.subarray(STATE_BYTES)];
  if (Buffer.compare(a, b) !== 0) {
    const at = a.findIndex((byte, index) => byte !== b[index]);
    const near = (bytes: Uint8Array): string => hex(bytes.subarray(at & ~15, (at & ~15) + 32));
    found.push(
      `CPU ${cpu} TLBs, saved ${a.length} and ${b.length} bytes, from ${at}: ${near(a)} and ${near(b)}`,
    );
  }
  return found;
}

/** Compares the states of two machines again and again. */
export class Comparison {
  #ours: Blocks = {};
  #theirs: Blocks = {};

  /** What differs, in words; empty if nothing does. */
  differences(ours: MachineState, theirs: MachineState): string[] {
    const found: string[] = [];
    if (ours.instant !== theirs.instant || ours.idle !== theirs.idle)
      found.push(`at ${ours.instant} + ${ours.idle} idle and ${theirs.instant} + ${theirs.idle}`);
    for (const [index, cpu] of ours.cpus.entries()) {
      const other = theirs.cpus[index]!;
      if (Buffer.compare(cpu, other) !== 0) found.push(...registers(index, cpu, other));
    }
    for (const [name, device] of Object.entries(ours.devices)) {
      const other = theirs.devices[name];
      if (!isDeepStrictEqual(device, other))
        found.push(
          `${name}: ${JSON.stringify(device).slice(0, 300)} and ${JSON.stringify(other).slice(0, 300)}`,
        );
    }
    found.push(...this.#memory(ours.memory.blocks, theirs.memory.blocks));
    this.#ours = ours.memory.blocks;
    this.#theirs = theirs.memory.blocks;
    return found;
  }

  #memory(ours: Blocks, theirs: Blocks): string[] {
    const found: string[] = [];
    for (const [idstr, block] of Object.entries(ours)) {
      const other = theirs[idstr]!;
      const count = Math.max(block.chunks.length, other.chunks.length);
      for (let index = 0; index < count; index++) {
        const [a, b] = [block.chunks[index] ?? null, other.chunks[index] ?? null];
        const isKnown =
          a === (this.#ours[idstr]?.chunks[index] ?? null) &&
          b === (this.#theirs[idstr]?.chunks[index] ?? null);
        if (isKnown) continue;
        for (const page of this.#pages(idstr, index, a, b)) {
          if (found.length === PAGES_TOLD) return [...found, "and more pages"];
          found.push(difference(idstr, page, statePage(block, page), statePage(other, page)));
        }
      }
    }
    return found;
  }

  /** Pages of a chunk that differ, those left out that were equal before and have not changed. */
  *#pages(idstr: string, index: number, ours: Chunk, theirs: Chunk): Generator<number> {
    const size = Math.max(ours?.length ?? 0, theirs?.length ?? 0);
    const [oursBefore, theirsBefore] = [this.#ours, this.#theirs].map(
      (blocks) => blocks[idstr]?.chunks[index],
    );
    for (let n = 0; n < size; n++) {
      const [a, b] = [ours?.[n] ?? null, theirs?.[n] ?? null];
      if (a === b || (oursBefore && theirsBefore && a === oursBefore[n] && b === theirsBefore[n])) continue;
      if (a === null || b === null || Buffer.compare(a, b) !== 0) yield index * CHUNK_PAGES + n;
    }
  }
}

const CHUNK_PAGES = 512;

function difference(idstr: string, page: number, ours: Uint8Array | null, theirs: Uint8Array | null): string {
  const zeros = new Uint8Array(4096);
  const [a, b] = [ours ?? zeros, theirs ?? zeros];
  const at = a.findIndex((byte, index) => byte !== b[index]);
  const near = (bytes: Uint8Array): string => hex(bytes.subarray(at, at + 16));
  return `${idstr} at 0x${(page * 4096 + at).toString(16)}: ${near(a)} and ${near(b)}`;
}

/**
 * Where an indirect jump leads to: the entries of the compiler's jump table, if it is one.
 *
 * Compilers make three kinds: addresses (8 bytes, or 4 in 32-bit code), and 4-byte distances from the table's own address in position-independent code.
 * A table is read up to the length that the comparison before the jump tells, and never beyond an entry that leads out of the function.
 */
import type { Frame } from "./frame.ts";
import type { Step } from "./step.ts";

export interface CodeBytes {
  /** Bytes of the program at a linear address; null where it has none. */
  read(address: bigint, length: number): Uint8Array | null;
}

const ENTRIES_MAX = 4096;

/** Targets from the function's lowest address; "call" if it goes to another function, null if nobody can tell. */
export function targetsOf(
  step: Step,
  frame: Frame,
  word: number,
  address: bigint,
  has: (at: number) => boolean,
  code: CodeBytes,
): readonly number[] | "call" | null {
  const { action } = step;
  const [operand] = step.operands;
  let table: bigint | null = null;
  let bytes = word;
  let relativeTo: bigint | null = null;
  if (action.kind === "go") {
    const value = frame.registers[action.to]!;
    if (value?.kind === "constant") {
      const at = Number(BigInt.asIntN(64, value.value - address));
      return has(at) ? [at] : "call";
    }
    if (value?.kind === "entry") ({ table, bytes, relativeTo } = value);
  } else if (operand !== undefined) {
    table = frame.tableOf(operand, word);
  }
  if (table === null) return "call";
  const targets: number[] = [];
  const count = Math.min(frame.limit ?? ENTRIES_MAX, ENTRIES_MAX);
  for (let index = 0; index < count; index++) {
    const entry = code.read(table + BigInt(index * bytes), bytes);
    if (entry === null || entry.length < bytes) break;
    const view = new DataView(entry.buffer, entry.byteOffset, bytes);
    const target =
      relativeTo !== null
        ? relativeTo + BigInt(view.getInt32(0, true))
        : bytes === 8
          ? view.getBigUint64(0, true)
          : BigInt(view.getUint32(0, true));
    const at = Number(BigInt.asIntN(word * 8, target - address));
    if (!has(at)) break;
    targets.push(at);
  }
  return targets.length > 0 ? [...new Set(targets)] : null;
}

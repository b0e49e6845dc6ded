/**
 * The stacks that the processor switches to by itself: those in the task-state segment (SDM 3A figures 8-2 and 8-11), and what they are for.
 *
 * Elsewhere: the segment as a tree of variables (`variables/tables.ts`).
 */
import { MODE, SEG, type Core } from "../../emulator/index.ts";
import { vectorNamed } from "../exceptions/vector.ts";
import { littleEndian, type GuestSpace } from "../memory/space.ts";
import { gatesOf, type Gate } from "./gates.ts";

export interface TaskStack {
  /** "RSP0", "IST 1" */
  readonly name: string;
  /** Where it starts, linear. */
  readonly top: bigint;
  readonly isInterruptStack: boolean;
  /** "for #DF, NMI" or what else it is for. */
  readonly use: string;
}

const GATES_NAMED = 6;

/** None in real mode, and without a TSS. */
export function taskStacks(core: Core, space: GuestSpace): readonly TaskStack[] {
  if ((core.mode & MODE.protected) === 0 || core.selector(SEG.tr) === 0) return [];
  const base = core.segmentBase(SEG.tr);
  const read = (offset: number, size: number): bigint => {
    const { bytes, why } = space.readUpTo({ space: "linear", offset: base + BigInt(offset) }, size);
    return why === null ? littleEndian(bytes) : 0n;
  };
  const rings = (name: (n: number) => string, size: number): TaskStack[] =>
    [0, 1, 2].map((n) => ({
      name: name(n),
      top: read(4 + n * 8, size),
      isInterruptStack: false,
      use: n === 0 ? "for interrupts and exceptions in ring 3" : `for calls into ring ${n}`,
    }));
  const isLong = (core.mode & MODE.long) !== 0;
  if (!isLong) {
    // Without SS there is no stack, whatever the number beside it.
    return rings((n) => `ESP${n}`, 4).filter(({ top }, n) => top !== 0n && read(8 + n * 8, 2) !== 0n);
  }
  const gates = gatesOf(core, space);
  const list = rings((n) => `RSP${n}`, 8);
  for (let n = 1; n <= 7; n++) {
    const own = gates.filter(({ ist }) => ist === n);
    list.push({
      name: `IST ${n}`,
      top: read(0x24 + (n - 1) * 8, 8),
      isInterruptStack: true,
      use: own.length === 0 ? "no gate uses it" : `for ${gatesText(own)}`,
    });
  }
  return list.filter(({ top }) => top !== 0n);
}

/** "#DF, NMI, vectors 0x20 and 15 others" */
function gatesText(gates: readonly Gate[]): string {
  const names = gates.map(({ vector }) => vectorNamed(vector)?.mnemonic ?? `vector 0x${vector.toString(16)}`);
  if (names.length <= GATES_NAMED) return names.join(", ");
  return `${names.slice(0, GATES_NAMED - 1).join(", ")} and ${names.length - GATES_NAMED + 1} others`;
}

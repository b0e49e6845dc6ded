/**
 * Pushes and calls of functions over their own red zone, found beforehand by static analysis of the images: inline assembly, mostly. They are few, so the machine
 * can look at each time one is executed.
 *
 * Elsewhere: what happens then (`emulator/machine/red-zone.ts`).
 */
import type { OwnPush } from "../../emulator/index.ts";
import { Program } from "../analysis/index.ts";
import type { SymbolTable } from "../symbols/index.ts";

/** Of a kernel with more functions (Linux) the analysis would take longer than anybody waits, and it is built without a red zone. */
const MOST_FUNCTIONS = 20_000;

/** Of an operand's ModRM and SIB bytes: a displacement of 8 bits from RSP, from RBP, and from either with an index (SDM 2A tables 2-2 and 2-3). */
const MODRM = { mask: 0xc7, sib: 0x44, rbp: 0x45 } as const;
const SIB = { mask: 7, rsp: 4, rbp: 5 } as const;
/** SUB of an immediate from RSP, with 8 or 32 bits, behind its REX prefix. */
const ROOM: readonly (readonly [number, number])[] = [
  [0x83, 0xec],
  [0x81, 0xec],
];

/**
 * Whether some bytes of a function look like an access below RSP: one by RSP with a negative displacement, or one by RBP where nothing makes room on the stack.
 * Whatever is none is not worth the analysis, which costs a thousand times as much.
 */
function looksBelow(code: Uint8Array | null): boolean {
  if (code === null) return false;
  let byRbp = false;
  let hasRoom = false;
  for (let n = 0; n + 2 < code.length; n++) {
    const first = code[n]!;
    const second = code[n + 1]!;
    const isNegative = code[n + 2]! >= 0x80;
    if ((first & MODRM.mask) === MODRM.sib && isNegative) {
      if ((second & SIB.mask) === SIB.rsp) return true;
      if ((second & SIB.mask) === SIB.rbp) byRbp = true;
    }
    if ((first & MODRM.mask) === MODRM.rbp && second >= 0x80) byRbp = true;
    if (ROOM.some(([a, b]) => first === a && second === b)) hasRoom = true;
  }
  return byRbp && !hasRoom;
}

/** Looks through all functions, one a step. Addresses are the guest's. */
export function* findOwnPushes(symbols: SymbolTable): Generator<undefined, readonly OwnPush[]> {
  const found: OwnPush[] = [];
  for (const image of symbols.images) {
    const program = new Program(image);
    if (program.bits !== 64 || program.functions.length > MOST_FUNCTIONS) continue;
    for (const bounds of program.functions) {
      if (!bounds.ranges.some(({ low, high }) => looksBelow(program.read(low, Number(high - low))))) continue;
      for (const { address, kind, from, to } of program.analyse(bounds).overwrites)
        found.push({ address: address + image.loadOffset, kind, from, to });
      yield;
    }
  }
  return found;
}

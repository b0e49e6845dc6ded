/**
 * Pushes and calls of functions over their own red zone, found beforehand by static analysis of the images: inline assembly, mostly. They are few, so the machine
 * can look at each time one is executed.
 *
 * Elsewhere: what happens then (`emulator/machine/red-zone.ts`).
 */
import type { OwnPush } from "../../emulator/index.ts";
import { Program } from "../analysis/index.ts";
import type { SymbolTable } from "../symbols/index.ts";
import { looksBelow } from "./look.ts";

/** Of a kernel with more functions (Linux) the analysis would take longer than anybody waits, and it is built without a red zone. */
const MOST_FUNCTIONS = 20_000;

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

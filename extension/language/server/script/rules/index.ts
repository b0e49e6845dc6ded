/**
 * The rules for linker scripts. Those of assembly are in `rules/`.
 */
import type { Rule } from "../../rules/rule.ts";
import { duplicateSymbol } from "./duplicate-symbol.ts";
import { loadAddress } from "./load-address.ts";
import { multibootDiscarded, multibootFar, multibootKept } from "./multiboot.ts";
import { orphan } from "./orphan.ts";
import { overlap } from "./overlap.ts";
import { placedTwice } from "./placed-twice.ts";
import { undefinedSymbol } from "./undefined-symbol.ts";
import { unknownHeader, unknownRegion } from "./unknown-name.ts";
import { writableExecutable } from "./writable-executable.ts";

export const scriptRules: readonly Rule[] = [
  overlap,
  writableExecutable,
  loadAddress,
  undefinedSymbol,
  duplicateSymbol,
  unknownRegion,
  unknownHeader,
  placedTwice,
  multibootDiscarded,
  multibootKept,
  multibootFar,
  orphan,
];

/** Vector instructions that are executed in TypeScript. All others of `isa/vector-*.ts` have meanings that are emitted. */
import type { Operation } from "../instruction.ts";
import { cipherOperations } from "./cipher.ts";
import { maskedMoveOperations } from "./masked-move.ts";
import { stringOperations } from "./string-compare.ts";

export const vectorOperations: Record<string, Operation> = {
  ...cipherOperations,
  ...maskedMoveOperations,
  ...stringOperations,
};

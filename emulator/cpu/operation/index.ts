/** Rare integer instructions that are executed in TypeScript. */
import type { Operation } from "../instruction.ts";
import { decimalOperations } from "./decimal.ts";
import { exchangeOperations } from "./exchange.ts";
import { frameOperations } from "./frame.ts";

export const integerOperations: Record<string, Operation> = {
  ...decimalOperations,
  ...exchangeOperations,
  ...frameOperations,
};

/** The instruction set as data: every family of instructions, with its encodings and its meaning. */
import { alu } from "./alu.ts";
import { bits } from "./bit.ts";
import { control } from "./control.ts";
import type { Family } from "./family.ts";
import { flags } from "./flag.ts";
import { flow } from "./flow.ts";
import { move } from "./move.ts";
import { multiplication } from "./multiply.ts";
import { returns } from "./return.ts";
import { shifts } from "./shift.ts";
import { sseFloat } from "./sse-float.ts";
import { strings } from "./string.ts";
import { system } from "./system.ts";
import { systemCalls } from "./syscall.ts";
import { vectorArithmetic } from "./vector-arithmetic.ts";
import { vectorMoves } from "./vector-move.ts";
import { vectorShuffles } from "./vector-shuffle.ts";

export const families: readonly Family[] = [
  ...alu,
  ...move,
  ...shifts,
  ...multiplication,
  ...bits,
  ...flow,
  ...strings,
  ...flags,
  ...control,
  ...system,
  ...systemCalls,
  ...returns,
  ...vectorMoves,
  ...vectorArithmetic,
  ...vectorShuffles,
  ...sseFloat,
];

export { exceptionFunctions, exceptionImports } from "./sse-exception.ts";
export type { Family } from "./family.ts";
export type { Form, Operand } from "./form.ts";

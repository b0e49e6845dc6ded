/** Vector instructions that are executed in TypeScript, and what all vector instructions ask first. */
import type { Operation } from "../instruction.ts";

export const vectorOperations: Record<string, Operation> = {};

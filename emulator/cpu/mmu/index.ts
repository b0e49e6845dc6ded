/**
 * The memory management unit of emitted code: page walks and TLB refills as functions of the interpreter's module. The cache of guest-physical pages they look
 * frames up in is TypeScript (`page-cache.ts`), and so is who opens registers (`open-registers.ts`): who only runs the finished module needs nothing else of this folder.
 *
 * Elsewhere: tags are compared where the access is emitted (`interpreter/handler.ts`); everything rare is TypeScript's (`system/`).
 */
import type { FunctionBody } from "../../wasm/index.ts";
import { refillFunctions } from "./refill.ts";
import { walkFunctions } from "./walk.ts";

/**
 * Exported among them: `refillRead` and `refillWrite` (linear address: i64, bytes: i32) give the host address of an access to plain RAM that is allowed at
 * the privilege of RUN.dataTags, with the TLB filled; else 0, and nothing has changed that a second try would not change. What `refillRead` reads from two
 * pages is a copy in SCRATCH. `refillWrite` is for one page, and for reading and then writing, too. `refillCode` (linear page: i64) fills the instruction TLB: 1, or 0 likewise.
 */
export const mmuFunctions = (): FunctionBody[] => [...walkFunctions(), ...refillFunctions()];

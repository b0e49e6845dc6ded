/**
 * The interpreter as V8 has compiled it: once for all machines of a process.
 *
 * Elsewhere: what it is made of (`loop.ts`), its bytes (`module.ts`, which a build replaces by a file).
 */
import { assert } from "../../assert.ts";
import { WASM_PAGE_BYTES } from "../../numbers.ts";
import { EXIT, RUN, TRACE, TRACE_INDEX, TRACE_POOL } from "../layout.ts";
import { interpreterBytes } from "./module.ts";

let compiled: WebAssembly.Module | undefined;

export function compiledInterpreter(): WebAssembly.Module {
  compiled ??= new WebAssembly.Module(interpreterBytes());
  return compiled;
}

/** V8 optimises a function that has jumped back over 13 million bytes of its code (`--wasm-tiering-budget`); the interpreter's has 160,000. */
const ROUNDS = 3000;

/**
 * Has V8 begin to optimise the interpreter, on a thread of its own, where that takes 0.15 s: a trace of nothing but its end is run over and over. All of its linear memory is 0
 * but the trace, where it is found, and the budget.
 */
export function exerciseInterpreter(): void {
  const module = compiledInterpreter();
  const memory = new WebAssembly.Memory({ initial: TRACE_POOL.base / WASM_PAGE_BYTES + 1 });
  const words = new Uint32Array(memory.buffer);
  words[RUN.budget >>> 2] = ROUNDS;
  words[TRACE_INDEX.base >>> 2] = TRACE_POOL.base;
  words[(TRACE_POOL.base + TRACE.count) >>> 2] = 1;
  const functions = WebAssembly.Module.imports(module).filter(({ kind }) => kind === "function");
  const host = Object.fromEntries(functions.map(({ name }) => [name, unasked]));
  const { exports } = new WebAssembly.Instance(module, { host: { ...host, memory } });
  const exit = (exports["run"] as (trace: number) => number)(0);
  assert(exit === EXIT.budget && words[RUN.budget >>> 2] === 0, "the interpreter runs", exit);
}

function unasked(): never {
  throw new Error("a trace of nothing asks nobody");
}

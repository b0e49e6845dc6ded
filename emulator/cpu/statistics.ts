/**
 * What a processor has done so far, counted: for people who look for what is slow, and for the benchmark.
 *
 * Invariant: plain data, which goes into JSON as it is. Counts are the engine's, differ with the engine and the host, and nothing that a guest sees
 * depends on them.
 * Elsewhere: the machine's own counts (`machine/statistics.ts`), how they are shown (`debug-adapter/statistics.ts`).
 */

/**
 * "on": what is hot is translated. "off": all is interpreted. For tests, whose programs are short: "early" translates what is only warm, "forced" everything before it
 * runs for the first time.
 */
export type TranslatorMode = "on" | "early" | "off" | "forced";

/** Counts by name. A name says what is counted and needs no explanation beside it: "mov_cr_r", "page walk", "budget". */
export interface Counts {
  readonly [name: string]: number;
}

export interface ProcessorStatistics {
  /** Decoded traces of the interpreter. */
  readonly traces: TraceStatistics;
  /** Translated regions; null: the translator is off. */
  readonly translator: TranslatorStatistics | null;
  /** Instructions that TypeScript executed, by mnemonic. */
  readonly callOuts: Counts;
  /** Returns of emitted code to TypeScript, by reason. */
  readonly exits: Counts;
  /** Interrupts and exceptions delivered, by kind. */
  readonly events: Counts;
  /** Data accesses and fetches that the TLB's tags did not answer, by what was done about them. */
  readonly memory: Counts;
}

export interface TraceStatistics {
  /** In the cache now. */
  readonly kept: number;
  /** Decoded so far, the scratch traces of single steps not counted. */
  readonly decoded: number;
  /** Dropped because their bytes were written to. */
  readonly dropped: number;
  /** Times the whole cache was emptied. */
  readonly flushes: number;
}

export interface TranslatorStatistics {
  /** Instants that translated code executed. */
  readonly instants: number;
  /** Regions made so far, and in use now. */
  readonly made: number;
  readonly kept: number;
  /** Dropped because the guest wrote to their code, and because there was no room. */
  readonly written: number;
  readonly evicted: number;
  /** WebAssembly modules, their bytes, and the guest instructions in them. */
  readonly modules: number;
  readonly moduleBytes: number;
  readonly instructions: number;
  /** Modules that another thread was asked for, and what it spent on them. */
  readonly orders: number;
  readonly elsewhereMilliseconds: number;
  /** Times that translated code was entered from the interpreter. */
  readonly entries: number;
  /** Returns to the interpreter, by reason. */
  readonly exits: Counts;
  /** Spent making code, by the host's stopwatch, and the longest time in one go; 0 without one. */
  readonly milliseconds: number;
  readonly longestMilliseconds: number;
}

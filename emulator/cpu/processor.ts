/**
 * What the machine needs of a processor: run an exact number of instants, take interrupts, stop where it is told. `cpu/cpu.ts` implements it.
 */
import type { PhysicalAddress } from "../numbers.ts";
import type { Core } from "./core.ts";
import type { HaltReason } from "./event.ts";
import type { ProcessorStatistics } from "./statistics.ts";

export type ProcessorExit =
  /** The budget is used up, or `requestExit` was called: look at devices and go on. */
  | { readonly kind: "budget" }
  /** HLT (`core.activity` is halted): nothing happens until an interrupt. */
  | { readonly kind: "halted" }
  /** The next instruction is one that `isBreakpoint` accepted; it has not been executed. */
  | { readonly kind: "breakpoint" }
  /** A watched exception is about to be delivered (`Core.report` returned true): state is that of the faulting instruction. */
  | { readonly kind: "exception" }
  | HaltReason;

/** The CPUs of a machine, of which one is seated: it is the one that `run` and everything else here means. */
export interface Processor {
  readonly cores: readonly Core[];
  /** The seated CPU. */
  readonly core: Core;
  /** Seats another CPU, between two runs. */
  seat(cpu: number): void;
  /** Instants used by the current or last `run`, exact also in the middle of a run (TSC and device accesses ask for it). */
  readonly executed: number;
  /** Offset of the instruction under way, in call-outs and reports too, where `core.rip` may be past it; between instructions `core.rip`. */
  readonly instructionRip: bigint;
  /**
   * Runs at most `budget` instants. An external interrupt is taken first if `interruptLine` is up and the guest allows it (that is one instant). With
   * `resume`, breakpoints and watched exceptions do not apply to the first instruction.
   */
  run(budget: number, resume?: boolean): ProcessorExit;
  /** Ends `run` after the instruction under way: for anything that changes deadlines or interrupt lines. */
  requestExit(): void;
  /** Level of INTR, and of NMI as an edge that stays pending until taken. */
  interruptLine: boolean;
  nmiPending: boolean;
  /** Called when an external interrupt is taken: the interrupt controller's acknowledge cycle; returns the vector. */
  acknowledge: (cpu: number) => number;
  /** Instructions at these linear and guest-physical addresses are checked with `isBreakpoint` before they run. */
  setBreakpoints(linear: ReadonlySet<bigint>, physical: ReadonlySet<number>): void;
  isBreakpoint: (linear: bigint, physical: PhysicalAddress) => boolean;
  /** Pages that `Core.reportAccess` wants to hear about; emptying it makes accesses fast again. Linear page addresses and guest-physical page numbers. */
  setWatchedPages(linear: ReadonlySet<bigint>, physical: ReadonlySet<number>): void;
  /** Forgets all decoded traces (a state was loaded). */
  flushTraces(): void;
  /** Power-on state. */
  reset(): void;
  /** What the processor has done so far. */
  statistics(): ProcessorStatistics;
}

/**
 * What a machine has done so far, counted. No part of its state: two machines that are equal may differ in it.
 *
 * Elsewhere: the processor's counts (`cpu/statistics.ts`), how they are shown (`debug-adapter/statistics.ts`).
 */
import type { ProcessorStatistics } from "../cpu/statistics.ts";

export interface Statistics {
  /** Retired instructions plus delivered events, of all CPUs. */
  readonly instants: number;
  /** Virtual time in nanoseconds, and how much of it was idle. */
  readonly nanoseconds: number;
  readonly idleNanoseconds: number;
  /** Host memory in use, in bytes. */
  readonly memoryBytes: number;
  readonly processor: ProcessorStatistics;
}

/**
 * The rare and heavy half of the processor, in TypeScript: paging, segmentation, interrupts, far transfers, tasks, and the instructions that manage them.
 *
 * `systemOperations` is what the engine calls out to, by mnemonic; the rest is what it calls on a miss, a fault or an interrupt.
 */
import type { Operation } from "../instruction.ts";
import { controlOperations } from "./control.ts";
import { cpuidOperations } from "./cpuid.ts";
import { flagOperations } from "./flags.ts";
import { inspectOperations } from "./inspect.ts";
import { ioOperations } from "./io.ts";
import { loadOperations } from "./load.ts";
import { msrOperations } from "./msr.ts";
import { returnOperations } from "./return.ts";
import { syscallOperations } from "./syscall.ts";
import { tableOperations } from "./table.ts";
import { timeOperations } from "./time.ts";
import { transferOperations } from "./transfer.ts";

export const systemOperations: Readonly<Record<string, Operation>> = {
  ...controlOperations,
  ...cpuidOperations,
  ...flagOperations,
  ...inspectOperations,
  ...ioOperations,
  ...loadOperations,
  ...msrOperations,
  ...returnOperations,
  ...syscallOperations,
  ...tableOperations,
  ...timeOperations,
  ...transferOperations,
};

export { commit, slowModify, slowRead, slowWrite, STACK_ACCESS } from "./access.ts";
export { translateCode } from "./fetch.ts";
export { segmented } from "./segmentation.ts";
export { deliver, deliverFault, SoftwareTrap } from "./interrupt.ts";
export type { Delivery, DeliveryKind } from "./interrupt.ts";
export { dropWriteTags } from "./tlb.ts";
export type { TlbEntry } from "./tlb.ts";
export { cpuid } from "./cpuid.ts";
export { FEATURES, isImplemented } from "./feature.ts";
export type { FeatureName } from "./feature.ts";
export { msrNames } from "./msr.ts";
export { ACCESS, BY, PAGE_FAULT, PHYSICAL_BITS } from "./paging.ts";
export type { LevelName, PageWalk, WalkStep } from "./paging.ts";
export { readRm, readRm16, writeRm } from "./operand.ts";

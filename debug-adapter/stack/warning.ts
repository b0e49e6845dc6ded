/** What is wrong with the stack of a CPU, in sentences: overflow, alignment, a stack protector's word that was overwritten. */
import type { RedZoneWindow, StackFrame, StackWarning } from "../../media/protocol.ts";
import type { Chain } from "./chain.ts";
import { extentOf, type Extent } from "./extent.ts";
import { extentWarnings } from "./stacks.ts";
import { hex } from "./target.ts";

/** The System V ABI's alignment of the stack pointer before a call, 64-bit code (psABI x86-64 §3.2.2). */
const ALIGNMENT = 16n;

/** @param why the byte at the stack pointer cannot be read, and why */
export function stackWarnings(
  isLinux: boolean,
  chain: Chain,
  extent: Extent,
  why: string | null,
  frames: readonly StackFrame[],
  windows: readonly RedZoneWindow[],
): readonly StackWarning[] {
  const { pointer, core, space, table } = chain;
  const warnings = extentWarnings(extent, extent.name ?? "the stack", pointer);
  // Code that was interrupted on another stack may have overflowed that one: this is how a double fault comes.
  for (const { low, switchedTo } of frames) {
    if (switchedTo === null) continue;
    const other = extentOf(core, space, table, BigInt(low));
    warnings.push(...extentWarnings(other, other.name ?? "the stack it interrupted", BigInt(low)));
  }
  const isEmpty = extent.high !== null && pointer === extent.high;
  if (why !== null && !isEmpty && warnings.every(({ severity }) => severity !== "error"))
    warnings.push({
      severity: "error",
      text: `The stack pointer ${hex(pointer)} is in no readable memory: ${why}. The next push, call or interrupt faults.`,
      address: hex(pointer),
    });
  for (const { slots, label } of frames)
    for (const { kind, note, address } of slots ?? [])
      if (kind === "canary" && note?.startsWith("overwritten") === true)
        warnings.push({
          severity: "error",
          text: `The stack protector's word of ${label} was overwritten: something wrote beyond an array below it.`,
          address,
        });
  for (const { frame, runs, text, high } of windows)
    if (frame > 0 && runs.some(({ state }) => state === "overwritten"))
      warnings.push({ severity: "warning", text, address: high });
  const misaligned = alignmentWarning(isLinux, chain);
  if (misaligned !== null) warnings.push(misaligned);
  return warnings;
}

/** The stack pointer at the entry of a function, or where one was called, is not what the ABI promises. Linux is built for 8 bytes and promises less. */
function alignmentWarning(isLinux: boolean, chain: Chain): StackWarning | null {
  if (chain.bits !== 64 || isLinux) return null;
  const callee = chain.known.find(
    ({ high, returnAt, rules, frames }) =>
      returnAt !== null &&
      rules !== null &&
      high !== null &&
      frames.at(-1)!.symbols?.function.origin === "dwarf",
  );
  if (callee === undefined || callee.high === null) return null;
  const rest = callee.high % ALIGNMENT;
  if (rest === 0n) return null;
  const name = callee.frames.at(-1)!.symbols!.function.name;
  return {
    severity: "note",
    text: `${name} was called with a stack pointer of ${hex(callee.high)}, which is no multiple of 16 as the ABI has it: SSE code that relies on it faults.`,
    address: hex(callee.high),
  };
}

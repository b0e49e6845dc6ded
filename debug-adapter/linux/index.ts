/** What the debugger knows of Linux: where the kernel runs, its symbols from memory, its boot parameters. This file is the folder's boundary. */
import type { Booted } from "../boot.ts";
import { isLinux } from "./boot-params.ts";
import { LinuxKernel } from "./kernel.ts";
import type { KernelFile } from "./place.ts";
import type { SymbolTable } from "../symbols/index.ts";

export { bootParameters, isLinux } from "./boot-params.ts";
export { findVmlinux, kernelRelease } from "./find.ts";
export { LinuxKernel } from "./kernel.ts";
export { KernelFile } from "./place.ts";

/** Follows the kernel of a Linux boot, through resets too. `isPassive`: without breakpoints; it is found when it is looked for. */
export function followKernel(
  { plan, machine }: Booted,
  symbols: { readonly table: SymbolTable; readonly kernel: KernelFile | null },
  isPassive: boolean,
): LinuxKernel | null {
  // An uncompressed kernel runs where it is linked, and its file is the one that boots.
  if (symbols.kernel === null && (!isLinux(plan) || plan?.loader === "vmlinux")) return null;
  const kernel = new LinuxKernel(machine, symbols.table, symbols.kernel);
  if (isPassive) return kernel;
  kernel.arm();
  const { onReset } = machine;
  machine.onReset = () => {
    onReset();
    kernel.arm();
  };
  return kernel;
}

/**
 * Booting: brings a kernel into a machine's memory and its first processor to the kernel's entry, without firmware.
 *
 * Invariant: knows no files, only byte arrays, and never throws: an image that cannot boot gives a diagnosis. A machine is changed only if the boot
 * succeeds.
 */
import type { Machine } from "../machine/types.ts";
import { planChainloader } from "./chainloader.ts";
import { diagnose } from "./doctor.ts";
import type { Finding } from "./finding.ts";
import { enter, place } from "./handover.ts";
import type { BootImage, BootPlan, Diagnosis, LoaderName, MemoryRange } from "./image.ts";
import { memoryMap, type MapEntry } from "./memory-map.ts";
import { planMultiboot1 } from "./multiboot1.ts";
import { planMultiboot2 } from "./multiboot2.ts";

export { CHAINLOADER_NAME } from "./chainloader.ts";
export { describeFile, explain } from "./doctor.ts";
export { RULES, type Finding, type Rule } from "./finding.ts";
export {
  LOADERS,
  type BootImage,
  type BootModule,
  type BootPlan,
  type Diagnosis,
  type LoadedImage,
  type LoadedSegment,
  type LoaderName,
  type MemoryRange,
  type Placed,
} from "./image.ts";
export { memoryMap, type MapEntry } from "./memory-map.ts";

export type BootResult = BootPlan | Diagnosis;

const PLANS: {
  readonly [loader in LoaderName]: (image: BootImage, map: readonly MapEntry[]) => BootPlan | Finding;
} = {
  multiboot1: planMultiboot1,
  multiboot2: planMultiboot2,
  chainloader: planChainloader,
};

/** What a boot would do on a machine with this RAM (ascending ranges): everything but the doing. */
export function plan(image: BootImage, ram: readonly MemoryRange[]): BootResult {
  const loader = image.loader ?? "auto";
  const loaders: readonly LoaderName[] = loader === "auto" ? ["multiboot1", "multiboot2"] : [loader];
  const map = memoryMap(ram);
  const tried: Finding[] = [];
  if (image.kernel.length === 0) return diagnose(image, tried);
  for (const name of loaders) {
    const result = PLANS[name](image, map);
    if (result.kind === "plan") return result;
    tried.push(result);
  }
  return diagnose(image, loader === "auto" ? tried : suggest(image, map, loader, tried));
}

/** A named loader that does not take the file: adds which other would, if one does. */
function suggest(
  image: BootImage,
  map: readonly MapEntry[],
  chosen: LoaderName,
  tried: readonly Finding[],
): readonly Finding[] {
  const other = (["multiboot1", "multiboot2"] as const).find(
    (name) => name !== chosen && PLANS[name](image, map).kind === "plan",
  );
  if (other === undefined) return tried;
  const name = other === "multiboot1" ? "Multiboot 1" : "Multiboot 2";
  return tried.map((finding) => ({
    ...finding,
    rule: "header-other",
    text: `${finding.text}; it is a ${name} kernel`,
    fix: `choose the loader "${other}" or "auto"`,
  }));
}

/** Boots a machine that has just been created or reset. */
export function boot(machine: Machine, image: BootImage): BootResult {
  const result = plan(image, ramRanges(machine));
  if (result.kind === "diagnosis") return result;
  place(machine.memory, result.placed);
  const [core] = machine.cpus;
  if (core !== undefined) enter(core, machine.memory, result);
  return result;
}

/** Where the machine has base memory; DIMMs are for the guest to find (ACPI), as with QEMU. */
function ramRanges(machine: Machine): readonly MemoryRange[] {
  const ram: { start: number; length: number }[] = [];
  for (const { start, size, block } of machine.memory.addressSpace.flatView.ranges) {
    if (block?.idstr !== "pc.ram") continue;
    const last = ram.at(-1);
    if (last !== undefined && last.start + last.length === start) last.length += size;
    else ram.push({ start, length: size });
  }
  return ram;
}

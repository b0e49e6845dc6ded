/**
 * Booting: brings a kernel into a machine's memory and its first processor to the kernel's entry, without firmware.
 *
 * Invariant: knows no files, only byte arrays, and never throws: an image that cannot boot gives a diagnosis. A machine is changed only if the boot
 * succeeds.
 */
import type { Machine } from "../machine/types.ts";
import { physical } from "../numbers.ts";
import { planChainloader } from "./chainloader.ts";
import { diagnose } from "./doctor.ts";
import type { Finding } from "./finding.ts";
import { enter, place } from "./handover.ts";
import type { BootImage, BootPlan, Diagnosis, LoaderName, MemoryRange, Platform } from "./image.ts";
import { planLinux, planLinux16, planLinux32 } from "./linux/bzimage.ts";
import { planVmlinux } from "./linux/vmlinux.ts";
import { memoryMap, type MapEntry } from "./memory-map.ts";
import { planMultiboot1 } from "./multiboot1.ts";
import { planMultiboot2 } from "./multiboot2.ts";
import { planPvh } from "./pvh.ts";

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
  type Platform,
} from "./image.ts";
export { decodeBootParams, type DecodedField } from "./linux/boot-params.ts";
export { memoryMap, type MapEntry } from "./memory-map.ts";

export type BootResult = BootPlan | Diagnosis;

type Plan = (image: BootImage, map: readonly MapEntry[], platform: Platform) => BootPlan | Finding;

const PLANS: { readonly [loader in LoaderName]: Plan } = {
  linux: planLinux,
  linux32: planLinux32,
  linux16: planLinux16,
  multiboot1: (image, map) => planMultiboot1(image, map),
  multiboot2: planMultiboot2,
  pvh: planPvh,
  vmlinux: planVmlinux,
  chainloader: planChainloader,
};

/** What "auto" tries, in this order. */
const AUTOMATIC = ["linux", "linux32", "multiboot1", "multiboot2", "pvh", "vmlinux"] as const;
/** How messages call them. */
const TITLES: { readonly [loader in (typeof AUTOMATIC)[number]]: string } = {
  linux: "Linux",
  linux32: "Linux",
  multiboot1: "Multiboot 1",
  multiboot2: "Multiboot 2",
  pvh: "PVH",
  vmlinux: "Linux (vmlinux)",
};

/** What a boot would do on a machine with this RAM (ascending ranges): everything but the doing. */
export function plan(
  image: BootImage,
  ram: readonly MemoryRange[],
  platform: Platform = { rsdp: null },
): BootResult {
  const loader = image.loader ?? "auto";
  const loaders: readonly LoaderName[] = loader === "auto" ? AUTOMATIC : [loader];
  const map = memoryMap(ram);
  const tried: Finding[] = [];
  if (image.kernel.length === 0) return diagnose(image, tried);
  for (const name of loaders) {
    const result = PLANS[name](image, map, platform);
    if (result.kind === "plan") return result;
    // Both Linux entries look for the same header.
    if (name !== "linux32" || result.rule !== "header-missing" || loader !== "auto") tried.push(result);
  }
  return diagnose(image, loader === "auto" ? tried : suggest(image, map, platform, loader, tried));
}

/** A named loader that does not take the file: adds which other would, if one does. */
function suggest(
  image: BootImage,
  map: readonly MapEntry[],
  platform: Platform,
  chosen: LoaderName,
  tried: readonly Finding[],
): readonly Finding[] {
  const other = AUTOMATIC.find(
    (name) => name !== chosen && PLANS[name](image, map, platform).kind === "plan",
  );
  if (other === undefined) return tried;
  return tried.map((finding) => ({
    ...finding,
    rule: "header-other",
    text: `${finding.text}; it is a ${TITLES[other]} kernel`,
    fix: `choose the loader "${other}" or "auto"`,
  }));
}

/** Boots a machine that has just been created or reset. */
export function boot(machine: Machine, image: BootImage): BootResult {
  const longMode = machine.cpus.every((core) => core.has("lm"));
  const result = plan(image, ramRanges(machine), { rsdp: findRsdp(machine), longMode });
  if (result.kind === "diagnosis") return result;
  place(machine.memory, result.placed);
  const [core] = machine.cpus;
  if (core !== undefined) enter(core, machine.memory, result.state);
  return result;
}

/** Where the machine has base memory; DIMMs are for the guest to find (ACPI), as with QEMU. */
function ramRanges(machine: Machine): readonly MemoryRange[] {
  const ram: { start: number; length: number }[] = [];
  const idstr = machine.config.ramBackend ?? "pc.ram";
  for (const { start, size, block } of machine.memory.addressSpace.flatView.ranges) {
    if (block?.idstr !== idstr) continue;
    const last = ram.at(-1);
    if (last !== undefined && last.start + last.length === start) last.length += size;
    else ram.push({ start, length: size });
  }
  return ram;
}

const RSDP_SIGNATURE = [0x52, 0x53, 0x44, 0x20, 0x50, 0x54, 0x52, 0x20] as const;

/** The ACPI root pointer as an operating system searches for it on a PC: on a multiple of 16 in the BIOS area (ACPI 6.5 §5.2.5.1). */
function findRsdp({ memory }: Machine): Platform["rsdp"] {
  const base = 0xe0000;
  const bytes = memory.readBytes(physical(base), 0x20000);
  const [first] = RSDP_SIGNATURE;
  for (let at = bytes.indexOf(first); at >= 0; at = bytes.indexOf(first, at + 1))
    if (
      at % 16 === 0 &&
      RSDP_SIGNATURE.every((byte, n) => bytes[at + n] === byte) &&
      bytes.subarray(at, at + 20).reduce((sum, byte) => (sum + byte) & 0xff, 0) === 0
    )
      return { address: base + at, bytes: bytes.slice(at, at + (bytes[at + 15] === 0 ? 20 : 36)) };
  return null;
}

/**
 * Chainloading: a small 32-bit image of ours is booted by Multiboot 1 and gets the 64-bit kernel as its first module; in the guest, step by step, it
 * copies the kernel into place and jumps to it, as IncludeOS' chainloader does.
 *
 * Elsewhere: the image itself (`media/chainloader/`), which has symbols and can be stepped through.
 */
import { chainloaderImage } from "./chainloader-image.ts";
import { isElf, readElf } from "./elf.ts";
import { Findings, hex, isFinding, type Finding } from "./finding.ts";
import type { BootImage, BootPlan, LoadedImage } from "./image.ts";
import { HIGH_MEMORY, Room, type MapEntry } from "./memory-map.ts";
import { planMultiboot1 } from "./multiboot1.ts";
import { checkSegments, kernelImage, placeElf } from "./placement.ts";

export const CHAINLOADER_NAME = "chainloader.elf";

export function planChainloader(image: BootImage, map: readonly MapEntry[]): BootPlan | Finding {
  const findings = new Findings("chainloader", image.kernelName);
  if (!isElf(image.kernel) || image.kernel[4] !== 2)
    return findings.make(
      "chainloader-image",
      isElf(image.kernel) ? 4 : 0,
      `the chainloader starts a 64-bit ELF file, and this one is ${isElf(image.kernel) ? "32-bit ELF" : "not ELF"}`,
      'choose the loader "multiboot1" or "multiboot2"',
    );
  const elf = readElf(image.kernel, findings);
  if (isFinding(elf)) return elf;
  const checked = checkSegments(elf, image.kernel, findings);
  if (checked !== null) return checked;
  const low = elf.segments.find(
    (segment) => segment.memoryBytes > 0 && segment.physicalAddress < HIGH_MEMORY,
  );
  if (low !== undefined)
    return findings.make(
      "chainloader-image",
      low.headerOffset,
      `segment ${low.index} belongs at ${hex(low.physicalAddress)}, and the chainloader itself works below ${hex(HIGH_MEMORY)}`,
      "load the kernel at 1 MiB or above",
    );
  const kernel = placeElf(elf, image.kernel, new Room(map), findings);
  if (isFinding(kernel)) return kernel;

  const chained: BootImage = {
    kernel: chainloaderImage(),
    kernelName: CHAINLOADER_NAME,
    append: "",
    modules: [
      { bytes: image.kernel, name: image.kernelName, cmdline: `${image.kernelName} ${image.append}` },
      ...image.modules,
    ],
  };
  // Modules and tables go where the kernel's segments will not overwrite them.
  const plan = planMultiboot1(chained, map, kernel.end);
  if (isFinding(plan)) return { ...plan, loader: "chainloader" };
  const module = plan.images[1]?.module ?? null;
  const images: LoadedImage[] = [
    ...plan.images.slice(0, 1).map((loaded) => ({ ...loaded, role: "chainloader" as const })),
    { ...kernelImage(image, kernel, 0n), module },
    ...plan.images.slice(2),
  ];
  return {
    ...plan,
    loader: "chainloader",
    commandLine: `${image.kernelName} ${image.append}`,
    images,
    notes: [...kernel.notes, ...plan.notes],
  };
}

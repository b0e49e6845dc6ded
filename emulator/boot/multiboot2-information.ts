/** The information structure of Multiboot 2 (section 3.6): a size, then tags, each on a multiple of 8. */
import type { MemoryRange } from "./image.ts";
import { basicMemory, type MapEntry } from "./memory-map.ts";
import type { LoadedSections } from "./sections.ts";
import { Writer } from "./writer.ts";

export const LOADER_NAME = "redzone";

const RSDP_1_BYTES = 20;

export interface Information {
  readonly commandLine: string;
  readonly modules: readonly (MemoryRange & { readonly cmdline: string })[];
  readonly map: readonly MapEntry[];
  readonly sections: LoadedSections | null;
  /** Only for an image with a relocatable header tag. */
  readonly loadBase: number | null;
  /** The ACPI root pointer, 20 bytes of ACPI 1.0 or 36; null without ACPI. */
  readonly rsdp: Uint8Array | null;
}

const TAG = {
  end: 0, commandLine: 1, loaderName: 2, module: 3, basicMemory: 4, map: 6, framebuffer: 8, sections: 9, acpi1: 14, acpi2: 15, loadBase: 21,
} as const; // oxfmt-ignore

export function writeInformation(information: Information): Uint8Array {
  const writer = new Writer().u32(0).u32(0);
  const tag = (type: number, fill: () => void): void => {
    const at = writer.align(8).length;
    writer.u32(type).u32(0);
    fill();
    writer.patch32(at + 4, writer.length - at);
  };
  tag(TAG.commandLine, () => writer.text(information.commandLine));
  tag(TAG.loaderName, () => writer.text(LOADER_NAME));
  for (const { start, length, cmdline } of information.modules)
    tag(TAG.module, () =>
      writer
        .u32(start)
        .u32(start + length)
        .text(cmdline),
    );
  tag(TAG.basicMemory, () => {
    const { lower, upper } = basicMemory(information.map);
    writer.u32(lower).u32(upper);
  });
  tag(TAG.map, () => {
    writer.u32(24).u32(0);
    for (const entry of information.map) writer.u64(entry.start).u64(entry.length).u32(entry.type).u32(0);
  });
  // EGA text: address, pitch, width and height in characters, bits per cell, type 2.
  tag(TAG.framebuffer, () => writer.u64(0xb8000).u32(160).u32(80).u32(25).u8(16).u8(2).u16(0));
  const { sections, loadBase, rsdp } = information;
  if (sections !== null)
    tag(TAG.sections, () =>
      writer.u32(sections.count).u32(sections.entryBytes).u32(sections.names).raw(sections.headers),
    );
  // Both forms, as GRUB gives them: the first 20 bytes are what ACPI 1.0 knew.
  if (rsdp !== null) tag(TAG.acpi1, () => writer.raw(rsdp.subarray(0, RSDP_1_BYTES)));
  if (rsdp !== null && rsdp.length > RSDP_1_BYTES) tag(TAG.acpi2, () => writer.raw(rsdp));
  if (loadBase !== null) tag(TAG.loadBase, () => writer.u32(loadBase));
  tag(TAG.end, () => undefined);
  return writer.patch32(0, writer.length).result();
}

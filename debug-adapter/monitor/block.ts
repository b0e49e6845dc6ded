/** `info block`: the drives, what is in them, and where what the guest writes goes. */
import type { BlockImage, Machine } from "../../emulator/index.ts";

const PLACES = {
  ide: (index: number) => `ide.${Math.floor(index / 2)}, unit ${index % 2}`,
  virtio: (index: number) => `virtio-blk-pci, number ${index}`,
  floppy: (index: number) => `floppy ${"AB"[index] ?? index}`,
} as const;

export function infoBlock(machine: Machine, images: ReadonlyMap<string, BlockImage>): string {
  const drives = machine.config.drives ?? [];
  if (drives.length === 0) return "There are no drives.\n";
  return drives
    .map(({ id, attach, index, media, readOnly, writeThrough }) => {
      const image = images.get(id);
      const lines = [
        `${id}: ${image === undefined ? "[not inserted]" : describe(image)}${readOnly ? " (read only)" : ""}`,
        `    Attached to:      ${PLACES[attach](index)}`,
      ];
      if (media === "cdrom") lines.push("    Removable device: CD");
      if (!readOnly)
        lines.push(
          `    Writes:           ${writeThrough === true ? "go to the image" : "stay in the machine (snapshot=on)"}`,
        );
      return lines.map((line) => `${line}\n`).join("");
    })
    .join("\n");
}

const describe = ({ name, format, sizeBytes }: BlockImage): string =>
  `${name} (${format}), ${sizeBytes} bytes`;

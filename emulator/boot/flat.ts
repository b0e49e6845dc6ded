/**
 * Images that are not ELF: both Multiboot versions let the header itself say what to load where (the "a.out kludge", section 3.1.3 of version 1 and
 * 3.1.5 of version 2). All five addresses are physical.
 */
import { hex, type Finding, type Findings } from "./finding.ts";
import type { BootImage } from "./image.ts";
import type { Room } from "./memory-map.ts";
import type { Placement } from "./placement.ts";

export interface AddressFields {
  readonly header: number;
  readonly load: number;
  /** 0: to the end of the file. */
  readonly loadEnd: number;
  /** 0: no bss. */
  readonly bssEnd: number;
  readonly entry: number;
}

/** Places a file by address fields; both Multiboot versions have them. `at` is the file offset of the fields. */
export function placeFlat(
  image: BootImage,
  header: number,
  at: number,
  fields: AddressFields,
  room: Room,
  findings: Findings,
): Placement | Finding {
  const { kernel } = image;
  const wrong = (offset: number, text: string): Finding =>
    findings.make(
      "address-fields",
      offset,
      text,
      "take all five addresses from linker symbols of the same image",
    );
  const offset = header - (fields.header - fields.load);
  if (fields.header < fields.load)
    return wrong(at, `header_addr ${hex(fields.header)} lies before load_addr ${hex(fields.load)}`);
  if (offset < 0)
    return wrong(at, `the header is at ${hex(header)} in the file, so load_addr would be ${hex(-offset)} bytes before the file begins`); // oxfmt-ignore
  const fileBytes = fields.loadEnd === 0 ? kernel.length - offset : fields.loadEnd - fields.load;
  if (fileBytes <= fields.header - fields.load)
    return wrong(at + 8, `load_end_addr ${hex(fields.loadEnd)} lies before the end of the header at ${hex(fields.header)}`); // oxfmt-ignore
  if (offset + fileBytes > kernel.length)
    return wrong(at + 8, `load_end_addr ${hex(fields.loadEnd)} asks for ${hex(fileBytes)} bytes from ${hex(offset)} in a file of ${hex(kernel.length)}`); // oxfmt-ignore
  const loadEnd = fields.load + fileBytes;
  if (fields.bssEnd !== 0 && fields.bssEnd < loadEnd)
    return wrong(at + 12, `bss_end_addr ${hex(fields.bssEnd)} lies before the end of what is loaded, ${hex(loadEnd)}`); // oxfmt-ignore
  const memoryBytes = Math.max(fields.bssEnd, loadEnd) - fields.load;
  if (fields.entry < fields.load || fields.entry >= fields.load + memoryBytes)
    return findings.make(
      "entry-outside",
      at + 16,
      `entry_addr ${hex(fields.entry)} lies outside ${hex(fields.load)}–${hex(fields.load + memoryBytes - 1)}`,
      "set entry_addr to the address of the first 32-bit instruction",
    );
  if (!room.isUsable(fields.load, memoryBytes))
    return findings.make(
      "segment-memory",
      at + 4,
      `the image belongs at ${hex(fields.load)}–${hex(fields.load + memoryBytes - 1)}; usable RAM is at ${room.describe()}`,
      "load the kernel at 1 MiB or above, and give the machine enough memory (-m)",
    );
  room.take({ start: fields.load, length: memoryBytes });
  return {
    kind: "placement",
    entry: fields.entry,
    end: fields.load + memoryBytes,
    notes: [],
    placed: [
      {
        start: fields.load,
        length: memoryBytes,
        bytes: kernel.subarray(offset, offset + fileBytes),
        what: "kernel image",
      },
    ],
    segments: [
      {
        virtualAddress: BigInt(fields.load),
        physicalAddress: fields.load,
        fileOffset: offset,
        fileBytes,
        memoryBytes,
        executable: true,
      },
    ],
  };
}

/**
 * struct boot_params, Linux's "zero page" (Documentation/arch/x86/zero-page.rst and boot.rst): every field by name, offset and size, how to write it and
 * how to tell what it says.
 *
 * Invariant: the table is the only place that knows offsets. All numbers are little-endian; fields that are tables of their own (EDD, EDID …) are
 * listed by their extent only.
 * Elsewhere: which values a boot gives (`bzimage.ts`, `vmlinux.ts`).
 */
import { assert } from "../../assert.ts";
import { hex } from "../finding.ts";
import type { MapEntry } from "../memory-map.ts";

/** Name as C code spells it, offset, size in bytes, meaning. Sizes other than 1, 2, 4 and 8 are blocks of bytes. */
type Row = readonly [name: string, offset: number, sizeBytes: number, meaning: string];

const ROWS = [
  ["screen_info.orig_x", 0x000, 1, "cursor column"],
  ["screen_info.orig_y", 0x001, 1, "cursor row"],
  ["screen_info.ext_mem_k", 0x002, 2, "memory above 1 MiB in KiB, at most 63 MiB (INT 15h AH=88h)"],
  ["screen_info.orig_video_page", 0x004, 2, "text page shown"],
  ["screen_info.orig_video_mode", 0x006, 1, "BIOS video mode"],
  ["screen_info.orig_video_cols", 0x007, 1, "text columns"],
  ["screen_info.flags", 0x008, 1, "VIDEO_FLAGS_NOCURSOR"],
  ["screen_info.orig_video_ega_bx", 0x00a, 2, "BX of INT 10h AH=12h BL=10h: EGA memory and colour"],
  ["screen_info.orig_video_lines", 0x00e, 1, "text rows"],
  ["screen_info.orig_video_isVGA", 0x00f, 1, "kind of display"],
  ["screen_info.orig_video_points", 0x010, 2, "height of a character in scan lines"],
  ["screen_info.lfb_width", 0x012, 2, "linear frame buffer: width in pixels"],
  ["screen_info.lfb_height", 0x014, 2, "height in pixels"],
  ["screen_info.lfb_depth", 0x016, 2, "bits per pixel"],
  ["screen_info.lfb_base", 0x018, 4, "physical address, low half"],
  ["screen_info.lfb_size", 0x01c, 4, "size (in 64 KiB for VESA modes)"],
  ["screen_info.cl_magic", 0x020, 2, "0xa33f if cl_offset is valid (protocol before 2.02)"],
  ["screen_info.cl_offset", 0x022, 2, "command line: offset from the setup code"],
  ["screen_info.lfb_linelength", 0x024, 2, "bytes per line"],
  ["screen_info.red_size", 0x026, 1, "bits of red"],
  ["screen_info.red_pos", 0x027, 1, "position of red"],
  ["screen_info.green_size", 0x028, 1, "bits of green"],
  ["screen_info.green_pos", 0x029, 1, "position of green"],
  ["screen_info.blue_size", 0x02a, 1, "bits of blue"],
  ["screen_info.blue_pos", 0x02b, 1, "position of blue"],
  ["screen_info.rsvd_size", 0x02c, 1, "bits unused"],
  ["screen_info.rsvd_pos", 0x02d, 1, "position of unused bits"],
  ["screen_info.vesapm_seg", 0x02e, 2, "VESA protected-mode interface: segment"],
  ["screen_info.vesapm_off", 0x030, 2, "offset"],
  ["screen_info.pages", 0x032, 2, "pages of the graphics mode"],
  ["screen_info.vesa_attributes", 0x034, 2, "VESA mode attributes"],
  ["screen_info.capabilities", 0x036, 4, "VIDEO_CAPABILITY_SKIP_QUIRKS, VIDEO_CAPABILITY_64BIT_BASE"],
  ["screen_info.ext_lfb_base", 0x03a, 4, "physical address of the frame buffer, high half"],
  ["apm_bios_info", 0x040, 20, "APM BIOS"],
  ["tboot_addr", 0x058, 8, "physical address of the tboot shared page"],
  ["ist_info", 0x060, 16, "Intel SpeedStep BIOS (INT 15h AX=E980h)"],
  ["acpi_rsdp_addr", 0x070, 8, "physical address of the ACPI RSDP; 0: the kernel searches for it"],
  ["hd0_info", 0x080, 16, "BIOS parameters of the first disk (obsolete)"],
  ["hd1_info", 0x090, 16, "of the second"],
  ["sys_desc_table", 0x0a0, 16, "system description table (obsolete)"],
  ["olpc_ofw_header", 0x0b0, 16, "OLPC's Open Firmware"],
  ["ext_ramdisk_image", 0x0c0, 4, "initrd address, high half"],
  ["ext_ramdisk_size", 0x0c4, 4, "initrd size, high half"],
  ["ext_cmd_line_ptr", 0x0c8, 4, "command line address, high half"],
  ["cc_blob_address", 0x13c, 4, "confidential computing blob"],
  ["edid_info", 0x140, 128, "the monitor's EDID"],
  ["efi_info", 0x1c0, 32, "EFI: signature, system table, memory map"],
  ["alt_mem_k", 0x1e0, 4, "memory above 1 MiB in KiB (INT 15h AX=E801h)"],
  ["scratch", 0x1e4, 4, "used by the setup code"],
  ["e820_entries", 0x1e8, 1, "entries of e820_table"],
  ["eddbuf_entries", 0x1e9, 1, "entries of eddbuf"],
  ["edd_mbr_sig_buf_entries", 0x1ea, 1, "entries of edd_mbr_sig_buffer"],
  ["kbd_status", 0x1eb, 1, "shift state (INT 16h AH=02h)"],
  ["secure_boot", 0x1ec, 1, "EFI secure boot"],
  ["sentinel", 0x1ef, 1, "not 0: the loader did not clear the page, and the kernel clears fields itself"],
  ["hdr.setup_sects", 0x1f1, 1, "512-byte sectors of setup code behind the boot sector"],
  ["hdr.root_flags", 0x1f2, 2, "1: the root is mounted read-only"],
  ["hdr.syssize", 0x1f4, 4, "size of the protected-mode code in 16-byte paragraphs"],
  ["hdr.ram_size", 0x1f8, 2, "obsolete"],
  ["hdr.vid_mode", 0x1fa, 2, "video mode (vga=)"],
  ["hdr.root_dev", 0x1fc, 2, "default root device, major and minor"],
  ["hdr.boot_flag", 0x1fe, 2, "0xaa55"],
  ["hdr.jump", 0x200, 2, "jump over the header"],
  ["hdr.header", 0x202, 4, '"HdrS"'],
  ["hdr.version", 0x206, 2, "boot protocol version"],
  ["hdr.realmode_swtch", 0x208, 4, "real-mode hook before protected mode"],
  ["hdr.start_sys_seg", 0x20c, 2, "obsolete"],
  ["hdr.kernel_version", 0x20e, 2, "version string: offset less 200h in the file"],
  ["hdr.type_of_loader", 0x210, 1, "the boot loader"],
  ["hdr.loadflags", 0x211, 1, "flags"],
  ["hdr.setup_move_size", 0x212, 2, "bytes of setup code to move to 0x90000 (before 2.02)"],
  ["hdr.code32_start", 0x214, 4, "where the setup code jumps: 32-bit entry"],
  ["hdr.ramdisk_image", 0x218, 4, "initrd address"],
  ["hdr.ramdisk_size", 0x21c, 4, "initrd size in bytes"],
  ["hdr.bootsect_kludge", 0x220, 4, "obsolete"],
  ["hdr.heap_end_ptr", 0x224, 2, "end of the setup code's heap, less 200h"],
  ["hdr.ext_loader_ver", 0x226, 1, "boot loader version, high part"],
  ["hdr.ext_loader_type", 0x227, 1, "boot loader, for types above 0xe"],
  ["hdr.cmd_line_ptr", 0x228, 4, "command line address"],
  ["hdr.initrd_addr_max", 0x22c, 4, "highest address the initrd may occupy"],
  ["hdr.kernel_alignment", 0x230, 4, "alignment a relocatable kernel wants"],
  ["hdr.relocatable_kernel", 0x234, 1, "1: the protected-mode code may be loaded at other addresses"],
  ["hdr.min_alignment", 0x235, 1, "smallest alignment as a power of two"],
  ["hdr.xloadflags", 0x236, 2, "more flags"],
  ["hdr.cmdline_size", 0x238, 4, "longest command line in bytes, without the terminating zero"],
  ["hdr.hardware_subarch", 0x23c, 4, "0: PC"],
  ["hdr.hardware_subarch_data", 0x240, 8, "data of the subarchitecture"],
  ["hdr.payload_offset", 0x248, 4, "compressed kernel: offset in the protected-mode code"],
  ["hdr.payload_length", 0x24c, 4, "and its length in bytes"],
  ["hdr.setup_data", 0x250, 8, "first of a list of struct setup_data"],
  ["hdr.pref_address", 0x258, 8, "preferred load address"],
  [
    "hdr.init_size",
    0x260,
    4,
    "bytes of memory the kernel needs from its start before it reads the memory map",
  ],
  ["hdr.handover_offset", 0x264, 4, "EFI handover entry"],
  ["hdr.kernel_info_offset", 0x268, 4, "struct kernel_info: offset in the protected-mode code"],
  ["edd_mbr_sig_buffer", 0x290, 64, "signatures of the disks' master boot records"],
  ["e820_table", 0x2d0, 2560, "memory map: 20 bytes each"],
  ["eddbuf", 0xd00, 492, "BIOS enhanced disk data"],
] as const satisfies readonly Row[];

export type BootParam = (typeof ROWS)[number][0];

export const BOOT_PARAMS_BYTES = 4096;
/** Where the setup header begins, in the file and in boot_params; it ends before `edd_mbr_sig_buffer`. */
export const HEADER_OFFSET = 0x1f1;
export const HEADER_LIMIT = 0x290;
const E820_TABLE = 0x2d0;
const E820_MAX = 128;

const BY_NAME: ReadonlyMap<string, Row> = new Map(ROWS.map((row) => [row[0], row]));

/** Offset of a field: in boot_params, and for fields of `hdr` also in the kernel file. */
export function offsetOf(name: BootParam): number {
  return BY_NAME.get(name)![1];
}

/** Reads and writes fields by name. For the setup header of a file, too: its offsets are the same. */
export class BootParams {
  readonly bytes: Uint8Array;
  readonly #view: DataView;

  constructor(bytes: Uint8Array = new Uint8Array(BOOT_PARAMS_BYTES)) {
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** The field's value; 0 if the bytes end before it. 8-byte fields lose what is beyond 2^53. */
  get(name: BootParam): number {
    const [, offset, size] = BY_NAME.get(name)!;
    return offset + size <= this.bytes.length ? number(this.#view, offset, size) : 0;
  }

  set(name: BootParam, value: number): this {
    const [, offset, size] = BY_NAME.get(name)!;
    assert(offset + size <= this.bytes.length, "a field of these boot parameters", name);
    if (size === 1) this.#view.setUint8(offset, value);
    else if (size === 2) this.#view.setUint16(offset, value, true);
    else if (size === 4) this.#view.setUint32(offset, value, true);
    else this.#view.setBigUint64(offset, BigInt(value), true);
    return this;
  }

  /** At most 128 entries fit; more (a machine has six) would go into `setup_data`. */
  setMemoryMap(map: readonly MapEntry[]): this {
    assert(map.length <= E820_MAX, "entries of the memory map", map.length);
    this.set("e820_entries", map.length);
    for (const [n, { start, length, type }] of map.entries()) {
      const at = E820_TABLE + n * 20;
      this.#view.setBigUint64(at, BigInt(start), true);
      this.#view.setBigUint64(at + 8, BigInt(length), true);
      this.#view.setUint32(at + 16, type, true);
    }
    return this;
  }
}

function number(view: DataView, offset: number, size: number): number {
  if (size === 1) return view.getUint8(offset);
  if (size === 2) return view.getUint16(offset, true);
  if (size === 4) return view.getUint32(offset, true);
  return Number(view.getBigUint64(offset, true));
}

export interface DecodedField {
  /** "hdr.cmd_line_ptr"; entries of the memory map are "e820_table[0]". */
  readonly name: string;
  readonly offset: number;
  readonly sizeBytes: number;
  /** Null for blocks of bytes. */
  readonly value: bigint | null;
  /** The value in words where it has some: "2.15", "LOADED_HIGH | CAN_USE_HEAP", "0x0–0x9fbff usable". */
  readonly text: string;
  readonly meaning: string;
}

const flags =
  (...names: readonly string[]) =>
  (value: number): string =>
    names.filter((name, bit) => name !== "" && (value >> bit) & 1).join(" | ");

const LOADERS: { readonly [id: number]: string } = {
  0: "LILO", 1: "Loadlin", 2: "boot sector", 3: "Syslinux", 4: "Etherboot", 5: "ELILO", 7: "GRUB", 8: "U-Boot", 9: "Xen", 10: "Gujin", 11: "QEMU",
  12: "Arcturus", 13: "kexec-tools", 14: "extended", 15: "undefined",
}; // oxfmt-ignore
const DISPLAYS: { readonly [id: number]: string } = {
  0: "CGA or EGA text", 1: "VGA text", 0x22: "VGA", 0x23: "VESA frame buffer", 0x70: "EFI frame buffer",
}; // oxfmt-ignore
const VIDEO_MODES: { readonly [mode: number]: string } = {
  0xffff: "normal",
  0xfffe: "extended",
  0xfffd: "ask",
};

const WORDS: { readonly [name in BootParam]?: (value: number) => string } = {
  "screen_info.orig_video_isVGA": (value) => DISPLAYS[value] ?? "",
  "hdr.vid_mode": (value) => VIDEO_MODES[value] ?? "",
  "hdr.header": (value) => (value === 0x53726448 ? "HdrS" : "no setup header"),
  "hdr.version": (value) => versionText(value),
  "hdr.type_of_loader": (value) => LOADERS[value >> 4] ?? "",
  "hdr.loadflags": flags("LOADED_HIGH", "KASLR", "", "", "", "QUIET", "KEEP_SEGMENTS", "CAN_USE_HEAP"),
  "hdr.xloadflags": flags(
    "KERNEL_64",
    "CAN_BE_LOADED_ABOVE_4G",
    "EFI_HANDOVER_32",
    "EFI_HANDOVER_64",
    "EFI_KEXEC",
    "5LEVEL",
    "5LEVEL_ENABLED",
  ),
};

const E820_TYPES: { readonly [type: number]: string } = {
  1: "usable", 2: "reserved", 3: "ACPI data", 4: "ACPI NVS", 5: "unusable", 7: "persistent",
}; // oxfmt-ignore

/** "2.15" for 0x020f. */
export const versionText = (version: number): string =>
  `${version >> 8}.${String(version & 0xff).padStart(2, "0")}`;

/**
 * Every field of boot_params as found in memory (4096 bytes; fewer give fewer fields), the memory map's entries as fields of their own behind it.
 * At a kernel's 32-bit and 64-bit entries the address is in (R/E)SI.
 */
export function decodeBootParams(bytes: Uint8Array): readonly DecodedField[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const fields: DecodedField[] = [];
  for (const [name, offset, sizeBytes, meaning] of ROWS) {
    if (offset + sizeBytes > bytes.length) continue;
    const isNumber = sizeBytes === 1 || sizeBytes === 2 || sizeBytes === 4 || sizeBytes === 8;
    const value = !isNumber
      ? null
      : sizeBytes === 8
        ? view.getBigUint64(offset, true)
        : BigInt(number(view, offset, sizeBytes));
    const text = value === null ? "" : (WORDS[name]?.(Number(value)) ?? "");
    fields.push({ name, offset, sizeBytes, value, text, meaning });
    if (name === "e820_table") fields.push(...decodeMap(view, bytes[offsetOf("e820_entries")]!));
  }
  return fields;
}

function decodeMap(view: DataView, entries: number): DecodedField[] {
  return Array.from({ length: Math.min(entries, E820_MAX) }, (_, n) => {
    const offset = E820_TABLE + n * 20;
    const start = view.getBigUint64(offset, true);
    const length = view.getBigUint64(offset + 8, true);
    const type = view.getUint32(offset + 16, true);
    const last = BigInt.asUintN(64, start + length - 1n);
    return {
      name: `e820_table[${n}]`,
      offset,
      sizeBytes: 20,
      value: null,
      text: `${hex(start)}–${hex(last)} ${E820_TYPES[type] ?? `type ${type}`}`,
      meaning: "a range of the memory map",
    };
  });
}

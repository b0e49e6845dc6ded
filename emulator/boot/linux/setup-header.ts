/**
 * The setup header of a bzImage (Documentation/arch/x86/boot.rst): reading it, and judging whether the file can be started through an entry.
 *
 * Layout of the file: boot sector, `setup_sects` sectors of real-mode setup code (the header lies across the end of the first sector), then the
 * protected-mode code, whose 32-bit entry is its first byte and whose 64-bit entry is 200h bytes on.
 */
import { hex, type Finding, type Findings } from "../finding.ts";
import { encodeText, type BootImage } from "../image.ts";
import { BootParams, HEADER_LIMIT, HEADER_OFFSET, offsetOf, versionText } from "./boot-params.ts";

/** Bits of xloadflags and loadflags. */
export const XLOADFLAGS = { kernel64: 1, above4G: 2 } as const;
export const LOADFLAGS = { loadedHigh: 1, canUseHeap: 0x80 } as const;

const MAGIC = 0x53726448;
const MAGIC_OFFSET = 0x202;
const SECTOR = 512;
const VERSION_64 = 0x20c;
const OLDEST = 0x200;

export interface SetupHeader {
  readonly kind: "header";
  readonly params: BootParams;
  /** The header's bytes, from HEADER_OFFSET on. */
  readonly bytes: Uint8Array;
  readonly version: number;
  /** File offset of the protected-mode code. */
  readonly setupBytes: number;
  readonly code: Uint8Array;
  /** Whether the kernel is 64-bit code, as far as the header says. */
  readonly is64Bit: boolean;
  readonly loadedHigh: boolean;
  /** Where the kernel will run: `start` is preferred if it can be moved in steps of `alignment`, and fixed else; it needs `length` bytes from there. */
  readonly run: {
    readonly relocatable: boolean;
    readonly start: number;
    readonly alignment: number;
    readonly length: number;
  };
  /** The initrd ends at or below this address. */
  readonly initrdEnd: number;
}

export function isBzImage(bytes: Uint8Array): boolean {
  return bytes.length >= MAGIC_OFFSET + 6 && new BootParams(bytes).get("hdr.header") === MAGIC;
}

/** Reads the header of a file for an entry of `bits`. */
export function readSetupHeader(
  image: BootImage,
  bits: 16 | 32 | 64,
  findings: Findings,
): SetupHeader | Finding {
  const file = image.kernel;
  if (!isBzImage(file))
    return findings.make(
      "header-missing",
      null,
      'there is no Linux setup header ("HdrS" at 0x202) in the file',
      "give the bzImage that a kernel build leaves in arch/x86/boot, or a distribution's /boot/vmlinuz",
    );
  const params = new BootParams(file);
  if (params.get("hdr.boot_flag") !== 0xaa55)
    return findings.make("linux-header", offsetOf("hdr.boot_flag"), `boot_flag is ${hex(params.get("hdr.boot_flag"))} instead of 0xaa55`, "the file looks damaged: build or copy it again"); // oxfmt-ignore
  const version = params.get("hdr.version");
  if (version < OLDEST || version > 0x2ff)
    return findings.make("linux-header", offsetOf("hdr.version"), `the boot protocol version is ${versionText(version)}; 2.00 to 2.15 exist`, "the file looks damaged: build or copy it again"); // oxfmt-ignore
  const setupBytes = ((params.get("hdr.setup_sects") || 4) + 1) * SECTOR;
  if (setupBytes >= file.length)
    return findings.make("linux-truncated", offsetOf("hdr.setup_sects"), `setup_sects puts the kernel behind ${hex(setupBytes)} bytes of setup code, and the file ends at ${hex(file.length)}`, "the file is cut off: build or copy it again"); // oxfmt-ignore
  const code = file.subarray(setupBytes);
  const codeBytes = (version >= 0x204 ? params.get("hdr.syssize") : 0) * 16;
  // syssize is rounded up to paragraphs.
  if (codeBytes - 15 > code.length)
    return findings.make("linux-truncated", offsetOf("hdr.syssize"), `syssize announces ${hex(codeBytes)} bytes of kernel, and the file has ${hex(code.length)} behind its setup code`, "the file is cut off: build or copy it again"); // oxfmt-ignore
  return (
    checkEntry(params, version, bits, findings) ??
    checkCommandLine(image, params, version, findings) ?? {
      kind: "header",
      params,
      bytes: file.slice(HEADER_OFFSET, headerEnd(file)),
      version,
      setupBytes,
      code,
      is64Bit: version >= VERSION_64 && (params.get("hdr.xloadflags") & XLOADFLAGS.kernel64) !== 0,
      loadedHigh: (params.get("hdr.loadflags") & LOADFLAGS.loadedHigh) !== 0,
      run: runRange(params, version, code.length),
      initrdEnd: (version >= 0x203 ? params.get("hdr.initrd_addr_max") : 0x37ffffff) + 1,
    }
  );
}

/** The jump at 0x200 leads over the header: its distance is the header's length. */
function headerEnd(file: Uint8Array): number {
  return Math.min(MAGIC_OFFSET + file[0x201]!, HEADER_LIMIT, file.length);
}

function runRange(params: BootParams, version: number, codeBytes: number): SetupHeader["run"] {
  const relocatable = version >= 0x205 && params.get("hdr.relocatable_kernel") !== 0;
  const known = version >= 0x20a && params.get("hdr.init_size") !== 0;
  return {
    relocatable,
    start: known ? params.get("hdr.pref_address") : 0x100000,
    alignment: relocatable ? Math.max(params.get("hdr.kernel_alignment"), 0x1000) : 1,
    // Before 2.10 nothing tells how far the kernel unpacks itself; a fourfold ratio is more than any compression of that time reached.
    length: known ? Math.max(params.get("hdr.init_size"), codeBytes) : codeBytes * 5,
  };
}

function checkEntry(
  params: BootParams,
  version: number,
  bits: 16 | 32 | 64,
  findings: Findings,
): Finding | null {
  const high = (params.get("hdr.loadflags") & LOADFLAGS.loadedHigh) !== 0;
  if (bits === 64 && (version < VERSION_64 || (params.get("hdr.xloadflags") & XLOADFLAGS.kernel64) === 0))
    return findings.make(
      "linux-entry",
      version < VERSION_64 ? offsetOf("hdr.version") : offsetOf("hdr.xloadflags"),
      version < VERSION_64
        ? `the boot protocol is ${versionText(version)}, and the 64-bit entry came with ${versionText(VERSION_64)}`
        : "XLF_KERNEL_64 is clear in xloadflags: the kernel has no 64-bit entry",
      'choose the loader "linux32" or "linux16", or build the kernel for x86-64',
    );
  if (bits === 32 && (version < 0x202 || !high))
    return findings.make(
      "linux-entry",
      version < 0x202 ? offsetOf("hdr.version") : offsetOf("hdr.loadflags"),
      version < 0x202
        ? `the boot protocol is ${versionText(version)}, and starting without the setup code needs 2.02`
        : "LOADED_HIGH is clear in loadflags: the file is a zImage, which its setup code must move",
      'choose the loader "linux16"',
    );
  const alignment = params.get("hdr.kernel_alignment");
  if (version >= 0x205 && params.get("hdr.relocatable_kernel") !== 0 && alignment > 0x40000000)
    return findings.make("linux-header", offsetOf("hdr.kernel_alignment"), `kernel_alignment is ${hex(alignment)}`, "the file looks damaged: build or copy it again"); // oxfmt-ignore
  return null;
}

function checkCommandLine(
  image: BootImage,
  params: BootParams,
  version: number,
  findings: Findings,
): Finding | null {
  const limit = version >= 0x206 ? params.get("hdr.cmdline_size") : 255;
  const length = encodeText(image.append).length - 1;
  if (length <= limit) return null;
  return findings.make(
    "command-line",
    version >= 0x206 ? offsetOf("hdr.cmdline_size") : offsetOf("hdr.version"),
    `the command line has ${length} bytes, and the kernel takes ${limit}`,
    "shorten the command line, or embed a part of it in the kernel (CONFIG_CMDLINE)",
  );
}

/**
 * The boot doctor: says what a file is, which loaders were tried on it, which rule failed where, and what to do.
 *
 * Elsewhere: the rules themselves, each in the loader that keeps it; here is what no loader would ever accept.
 */
import { checkLinked, describeElf, isElf, readElf, viewOf } from "./elf.ts";
import { Findings, hex, isFinding, RULES, type Finding, type Rule } from "./finding.ts";
import { encodeText, type BootImage, type Diagnosis } from "./image.ts";

interface Format {
  readonly text: string;
  readonly matches: (bytes: Uint8Array) => boolean;
  readonly offset: number;
  readonly fix: string;
}

const at =
  (offset: number, ...values: readonly number[]) =>
  (bytes: Uint8Array): boolean =>
    values.every((value, n) => bytes[offset + n] === value);
const textAt = (offset: number, text: string): ((bytes: Uint8Array) => boolean) =>
  at(offset, ...encodeText(text).subarray(0, -1));
const word = (bytes: Uint8Array, offset: number): number =>
  (bytes[offset] ?? 0) | ((bytes[offset + 1] ?? 0) << 8) | ((bytes[offset + 2] ?? 0) << 16);

/** "PE\0\0" at the offset that the DOS header gives at 0x3c; the subsystem tells EFI from Windows. */
function peSubsystem(bytes: Uint8Array): number | null {
  if (!textAt(0, "MZ")(bytes)) return null;
  const pe = word(bytes, 0x3c);
  if (!textAt(pe, "PE\0\0")(bytes)) return null;
  return word(bytes, pe + 92) & 0xffff;
}

const decompress = (tool: string): string => `decompress it: ${tool}`;

/** Most specific first. */
const FORMATS: readonly Format[] = [
  {
    text: "Linux bzImage",
    matches: (bytes) => textAt(0x202, "HdrS")(bytes),
    offset: 0x202,
    fix: 'choose the loader "linux" or "auto"',
  },
  {
    text: "EFI application (PE/COFF)",
    matches: (bytes) => [10, 11, 12, 13].includes(peSubsystem(bytes) ?? -1),
    offset: 0,
    fix: "EFI applications need firmware, which is not supported; link an ELF file with a Multiboot header (objcopy -I pei-x86-64 -O elf64-x86-64 does not add one)",
  },
  {
    text: "PE/COFF executable for Windows or DOS",
    matches: textAt(0, "MZ"),
    offset: 0,
    fix: "link an ELF file: use a *-elf toolchain (x86_64-elf-gcc) instead of a MinGW one",
  },
  { text: "gzip-compressed data", matches: at(0, 0x1f, 0x8b), offset: 0, fix: decompress("gunzip") },
  {
    text: "xz-compressed data",
    matches: at(0, 0xfd, 0x37, 0x7a, 0x58, 0x5a),
    offset: 0,
    fix: decompress("unxz"),
  },
  {
    text: "Zstandard-compressed data",
    matches: at(0, 0x28, 0xb5, 0x2f, 0xfd),
    offset: 0,
    fix: decompress("unzstd"),
  },
  { text: "bzip2-compressed data", matches: textAt(0, "BZh"), offset: 0, fix: decompress("bunzip2") },
  {
    text: "LZ4-compressed data",
    matches: at(0, 0x04, 0x22, 0x4d, 0x18),
    offset: 0,
    fix: decompress("unlz4"),
  },
  {
    text: "static library (ar archive)",
    matches: textAt(0, "!<arch>\n"),
    offset: 0,
    fix: "link it into an executable: ld -T kernel.lds --whole-archive …",
  },
  {
    text: "Mach-O file",
    matches: (bytes) => [0xfeedface, 0xfeedfacf, 0xcafebabe].includes(head(bytes)),
    offset: 0,
    fix: "link an ELF file: use a *-elf toolchain (x86_64-elf-gcc, or clang --target=x86_64-elf with ld.lld)",
  },
  {
    text: "QCOW2 disk image",
    matches: at(0, 0x51, 0x46, 0x49, 0xfb),
    offset: 0,
    fix: 'start it as a disk (-hda, -drive; in a launch configuration "drives"), or give the kernel inside it',
  },
  {
    text: "ISO 9660 image",
    matches: textAt(0x8001, "CD001"),
    offset: 0x8001,
    fix: 'start it as a CD (-cdrom; in a launch configuration "cdrom"), or give the kernel inside it (usually boot/kernel.elf)',
  },
  {
    text: "raw boot sector or disk image",
    matches: (bytes) => bytes.length >= 512 && at(510, 0x55, 0xaa)(bytes),
    offset: 510,
    fix: 'start it as a disk (-hda, -drive; in a launch configuration "drives") or a floppy (-fda; "floppy")',
  },
  {
    text: "script or text file",
    matches: (bytes) => bytes.subarray(0, 512).every((byte) => byte >= 9 && byte < 127),
    offset: 0,
    fix: "give the linked kernel, not a source file or script",
  },
];

const head = (bytes: Uint8Array): number => (bytes.length < 4 ? 0 : viewOf(bytes).getUint32(0, true));

/** What a file is, in a few words. */
export function describeFile(bytes: Uint8Array): string {
  if (bytes.length === 0) return "empty file";
  if (isElf(bytes)) return describeElf(bytes);
  return FORMATS.find((format) => format.matches(bytes))?.text ?? "data of no known format";
}

/** What no loader can do anything about, or null. */
export function examineFile(image: BootImage): Finding | null {
  const { kernel, kernelName } = image;
  const findings = new Findings("file", kernelName);
  if (kernel.length === 0)
    return findings.make(
      "empty-file",
      0,
      "the file is empty",
      "build the kernel again; the linker may have failed",
    );
  if (isElf(kernel)) {
    const elf = readElf(kernel, findings);
    return isFinding(elf) ? elf : checkLinked(elf, findings);
  }
  const format = FORMATS.find(({ matches }) => matches(kernel));
  if (format === undefined) return null;
  const article = /^(?:[aeiouEI]|LZ4)/.test(format.text) ? "an" : "a";
  return findings.make(
    "file-format",
    format.offset,
    `the file is ${format.text.endsWith("data") ? format.text : `${article} ${format.text}`}`,
    format.fix,
  );
}

/** What a loader says when it has found no header it can use, near misses included. */
const HEADERLESS: readonly Rule[] = [
  "header-missing",
  "header-position",
  "header-alignment",
  "header-checksum",
];

/**
 * Puts together what was found. The cause is what says most: what a loader that did find its header objects to, else what the file is, else a near
 * miss, else that there is no header.
 */
export function diagnose(image: BootImage, tried: readonly Finding[]): Diagnosis {
  const examined = examineFile(image);
  const cause =
    tried.find((finding) => !HEADERLESS.includes(finding.rule)) ??
    examined ??
    tried.find((finding) => finding.rule !== "header-missing") ??
    noHeader(image, tried);
  const all = examined === null ? tried : [examined, ...tried];
  return { kind: "diagnosis", file: image.kernelName, format: describeFile(image.kernel), cause, tried: all };
}

/** No loader found a header of its own. */
function noHeader(image: BootImage, tried: readonly Finding[]): Finding {
  const [first] = tried;
  if (first !== undefined && tried.length === 1) return first;
  return new Findings("file", image.kernelName).make(
    "header-missing",
    null,
    "the file has neither a Multiboot 1 header (0x1badb002) nor a Multiboot 2 header (0xe85250d6), no PVH note, and is not Linux",
    tried.find(({ loader }) => loader === "multiboot1")?.fix ?? "add a Multiboot header",
  );
}

/** The diagnosis as text for a terminal, without a newline at the end. */
export function explain(diagnosis: Diagnosis): string {
  const where = (finding: Finding): string =>
    finding.offset === null ? finding.file : `${finding.file}+${hex(finding.offset)}`;
  const lines = [
    `cannot boot ${diagnosis.file} (${diagnosis.format}): ${diagnosis.cause.text}`,
    `  fix: ${diagnosis.cause.fix}`,
    "  tried:",
  ];
  for (const finding of diagnosis.tried) {
    lines.push(`    ${finding.loader}: ${finding.text} (${where(finding)})`);
    lines.push(`      rule: ${RULES[finding.rule]}`);
    if (finding.fix !== diagnosis.cause.fix) lines.push(`      fix: ${finding.fix}`);
  }
  return lines.join("\n");
}

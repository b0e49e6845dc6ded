/** Flags of a Multiboot 1 header that no loader may accept, or that promise fields which are not there. */
import type { SyntaxFile } from "../syntax.ts";
import type { World } from "../world.ts";
import { fieldOf, headersOf, type Header } from "./multiboot.ts";
import type { Finding, Rule } from "./rule.ts";

function* check(file: SyntaxFile, world: World): Generator<Finding> {
  for (const header of headersOf(file, world)) {
    const item = header.items[1];
    const flags = header.version === 1 ? fieldOf(header, 1) : undefined;
    if (item && flags !== undefined) {
      const message = wrong(header, flags);
      if (message !== undefined) {
        const { line, start, end } = item;
        yield { line, start, end, message };
      }
    }
  }
}

function wrong(header: Header, flags: bigint): string | undefined {
  const unknown = bitsIn(flags & 0xfff8n);
  if (unknown.length > 0) {
    const names = unknown.length === 1 ? `Flag ${unknown[0]} is` : `Flags ${unknown.join(", ")} are`;
    return `${names} not defined: a loader must refuse a kernel that requires what it does not know (bits 0 to 15).`;
  }
  // Only where it is certain that nothing more belongs to the header.
  if (header.ending !== "other" || header.items.some(({ width }) => width !== 4)) {
    return undefined;
  }
  const count = header.items.length;
  if ((flags & 4n) !== 0n && count < 12) {
    return `Flag 2 asks for a video mode, whose four fields are read at offset 32, but the header ends after ${4 * count} bytes.`;
  }
  if ((flags & 0x1_0000n) !== 0n && count < 8) {
    return `Flag 16 says that five addresses follow at offset 12, but the header ends after ${4 * count} bytes.`;
  }
  return undefined;
}

function bitsIn(value: bigint): readonly number[] {
  return Array.from({ length: 16 }, (_, bit) => bit).filter((bit) => ((value >> BigInt(bit)) & 1n) !== 0n);
}

export const multibootFlags: Rule = {
  code: "multiboot-flags",
  languages: ["gas", "nasm"],
  severity: "error",
  title: "Wrong flags of a Multiboot header",
  explanation: [
    "Bits 0 to 15 of the flags are requirements. Defined are 0 (modules on page boundaries), 1 (memory information) and 2 (video mode); a loader that finds another one set must give up.",
    "",
    "Bit 16 says that the header holds addresses (`header_addr`, `load_addr`, `load_end_addr`, `bss_end_addr`, `entry_addr`) at offset 12; an ELF kernel does not need them. With bit 2 the fields `mode_type`, `width`, `height`, `depth` stand at offset 32, **behind** the five addresses, which must be there as placeholders even if bit 16 is clear.",
    "",
    "Multiboot Specification 0.6.96, 3.1.1 The layout of Multiboot header.",
  ].join("\n"),
  check,
};

/** A Multiboot header that lies beyond the part of the file in which loaders look for it, by what stands before it in its own section. */
import type { SyntaxFile } from "../syntax.ts";
import type { World } from "../world.ts";
import { headersOf, placeOf } from "./multiboot.ts";
import type { Finding, Rule } from "./rule.ts";

const searched = { 1: 8192n, 2: 32_768n } as const;

function* check(file: SyntaxFile, world: World): Generator<Finding> {
  for (const header of headersOf(file, world)) {
    const [magic] = header.items;
    const place = placeOf(header);
    const size = header.version === 1 ? 12n : 16n;
    const limit = searched[header.version];
    if (magic && place && place.atLeast + size > limit && !/bss/i.test(place.section)) {
      const { line, start, end } = magic;
      yield {
        line,
        start,
        end,
        message: `At least ${place.atLeast} bytes stand before the header, but loaders look only at the first ${limit / 1024n} KiB of the file.`,
      };
    }
  }
}

export const multibootPosition: Rule = {
  code: "multiboot-position",
  languages: ["gas", "nasm"],
  severity: "error",
  title: "A Multiboot header too far from the start of the file",
  explanation: [
    "The whole header must lie in the first 8192 bytes (Multiboot 1) or 32768 bytes (Multiboot 2) of the file. What stands before it in its section is before it in the file as well, however the linker arranges sections.",
    "",
    "Give the header a section of its own, and let the linker script put that section first: `KEEP(*(.multiboot))`.",
    "",
    "Multiboot Specification 0.6.96, 3.1; Multiboot2 Specification 2.0, 3.1.",
  ].join("\n"),
  check,
};

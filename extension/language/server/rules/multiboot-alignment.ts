/**
 * A Multiboot header that does not lie on a multiple of 4 (Multiboot 1) or 8 (Multiboot 2).
 *
 * Certain where its distance from something aligned is known. A section's start may be aligned further by the linker script, so that nothing is said of a
 * header at its beginning.
 */
import type { SyntaxFile } from "../syntax.ts";
import type { World } from "../world.ts";
import { headersOf, placeOf, type Header } from "./multiboot.ts";
import type { Finding, Rule } from "./rule.ts";
import { assemblerOf } from "./scope.ts";

function* check(file: SyntaxFile, world: World): Generator<Finding> {
  for (const header of headersOf(file, world)) {
    const [magic] = header.items;
    const needed = header.version === 1 ? 4n : 8n;
    const off = magic && distanceOff(header, needed);
    if (!magic || off === undefined) {
      continue;
    }
    const { line, start, end } = magic;
    const directive = assemblerOf(file) === "nasm" ? "align" : ".balign";
    const at = file.lines[line]?.text ?? "";
    const indent = /^\s*/.exec(at)?.[0] || "    ";
    yield {
      line,
      start,
      end,
      message: `The header lies ${off} byte${off === 1n ? "" : "s"} behind a multiple of ${needed}: loaders look only at multiples of ${needed}.`,
      fixes: [
        {
          title: `Put ${directive} ${needed} before it`,
          edits: [{ line, start: 0, end: 0, text: `${indent}${directive} ${needed}\n` }],
        },
      ],
    };
  }
}

function distanceOff(header: Header, needed: bigint): bigint | undefined {
  const place = placeOf(header);
  if (!place) {
    return undefined;
  }
  const { alignment } = place;
  // What is known of the anchor; the start of a section may be on a multiple of more.
  const known = alignment < needed ? alignment : needed;
  const off = known > 1n ? place.offset % known : 0n;
  return off === 0n ? undefined : off;
}

export const multibootAlignment: Rule = {
  code: "multiboot-alignment",
  languages: ["gas", "nasm"],
  severity: "error",
  title: "A Multiboot header that is not aligned",
  explanation: [
    "Loaders look for the magic number only where the file's offset is a multiple of 4 (Multiboot 1) or 8 (Multiboot 2). A header between them is not found.",
    "",
    "Put `.balign 8` (GNU as) or `align 8` (NASM) before it, or the header at the very beginning of a section of its own.",
    "",
    "Multiboot Specification 0.6.96, 3.1; Multiboot2 Specification 2.0, 3.1.",
  ].join("\n"),
  check,
};

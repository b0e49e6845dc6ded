/**
 * CR3 loaded with a number that is no page's address.
 *
 * Certain where a number is loaded and its low bits are neither PWT nor PCD. In 32-bit code bits 5 to 11 are the address of PAE's table of four pointers, unless
 * the same path goes on to long mode.
 */
import type { SyntaxFile } from "../syntax.ts";
import type { World } from "../world.ts";
import { bit, pathsOf, type Mark, type Path } from "./flow.ts";
import type { Finding, Rule } from "./rule.ts";

type Write = Extract<Mark, { kind: "write" }>;

/** PWT and PCD. */
const flags = 0x18n;

function* check(file: SyntaxFile, world: World): Generator<Finding> {
  for (const path of pathsOf(file, world)) {
    for (const mark of path) {
      if (mark.kind === "write" && mark.register === "cr3") {
        const value = mark.value === undefined ? mark.offset : mark.value & ~flags;
        const low = value === undefined ? 0n : value & lowBits(mark, path);
        const place = mark.from ?? mark;
        if (value !== undefined && low !== 0n) {
          const { line, start, end } = place;
          yield {
            line,
            start,
            end,
            message:
              mark.value === undefined
                ? `The table that CR3 gets here lies ${value & 0xfffn} bytes behind a page boundary.`
                : `CR3 gets 0x${mark.value.toString(16).toUpperCase()}, which is not on a page boundary: the processor ignores its low bits and reads the table at 0x${(value & ~0xfffn).toString(16).toUpperCase()}.`,
            ...(place === mark
              ? {}
              : {
                  related: [
                    {
                      uri: file.uri,
                      line: mark.line,
                      start: mark.start,
                      end: mark.end,
                      message: "Written here.",
                    },
                  ],
                }),
          };
        }
      }
    }
  }
}

function lowBits(mark: Write, path: Path): bigint {
  const isLong = path.some(
    (other) => other.kind === "write" && other.register === "efer" && (other.set & bit(8)) !== 0n,
  );
  const isTagged = path.some(
    (other) => other.kind === "write" && other.register === "cr4" && (other.set & bit(17)) !== 0n,
  );
  const isPae = path.some((other) => other.kind === "write" && other.register === "cr4");
  const isPlain =
    !isPae &&
    path.some((other) => other.kind === "write" && other.register === "cr0" && (other.set & bit(31)) !== 0n);
  if (isTagged) {
    return 0n;
  }
  return mark.bits === 64 || isLong || isPlain ? 0xfffn : 0x7n;
}

export const cr3Alignment: Rule = {
  code: "cr3-alignment",
  languages: ["gas", "nasm"],
  severity: "error",
  title: "CR3 loaded with an address inside a page",
  explanation: [
    "CR3 holds the physical address of the top page table in bits 12 and up. Bits 3 and 4 are PWT and PCD, the others below bit 12 are ignored (or, with CR4.PCIDE, a process-context identifier). A table that does not begin on a multiple of 4096 is read from the page boundary before it.",
    "",
    "Put the table on a page of its own: `.balign 4096`, `align 4096`, or a number that ends in `000`.",
    "",
    "PAE paging without long mode has its four pointers on a multiple of 32; that is not reported.",
    "",
    "Intel SDM 3A, 2.5 Control Registers; tables 4-3, 4-7 and 4-12, Use of CR3.",
  ].join("\n"),
  check,
};

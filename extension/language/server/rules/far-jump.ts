/**
 * Code that goes on in another width after CR0.PE or CR0.PG was set, without the far jump that makes the processor decode it so.
 *
 * Certain where the code falls through, or jumps nearly, from the write of CR0 into code of another width of the same file.
 */
import type { SyntaxFile } from "../syntax.ts";
import type { World } from "../world.ts";
import { bit, pathsOf, type Mark } from "./flow.ts";
import type { Finding, Rule } from "./rule.ts";

const protection = bit(0);
const paging = bit(31);

function* check(file: SyntaxFile, world: World): Generator<Finding> {
  for (const path of pathsOf(file, world)) {
    let enabled: { readonly mark: Mark; readonly name: string } | undefined;
    for (const mark of path) {
      if (mark.kind === "write" && mark.register === "cr0" && mark.bits !== null) {
        const isProtected = (mark.set & protection) !== 0n && mark.bits === 16;
        const isPaged = (mark.set & paging) !== 0n && mark.bits === 32;
        if (isProtected || isPaged) {
          enabled = { mark, name: isProtected ? "CR0.PE" : "CR0.PG" };
        }
      } else if (mark.kind === "width" && enabled && mark.before === enabled.mark.bits) {
        const { line, start, end } = mark;
        const how = mark.isJump ? "A near jump does not change CS" : "No far jump comes before it";
        yield {
          line,
          start,
          end,
          message: `${how}: after ${enabled.name} is set the processor goes on decoding ${mark.before}-bit code until CS is loaded, and this is ${mark.target}-bit code.`,
          related: [
            {
              uri: file.uri,
              line: enabled.mark.line,
              start: enabled.mark.start,
              end: enabled.mark.end,
              message: `${enabled.name} is set here.`,
            },
          ],
        };
        enabled = undefined;
      }
    }
  }
}

export const farJump: Rule = {
  code: "far-jump",
  languages: ["gas", "nasm"],
  severity: "error",
  title: "No far jump after the change of mode",
  explanation: [
    "Whether the processor decodes 16-, 32- or 64-bit instructions is told by the descriptor of the code segment it runs in, not by CR0. Setting CR0.PE (or CR0.PG with EFER.LME) changes the mode, but CS keeps its old hidden descriptor until it is loaded anew, and only a far jump, far call, far return or `iret` does that.",
    "",
    "Until then every instruction of the new width is read as one of the old: prefixes and immediates are cut differently, and the end is a triple fault.",
    "",
    "```nasm",
    "    mov cr0, eax",
    "    jmp CODE_SELECTOR:next",
    "bits 32",
    "next:",
    "```",
    "",
    "In GNU as: `ljmp $CODE_SELECTOR, $next`, with `.code32` or `.code64` behind it.",
    "",
    "Intel SDM 3A, 9.9.1 Switching to Protected Mode; 9.8.5 Initializing IA-32e Mode.",
  ].join("\n"),
  check,
};

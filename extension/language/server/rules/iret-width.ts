/**
 * `iret` without a width in 64-bit code: both assemblers take the form with 32-bit operands, which is never what a 64-bit handler left on the stack.
 *
 * Silent about `iretd` and `iretl`, which say what they want.
 */
import type { SyntaxFile } from "../syntax.ts";
import type { World } from "../world.ts";
import type { Finding, Rule } from "./rule.ts";
import { surveyOf } from "./survey.ts";
import { widthsOf } from "./width.ts";

function* check(file: SyntaxFile, world: World): Generator<Finding> {
  for (const number of surveyOf(file).linesOf("interrupt")) {
    for (const statement of file.lines[number]?.statements ?? []) {
      const isBare =
        statement.kind === "instruction" &&
        /^iret$/i.test(statement.mnemonic.text) &&
        statement.prefixes.length === 0;
      if (isBare && widthsOf(file, world).at(number) === 64) {
        const { start, end, text } = statement.mnemonic;
        const name = text === "IRET" ? "IRETQ" : "iretq";
        yield {
          line: number,
          start,
          end,
          message:
            "In 64-bit code iret pops 32-bit values, but the processor has pushed 64-bit ones: iretq is meant.",
          fixes: [{ title: `Change to ${name}`, edits: [{ line: number, start, end, text: name }] }],
        };
      }
    }
  }
}

export const iretWidth: Rule = {
  code: "iret-width",
  languages: ["gas", "nasm"],
  severity: "warning",
  title: "iret where iretq is meant",
  explanation: [
    "An interrupt in long mode pushes SS, RSP, RFLAGS, CS and RIP, eight bytes each. `iret` without a width has 32-bit operands in both GNU as and NASM, even in 64-bit code: it takes RIP's lower half for EIP and its upper half for CS, and the processor faults with #GP or jumps to nowhere.",
    "",
    "Write `iretq`, whose REX.W prefix makes it pop 64-bit values. If 32-bit values are really on the stack, say so with `iretl` (AT&T) or `iretd`.",
    "",
    "Intel SDM 2A, IRET/IRETD/IRETQ; 3A, 6.14.3 IRET in IA-32e Mode.",
  ].join("\n"),
  check,
};

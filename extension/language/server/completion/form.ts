/**
 * Forms of instructions as a person writes them in the dialect: operands in its order, AT&T's sigils.
 *
 * Elsewhere: the forms (`knowledge/`).
 */
import type { Form, FormOperand } from "../knowledge/instructions.ts";
import type { Dialect } from "../knowledge/spelling.ts";

/** The operands that are written, in the dialect's order. */
export function writtenOperands(form: Form, mnemonic: string, dialect: Dialect): readonly FormOperand[] {
  const visible = form.operands.slice(form.operands.length - form.writtenCount);
  return dialect === "att" && isReversed(mnemonic) ? visible.toReversed() : visible;
}

/** `bound`, `enter` and a few more have Intel's order in both: "Using as", 9.16.3.1. */
export function isReversed(mnemonic: string): boolean {
  return !/^(?:bound|enter|invlpga|extrq|insertq)[wlq]?$/i.test(mnemonic);
}

const fixed = /^(?:[ABCD][LHX]|E[ABCD]X|R[ABCD]X|[CDEFGS]S|ST(?:\(.\))?|CR\d|DR\d)$/;

function operandText({ text, kind }: FormOperand, dialect: Dialect): string {
  const lower = fixed.test(text) ? text.toLowerCase() : text;
  if (dialect !== "att") {
    return lower;
  }
  if (fixed.test(text)) {
    return `%${lower}`;
  }
  return kind.startsWith("imm") ? `$${lower}` : lower;
}

/** What is written between commas. GNU as wants the segment and the offset of a far jump apart. */
export function parameterTexts(form: Form, mnemonic: string, dialect: Dialect): readonly string[] {
  return writtenOperands(form, mnemonic, dialect).flatMap((operand) => {
    if (!operand.kind.startsWith("farbr")) {
      return [operandText(operand, dialect)];
    }
    const offset = `offset${form.size}`;
    switch (dialect) {
      case "att":
        return ["$segment", `$${offset}`];
      case "intel":
        return ["segment", offset];
      case "nasm":
        return [`segment:${offset}`];
    }
  });
}

export function formText(form: Form, mnemonic: string, dialect: Dialect): string {
  return `${mnemonic.toLowerCase()} ${parameterTexts(form, mnemonic, dialect).join(", ")}`.trimEnd();
}

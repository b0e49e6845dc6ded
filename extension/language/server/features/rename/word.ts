/** Why a word that is no name of the user's cannot be renamed. */
import { holds } from "../../index/part.ts";
import type { Position } from "../../syntax.ts";
import type { World } from "../../world.ts";

/** A sentence; null where no word stands. */
export function explain(world: World, uri: string, { line, column }: Position): string | null {
  for (const statement of world.file(uri)?.lines[line]?.statements ?? []) {
    if (statement.kind === "instruction") {
      const word = [...statement.prefixes, statement.mnemonic].find((token) => holds(token, column));
      if (word) {
        return `${word.text} is an instruction: only names that a program defines can be renamed.`;
      }
    }
    if (statement.kind === "directive" && holds(statement.name, column)) {
      return `${statement.name.text} is a directive: only names that a program defines can be renamed.`;
    }
    if (statement.kind !== "unknown") {
      const registers = statement.operands.flatMap((operand) => operand.registers);
      const register = registers.find((token) => holds(token, column));
      if (register) {
        return `${register.text} is a register: only names that a program defines can be renamed.`;
      }
    }
  }
  return null;
}

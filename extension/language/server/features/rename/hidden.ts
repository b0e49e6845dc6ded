/**
 * Uses of a name that no index sees: in strings that a macro is given as code (`ALTERNATIVE "jmp 1f", …`), and parameters without their backslash.
 *
 * A rename would leave them behind, so it is refused where there is one.
 */
import type { Line } from "../../syntax.ts";
import type { DefinitionAt, Located, Occurrence, World } from "../../world.ts";

/** A string among a macro's arguments that has the name as a word, in a file where the name is used. */
export function stringUse(
  world: World,
  { definition }: DefinitionAt,
  occurrences: readonly Occurrence[],
): Located | undefined {
  const { name, kind } = definition;
  if (kind === "parameter") {
    return undefined;
  }
  const suffix = kind === "numeric" ? "[bf]" : "";
  const escaped = name.replaceAll(/[$.\\()?@%]/g, String.raw`\$&`);
  const word = new RegExp(String.raw`(?<![\w.$@])${escaped}${suffix}(?![\w.$])`);
  for (const uri of new Set(occurrences.map((each) => each.uri))) {
    for (const [number, line] of (world.file(uri)?.lines ?? []).entries()) {
      const found = stringsOf(line).find(({ text }) => word.test(text));
      if (found) {
        return { uri, line: number, token: found };
      }
    }
  }
  return undefined;
}

interface Text {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/** Arguments go on over lines that end in a backslash. */
function stringsOf({ text, statements, before }: Line): readonly Text[] {
  if (!text.includes('"')) {
    return [];
  }
  const isContinued = before.continues?.kind === "operands" || before.continues?.kind === "brackets";
  if (isContinued && !before.continues?.name.startsWith(".")) {
    return [...text.matchAll(/"[^"]*"/g)].map((found) => ({
      text: found[0],
      start: found.index,
      end: found.index + found[0].length,
    }));
  }
  return statements.flatMap((statement) =>
    statement.kind === "call" ? statement.operands.filter((operand) => operand.text.includes('"')) : [],
  );
}

/** `.altmacro`: parameters are written without their backslash as well. */
export function hasPlainParameters(world: World, { uri }: DefinitionAt): boolean {
  return (world.file(uri)?.lines ?? []).some(({ statements }) =>
    statements.some((statement) => statement.kind === "directive" && statement.name.text === ".altmacro"),
  );
}

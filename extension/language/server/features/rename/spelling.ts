/**
 * Whether a text can be the new name of what is renamed, as its assembler spells names.
 *
 * Source: "Using as", 5.3 "Symbol Names"; NASM manual, 3.1 "Layout of a NASM Source Line"; the ld manual, "Symbol Names"; the C standard, 6.4.2, for `#define`.
 */
import { isMnemonic, isPrefix, isRegister } from "../../mnemonic.ts";
import type { DefinitionAt, World } from "../../world.ts";

/** A sentence that says what is wrong with it. */
export function checkName(
  world: World,
  definitions: readonly DefinitionAt[],
  name: string,
): string | undefined {
  for (const { uri, line, definition } of definitions) {
    const file = world.file(uri);
    const { kind } = definition;
    const isNasm = file?.language === "nasm";
    if (kind === "numeric") {
      return /^\d{1,9}$/.test(name) ? undefined : "A local label of this kind is a number.";
    }
    if (!patternOf(kind, isNasm, definition.name).test(name)) {
      return wrongSpelling(kind, isNasm, definition.name, name);
    }
    const isLocal = definition.name.startsWith(".L");
    if (!isNasm && name.startsWith(".L") && !isLocal && world.names.isShared(uri, definition.name)) {
      return `Names that begin with .L stay inside their object file, and ${definition.name} is shared.`;
    }
    const isIntel = file?.lines[line]?.before.dialect === "intel";
    if (isIntel && isRegister(name)) {
      return `${name} is a register.`;
    }
    const isCalled = kind === "macro" || (kind === "define" && definition.parameters !== undefined);
    if ((isNasm || isCalled) && (isMnemonic(name, isNasm ? "nasm" : "gas") || isPrefix(name))) {
      return `${name} is an instruction.`;
    }
  }
  return undefined;
}

function patternOf(kind: DefinitionAt["definition"]["kind"], isNasm: boolean, old: string): RegExp {
  if (isNasm) {
    const body = String.raw`[A-Za-z_?][\w$#@~?]*`;
    if (/^%%|^%\$/.test(old)) {
      return new RegExp(`^%(?:%|\\$+)${body}$`);
    }
    return kind === "local" || (kind === "field" && old.includes("."))
      ? new RegExp(`^\\.${body}$`)
      : /^[A-Za-z_?@][\w$#@~?.]*$/;
  }
  if (old.includes("\\@")) {
    return /^[A-Za-z_.][\w.$]*\\@$/;
  }
  return kind === "define"
    ? /^[A-Za-z_]\w*$/
    : kind === "parameter"
      ? /^[A-Za-z_]\w*$/
      : /^[A-Za-z_.][\w.$]*$/;
}

function wrongSpelling(kind: string, isNasm: boolean, old: string, name: string): string {
  if (isNasm && /^%%|^%\$/.test(old)) {
    return `A name that is local to a macro keeps its ${old.slice(0, 2)}.`;
  }
  if (isNasm && kind === "local") {
    return `A local label begins with a dot: .${name.replaceAll(/[^\w$#@~?]/g, "")}`;
  }
  return `"${name}" is not a name: names have letters, digits and "_", and begin with no digit.`;
}

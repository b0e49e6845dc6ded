/**
 * Signature help: the operand forms of an instruction in the dialect's order, what a directive or a macro takes.
 *
 * Invariant: forms that the mode has not are left out; those that what is written fits come first, and the first is the active one.
 * Elsewhere: forms (`knowledge/`), where the cursor is (`completion/context.ts`), linker scripts (`script/`).
 */
import type { SignatureHelp, SignatureInformation } from "vscode-languageserver-types";
import {
  contextAt,
  isReversed,
  parameterTexts,
  writtenOperands,
  type Context,
  type OperandPlace,
} from "../completion/index.ts";
import { directives } from "../completion/directive.ts";
import { instruction, type Form } from "../knowledge/instructions.ts";
import { admits, givenOperands } from "../knowledge/operand.ts";
import { scriptSignature } from "../script/index.ts";
import type { Operand, Position } from "../syntax.ts";
import type { World } from "../world.ts";

/** More forms than these nobody pages through. */
const limit = 24;

export function signatureHelp(world: World, uri: string, position: Position): SignatureHelp | null {
  const file = world.file(uri);
  if (file?.language === "linkerscript") {
    return scriptSignature(world, uri, position);
  }
  const context = file && contextAt(file, position);
  if (!context) {
    return null;
  }
  switch (context.place.kind) {
    case "operand":
      return ofInstruction(context, context.place);
    case "argument": {
      const { name, index, isMacro } = context.place;
      return isMacro ? ofMacro(world, name, index) : ofDirective(context, name, index);
    }
    case "nothing":
    case "path":
    case "statement":
      return null;
  }
}

function ofInstruction(context: Context, place: OperandPlace): SignatureHelp | null {
  const { dialect, before } = context;
  const { mnemonic, index } = place;
  const { bits } = before;
  const forms = (instruction(mnemonic, dialect)?.forms ?? []).filter(
    (form) =>
      (bits === null || form.modes.includes(bits)) && parameterTexts(form, mnemonic, dialect).length > index,
  );
  const written = operandsOn(context, place);
  const found = new Map<string, { readonly signature: SignatureInformation; readonly fit: number }>();
  for (const form of forms) {
    const signature = ofForm(form, context, mnemonic);
    const fit = fitOf(form, context, mnemonic, written);
    if ((found.get(signature.label)?.fit ?? -1) < fit) {
      found.set(signature.label, { signature, fit });
    }
  }
  const sorted = [...found.values()].toSorted((a, b) => b.fit - a.fit);
  return sorted.length === 0
    ? null
    : {
        signatures: sorted.slice(0, limit).map(({ signature }) => signature),
        activeSignature: 0,
        activeParameter: index,
      };
}

/** All operands of the statement, those behind the cursor too; one that is not written yet leaves a gap. */
function operandsOn({ file, position }: Context, { operands, index }: OperandPlace): readonly Operand[] {
  const { line, column } = position;
  const statement = file.lines[line]?.statements.findLast(
    (one) => one.kind === "instruction" && one.mnemonic.end < column,
  );
  const all = statement?.kind === "instruction" ? statement.operands : [];
  const here = all.find(({ start, end }, number) => number >= index && start <= column && column <= end);
  const gap: Operand = { start: column, end: column, kind: "unknown", text: "", registers: [] };
  const behind = all.filter(({ start, text }) => start > column && text !== "");
  return [...operands, here ?? gap, ...behind];
}

/** How many of the operands fit, each at its place; then what is written with as many, and what the mode uses by itself. */
function fitOf(
  form: Form,
  { dialect, before }: Context,
  mnemonic: string,
  written: readonly Operand[],
): number {
  const given = givenOperands(mnemonic, written, dialect, () => undefined);
  const listed = writtenOperands(form, mnemonic, dialect);
  const inOrder = dialect === "att" && isReversed(mnemonic) ? given.toReversed() : given;
  const fits = inOrder.filter((one, number) => {
    const operand = listed[number];
    return operand !== undefined && one.kind !== "any" && admits(operand, one, form);
  }).length;
  const isLong = form.operands.some(({ kind }) => kind === "imm64" || kind === "mem_offs");
  return (
    fits * 100 +
    (listed.length === written.length ? 10 : 0) +
    (form.isVector ? 0 : 4) +
    (isLong ? 0 : 2) +
    (form.size === (before.bits ?? 64) ? 1 : 0)
  );
}

function ofForm(form: Form, { dialect }: Context, mnemonic: string): SignatureInformation {
  let label = `${mnemonic.toLowerCase()} `;
  const parameters = parameterTexts(form, mnemonic, dialect).map((text, number) => {
    label += number === 0 ? "" : ", ";
    const start = label.length;
    label += text;
    return { label: [start, label.length] as [number, number] };
  });
  return { label, parameters, documentation: `Encoded as ${form.encoding}.` };
}

/** `name[, "flags"[, @type]]`: each part between commas is a parameter, without its brackets. */
function ofDirective({ file }: Context, name: string, index: number): SignatureHelp | null {
  const found = directives[file.language === "nasm" ? "nasm" : "gas"].get(name);
  if (!found || found.operands === "") {
    return null;
  }
  const start = found.name.length + 1;
  const parameters = [...found.operands.matchAll(/[^\s,[\]][^,[\]]*/g)]
    .filter(([text]) => text.trim() !== "")
    .map(({ index: at, 0: text }) => ({
      label: [start + at, start + at + text.trimEnd().length] as [number, number],
    }));
  const isOpen = found.operands.includes("…");
  const signature = { label: `${found.name} ${found.operands}`, parameters, documentation: found.sentence };
  return help(signature, parameters.length, index, isOpen);
}

function ofMacro(world: World, name: string, index: number): SignatureHelp | null {
  const definition = world.names
    .named(name)
    .find((one) => one.definition.parameters !== undefined && one.definition.parameters.length > 0);
  const names = definition?.definition.parameters;
  if (!names) {
    return null;
  }
  let label = `${name} `;
  const parameters = names.map((parameter, number) => {
    label += number === 0 ? "" : ", ";
    const start = label.length;
    label += parameter;
    return { label: [start, label.length] as [number, number] };
  });
  return help({ label, parameters }, parameters.length, index, false);
}

/** Behind the last parameter nothing is active, except where the last may be repeated. */
function help(
  signature: SignatureInformation,
  count: number,
  index: number,
  isOpen: boolean,
): SignatureHelp | null {
  const active = isOpen ? Math.min(index, Math.max(0, count - 2)) : index;
  return active < count ? { signatures: [signature], activeSignature: 0, activeParameter: active } : null;
}

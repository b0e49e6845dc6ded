/** Lines of assembly as short texts, for tables of cases: definitions, statements, references, linkage, templates, includes, errors, what changed. */
import type { Line, Operand, Reference, Statement } from "../../extension/language/server/syntax.ts";

export function describeLine(line: Line): string {
  const { before, after } = line;
  return [
    ...line.definitions.map((definition) =>
      [
        `def ${definition.kind} ${definition.name}`,
        ...(definition.parameters ? [`(${definition.parameters.join(" ")})`] : []),
        ...(definition.value === undefined ? [] : [`[${definition.value}]`]),
      ].join(" "),
    ),
    ...line.statements.map(describeStatement),
    ...line.references.map(describeReference),
    ...line.linkage.map((linkage) => `${linkage.kind} ${linkage.token.text}`),
    ...line.templates.map(
      ({ kind, name, arguments: args }) =>
        `template ${kind} ${name}${kind === "call" ? `(${args.join(", ")})` : ""}`,
    ),
    ...line.includes.map(({ path, isSystem, isBinary }) => {
      const text = isSystem ? `<${path.text}>` : `"${path.text}"`;
      return `include ${isBinary ? "binary " : ""}${text}`;
    }),
    ...line.errors.map((error) => `error ${error.message}`),
    ...(line.fold?.closes === undefined ? [] : [`closes ${line.fold.closes}`]),
    ...(line.fold?.opens === undefined ? [] : [`opens ${line.fold.opens}`]),
    ...(after.bits !== null && (after.bits !== before.bits || line.fold?.closes === ".if")
      ? [`bits ${after.bits}`]
      : []),
    ...(after.section === before.section ? [] : [`section ${after.section}`]),
    ...(after.scope === before.scope ? [] : [`scope ${after.scope}`]),
    ...(after.macros.length > 0 ? [`in ${after.macros.join(" ")}`] : []),
  ].join(", ");
}

function describeStatement(statement: Statement): string {
  switch (statement.kind) {
    case "instruction": {
      const words = [...statement.prefixes, statement.mnemonic].map((token) => token.text);
      return `${words.join(" ")}(${operands(statement.operands)})`;
    }
    case "directive":
      return `${statement.name.text}(${operands(statement.operands)})`;
    case "assignment":
      return `=${statement.name.text}(${operands(statement.operands)})`;
    case "call":
      return `call ${statement.name.text}(${operands(statement.operands)})`;
    case "unknown":
      return "unknown";
  }
}

function operands(list: readonly Operand[]): string {
  return list.map(describeOperand).join(", ");
}

function describeOperand(operand: Operand): string {
  return [
    ...(operand.isIndirect ? ["indirect"] : []),
    `${operand.kind}${operand.value === undefined ? "" : `=${operand.value}`}`,
    ...operand.registers.map((register) => register.text),
    ...(operand.scale === undefined ? [] : [`*${operand.scale}`]),
    ...(operand.sizeBits === undefined ? [] : [`${operand.sizeBits} bits`]),
    ...(operand.displacement === undefined ? [] : [operand.displacement]),
  ].join(" ");
}

function describeReference(reference: Reference): string {
  const { direction } = reference;
  const way = direction === undefined ? "" : direction === "forward" ? ">" : "<";
  return `ref ${reference.name}${way}${reference.isMnemonic ? "?" : ""}`;
}

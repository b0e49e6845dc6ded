/**
 * An operand as an expression of the debug adapter (`debug-adapter/expressions/`): what a hover, the Watch view and inline values evaluate while a machine
 * stands still.
 *
 * Invariant: an expression names what the instruction uses: memory with the operand's width and segment, an address where only the address is used. What
 * cannot be said so certainly (a parameter of a macro, a width that nothing tells) has no expression.
 */
import { linesOf, type Built, type BuiltLine } from "../built.ts";
import { bytesOfHex, effectOf, type Effect } from "../effect.ts";
import { valueOf as gasValue } from "../gas/number.ts";
import { dialectOf, encodings } from "../knowledge/instructions.ts";
import { givenOperands, type GivenMemory } from "../knowledge/operand.ts";
import { isBranch } from "../mnemonic.ts";
import { valueOf as nasmValue } from "../nasm/number.ts";
import type { OperandExpression } from "../protocol.ts";
import type { InstructionStatement, Line, Operand, Position, SyntaxFile, Token } from "../syntax.ts";
import type { World } from "../world.ts";

/** Constants that are made of constants. */
const deepestConstant = 4;

export function operandAt(
  world: World,
  uri: string,
  { line: number, column }: Position,
): OperandExpression | null {
  const file = world.file(uri);
  const line = file?.lines[number];
  if (!file || !line || file.language === "linkerscript") {
    return null;
  }
  const at = (span: { start: number; end: number }, expression: string | null): OperandExpression | null =>
    expression === null ? null : { line: number, start: span.start, end: span.end, expression };
  const holds = ({ start, end }: { start: number; end: number }): boolean => start <= column && column < end;
  if (line.before.macros.length > 0) {
    return null;
  }
  for (const statement of line.statements) {
    const operands = statement.kind === "unknown" ? [] : statement.operands;
    const operand = operands.find(holds);
    if (!operand) {
      continue;
    }
    const register = operand.registers.find(holds) ?? registerBehindSigil(operand, column);
    if (register && operand.kind !== "register") {
      const hasSigil = line.text[register.start - 1] === "%";
      return at(
        { start: register.start - (hasSigil ? 1 : 0), end: register.end },
        registerExpression(register.text),
      );
    }
    if (statement.kind === "instruction") {
      return at(operand, operandExpression({ world, file, line, number }, statement, operand));
    }
  }
  const label = line.definitions.find(({ kind, token }) => kind === "label" && holds(token));
  const used = line.references.find(
    ({ isMnemonic, direction, token }) => !isMnemonic && direction === undefined && holds(token),
  );
  const name = label ?? used;
  const isPlace = name && !isConstant({ world, file, line, number }, name.name);
  return isPlace ? at(name.token, placeName(name.name)) : null;
}

/** "%" before a register belongs to it. */
function registerBehindSigil(operand: Operand, column: number): Token | undefined {
  return operand.registers.find(
    ({ start }) => start === column + 1 && operand.text[column - operand.start] === "%",
  );
}

export interface Site {
  readonly world: World;
  readonly file: SyntaxFile;
  readonly line: Line;
  readonly number: number;
}

const registerExpression = (name: string): string => `$${name}`;

/** The adapter's names have C's letters; others only an address could say. */
const placeName = (name: string): string | null => (/^[A-Za-z_][\w]*$/.test(name) ? `&${name}` : null);

export function operandExpression(
  site: Site,
  statement: InstructionStatement,
  operand: Operand,
): string | null {
  switch (operand.kind) {
    case "register": {
      const [register] = operand.registers;
      return register ? registerExpression(register.text) : null;
    }
    case "memory":
      return memoryExpression(site, statement, operand);
    case "target":
    case "immediate": {
      const text = operand.text.replace(/^[*$]\s*/, "").replace(/^(?:offset|short|near|strict)\s+/i, "");
      return /^[A-Za-z_]\w*$/.test(text) && !isConstant(site, text) ? placeName(text) : null;
    }
    case "string":
    case "expression":
    case "unknown":
      return null;
  }
}

function memoryExpression(site: Site, statement: InstructionStatement, operand: Operand): string | null {
  const { file, line } = site;
  const [memory] = givenOperands("", [operand], dialectOf(file, line), () => undefined);
  if (memory?.kind !== "memory") {
    return null;
  }
  const address = addressExpression(site, memory);
  if (address === null) {
    return null;
  }
  const width = widthOf(site, statement, operand);
  return width === "address"
    ? `(void*)(${address})`
    : width === null
      ? null
      : valueAt(address, width, bitsOf(site));
}

/** C's types by width; their sizes do not depend on the mode the machine is in when it is asked. */
const typeOf: Readonly<Record<number, string>> = {
  8: "unsigned char",
  16: "unsigned short",
  32: "unsigned int",
  64: "unsigned long long",
};

/** Memory of a width as the adapter shows it best: an address with its symbol, a number in hexadecimal, bytes. */
function valueAt(address: string, width: number, bits: number): string {
  const type = typeOf[width];
  if (type === undefined) {
    return `(unsigned char[${Math.ceil(width / 8)}])*(unsigned char*)(${address}),x`;
  }
  const value = `*(${type}*)(${address})`;
  return width === bits && width !== 16 ? `(void*)${value}` : `${value},x`;
}

function addressExpression(site: Site, memory: GivenMemory): string | null {
  const { segment, base, index, scale, displacement } = memory;
  const isRelative = base === "rip" || base === "eip";
  const offset = displacement.trim() === "" ? "" : constantExpression(site, displacement, 0);
  // Relative to the next instruction, whose place only a name tells.
  if (offset === null || (isRelative && !offset.includes("&"))) {
    return null;
  }
  const terms = [
    ...(base === undefined || isRelative ? [] : [registerExpression(base)]),
    ...(index === undefined
      ? []
      : [scale === 1 ? registerExpression(index) : `${registerExpression(index)}*${scale}`]),
    ...(offset === "" ? [] : [offset]),
  ];
  if (terms.length === 0) {
    return null;
  }
  const sum = terms.join(" + ").replaceAll("+ -", "- ");
  if (bitsOf(site) === 64) {
    return segment === "fs" || segment === "gs" ? `$${segment}:(${sum})` : sum;
  }
  // Manual volume 1, 3.7.4: the stack segment for what is based on the stack's registers.
  const usual = /^e?[bs]p$/.test(base ?? "") ? "ss" : "ds";
  return `$${segment ?? usual}:(${sum})`;
}

/** A displacement with its names filled in: constants by their values, labels by their addresses. Null for what is not understood. */
function constantExpression(site: Site, text: string, depth: number): string | null {
  if (depth > deepestConstant) {
    return null;
  }
  const parts: string[] = [];
  const pattern = /\s+|<<|>>|[-+*/()|&~^]|0[xX][0-9a-fA-F]+|[A-Za-z_.$?@~#][\w.$?@~#]*|\d[\w]*|(.)/gy;
  for (const { 0: part, 1: other } of text.matchAll(pattern)) {
    if (other !== undefined) {
      return null;
    }
    const value = /^\s*$|^[-+*/()|&~^<>]/.test(part) ? part.trim() : termExpression(site, part, depth);
    if (value === null) {
      return null;
    }
    parts.push(value);
  }
  return parts.join("");
}

function termExpression(site: Site, part: string, depth: number): string | null {
  const number = site.file.language === "nasm" ? nasmValue(part) : gasValue(part);
  if (number !== undefined) {
    return number < 10n ? String(number) : `0x${number.toString(16)}`;
  }
  if (!/^[A-Za-z_]\w*$/.test(part)) {
    return null;
  }
  const definition = meaningOf(site, part);
  if (definition && definition.kind !== "label") {
    const value = definition.value;
    const inner =
      value === undefined || definition.parameters ? null : constantExpression(site, value, depth + 1);
    return inner === null ? null : `(${inner})`;
  }
  return `(unsigned long long)&${part}`;
}

/** What the name means here: the file's own meaning first. */
function meaningOf({ world, file }: Site, name: string) {
  const found = world.names.named(name).filter(({ definition }) => definition.kind !== "section");
  return (found.find(({ uri }) => uri === file.uri) ?? found[0])?.definition;
}

const isConstant = (site: Site, name: string): boolean => {
  const definition = meaningOf(site, name);
  return definition !== undefined && definition.kind !== "label";
};

/** How wide the memory of an operand is, in bits; "address" where nothing is read there. */
function widthOf(site: Site, statement: InstructionStatement, operand: Operand): number | "address" | null {
  const mnemonic = statement.mnemonic.text.toLowerCase();
  if (/^(?:lea[wlq]?|invlpg|prefetch\w*|clflush(?:opt)?|clwb|nop[wlq]?)$/.test(mnemonic)) {
    return "address";
  }
  const effect = effectOn(site);
  if (effect) {
    return effect.isAddressOnly ? "address" : (effect.memoryBits ?? operand.sizeBits ?? null);
  }
  const bits = bitsOf(site);
  if (operand.sizeBits !== undefined) {
    return operand.sizeBits;
  }
  if (isBranch(mnemonic)) {
    return bits;
  }
  const dialect = dialectOf(site.file, site.line);
  const found = encodings(statement, bits, dialect);
  const forms = found.kind === "yes" ? found.forms : [];
  // In the manual's order the operands of AT&T syntax are reversed.
  const index = statement.operands.indexOf(operand);
  const widths = forms.flatMap(({ operands, writtenCount, size }) => {
    const meant = operands[dialect === "att" ? writtenCount - 1 - index : index];
    return meant?.memoryBits ?? (meant && meant.kind.startsWith("mem") ? size : []);
  });
  const [width] = widths;
  return width !== undefined && width > 0 && widths.every((other) => other === width) ? width : null;
}

/** What the only instruction of a line does, by its bytes in the program that was built. */
export function effectOn(site: Site): Effect | null {
  const { world, file, line, number } = site;
  const parts = builtOf(world, file)?.lines.filter((part) => part.line === number) ?? [];
  const [part] = parts;
  return part && part.bytes !== "" && parts.every(({ bytes }) => bytes === part.bytes) && isSingle(line)
    ? effectOf(bytesOfHex(part.bytes), bitsOf(site))
    : null;
}

const isSingle = ({ statements }: Line): boolean =>
  statements.filter(({ kind }) => kind === "instruction" || kind === "call").length === 1 &&
  statements.some(({ kind }) => kind === "instruction");

/** What the first program that has code of the file has of it. */
export function builtOf(
  world: World,
  file: SyntaxFile,
): { readonly built: Built; readonly lines: readonly BuiltLine[] } | null {
  for (const built of world.built) {
    const lines = linesOf(built, file);
    if (lines.length > 0) {
      return { built, lines };
    }
  }
  return null;
}

/** Width of the code of a line: what the source says, else the program's. */
export function bitsOf({ world, file, line }: Site): 16 | 32 | 64 {
  return line.before.bits ?? builtOf(world, file)?.built.bits ?? 64;
}

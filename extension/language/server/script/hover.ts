/**
 * Hover in linker scripts: what a command or function does, what a symbol's expression is and which address it got, where a section really is.
 *
 * Invariant: an address is told with the file it was read from; what is not known is not there.
 * Elsewhere: the words (`manual/`).
 */
import { MarkupKind, type Hover } from "vscode-languageserver-types";
import type { Built, BuiltSection, BuiltSymbol } from "../built.ts";
import { fileName } from "../features/place.ts";
import type { Position, SyntaxFile, Token } from "../syntax.ts";
import type { DefinitionAt, World } from "../world.ts";
import { treeOf } from "./file.ts";
import { isFunction } from "./function.ts";
import { tokenOfWord } from "./line.ts";
import { entryOf, linkOf, type Entry } from "./manual/index.ts";
import { numberOf } from "./expression.ts";
import {
  allStatements,
  headersOf,
  regionsOf,
  sectionsOf,
  type ProgramHeader,
  type Region,
  type ScriptTree,
  type Word,
} from "./tree.ts";
import { constantsOf, evaluate, grouped, hexadecimal, sized } from "./value.ts";

export function scriptHover(world: World, uri: string, position: Position): Hover | null {
  const file = world.file(uri);
  const token = file && wordAt(file, position);
  if (!token) {
    return null;
  }
  const text = ofName(world, file, position, token) ?? ofWord(token, file, position);
  const { line } = position;
  return text === null
    ? null
    : {
        contents: { kind: MarkupKind.Markdown, value: text },
        range: { start: { line, character: token.start }, end: { line, character: token.end } },
      };
}

/** The word under the cursor, outside comments and strings. */
function wordAt(file: SyntaxFile, { line, column }: Position): Token | null {
  const found = file.lines[line];
  if (!found || found.comments.some(({ start, end }) => start <= column && column < end)) {
    return null;
  }
  for (const match of found.text.matchAll(/"[^"]*"|\/DISCARD\/|[\w.$]+/g)) {
    const [text] = match;
    const start = match.index;
    const end = start + text.length;
    if (start <= column && column <= end && !text.startsWith('"')) {
      return { text, start, end };
    }
  }
  return null;
}

function ofName(world: World, file: SyntaxFile, position: Position, token: Token): string | null {
  const tree = treeOf(file);
  const isAt = (word: Word | null): boolean =>
    word !== null && word.line === position.line && tokenOfWord(word).start === token.start;
  for (const { statement, around } of allStatements(tree.statements)) {
    switch (statement.kind) {
      case "section":
        if (isAt(statement.name)) {
          return ofSection(world, statement.name.text);
        }
        if (isAt(statement.region) || isAt(statement.loadRegion)) {
          return ofRegion(tree, token.text);
        }
        if (statement.headers.some(isAt)) {
          return ofHeader(world, tree, token.text);
        }
        break;
      case "memory":
        if (statement.regions.some(({ name }) => isAt(name))) {
          return ofRegion(tree, token.text);
        }
        break;
      case "phdrs":
        if (statement.headers.some(({ name }) => isAt(name))) {
          return ofHeader(world, tree, token.text);
        }
        break;
      case "input":
        if (statement.patterns.some(({ name }) => isAt(name)) && token.text !== "COMMON") {
          return ofInput(world, token.text, around?.name.text ?? null);
        }
        break;
      case "assert":
      case "assignment":
      case "call":
      case "command":
      case "data":
      case "include":
      case "keyword":
      case "overlay":
      case "sections":
      case "tail":
      case "version":
    }
  }
  return ofReference(world, file, tree, position, token);
}

/** A symbol, or the name of a section or a region in an expression. */
function ofReference(
  world: World,
  file: SyntaxFile,
  tree: ScriptTree,
  position: Position,
  token: Token,
): string | null {
  const line = file.lines[position.line];
  const isDefined = line?.definitions.some((definition) => definition.token.start === token.start);
  const isUsed = line?.references.some((reference) => reference.token.start === token.start);
  if (!isDefined && !isUsed) {
    return null;
  }
  const before = line?.text.slice(0, token.start) ?? "";
  if (/\b(?:ADDR|LOADADDR|SIZEOF|ALIGNOF)\s*\(\s*$/.test(before)) {
    return ofSection(world, token.text);
  }
  if (/\b(?:ORIGIN|LENGTH)\s*\(\s*$/.test(before)) {
    return ofRegion(tree, token.text);
  }
  const occurrence = world.names.at(file.uri, position);
  const definitions = occurrence ? world.names.definitionsOf(occurrence) : [];
  return ofSymbol(world, file, token.text, definitions);
}

function ofSymbol(
  world: World,
  file: SyntaxFile,
  name: string,
  definitions: readonly DefinitionAt[],
): string | null {
  const lines: string[] = [];
  const [definition] = definitions;
  if (definition) {
    const { value, isWeak, kind, parameters } = definition.definition;
    if (kind === "define") {
      lines.push(
        code(`#define ${name}${parameters ? `(${parameters.join(", ")})` : ""} ${value ?? ""}`.trim()),
      );
    } else if (value !== undefined) {
      lines.push(code(isWeak ? `PROVIDE(${name} = ${value});` : `${name} = ${value};`));
    } else {
      lines.push(`\`${name}\``);
    }
    const constant = definition.uri === file.uri ? constantsOf(treeOf(file)).valueOf(name) : null;
    if (constant !== null && value !== undefined && numberOf(value) !== constant) {
      lines.push(`Value: \`${hexadecimal(constant)}\`${constant >= 1024n ? ` (${sized(constant)})` : ""}.`);
    }
    if (definition.uri !== file.uri) {
      lines.push(`Defined in \`${fileName(definition.uri)}\`, line ${definition.line + 1}.`);
    }
    if (isWeak) {
      lines.push("Only where something uses it and no object defines it.");
    }
  }
  const [built, symbol] = builtSymbol(world, name);
  if (built && symbol) {
    const size = symbol.size > 0 ? `, ${sized(BigInt(symbol.size))}` : "";
    if (lines.length === 0) {
      lines.push(
        `\`${name}\`${symbol.kind === "function" ? ", a function" : symbol.kind === "object" ? ", a variable" : ""}`,
      );
    }
    lines.push(`In \`${fileName(built.path)}\`: \`${symbol.address}\`${size}.`);
    if (!definition && symbol.source) {
      lines.push(`Defined in \`${fileName(symbol.source.uri)}\`, line ${symbol.source.line + 1}.`);
    }
  }
  return lines.length === 0 ? null : lines.join("\n\n");
}

function builtSymbol(world: World, name: string): readonly [Built | null, BuiltSymbol | null] {
  for (const built of world.built) {
    const symbol = built.symbols.get(name);
    if (symbol) {
      return [built, symbol];
    }
  }
  return [null, null];
}

function ofSection(world: World, name: string): string | null {
  if (name === "/DISCARD/") {
    const entry = entryOf(name);
    return entry ? ofEntry(entry) : null;
  }
  const lines = [`\`${name}\`, an output section`];
  const built = world.built.find(({ sections }) => sections.length > 0);
  const section = built?.sections.find((one) => one.name === name);
  if (built && section) {
    lines.push(...factsOf(built, section));
  } else if (built) {
    lines.push(`\`${fileName(built.path)}\` has no such section: nothing went into it.`);
  }
  return lines.join("\n\n");
}

function factsOf(built: Built, section: BuiltSection): readonly string[] {
  const size = BigInt(section.size);
  const end = BigInt(section.address) + size;
  const isAllocated = section.flags.includes("A");
  const lines = [`In \`${fileName(built.path)}\`:`];
  if (isAllocated) {
    lines.push(`\`${section.address}\` … \`${hexadecimal(end)}\``);
    if (section.loadAddress !== section.address) {
      lines.push(`loaded at \`${section.loadAddress}\``);
    }
  }
  lines.push(`${hexadecimal(size)} bytes (${section.size < 1024 ? section.size : grouped(size)})`);
  if (section.flags !== "") {
    lines.push(`flags \`${section.flags}\` (${flagNames(section.flags)})`);
  }
  lines.push(
    section.segment
      ? `segment ${section.segment.index}, \`${section.segment.rights}\``
      : "in no segment: not loaded",
  );
  return [lines.join("  \n")];
}

const flagMeanings: Readonly<Record<string, string>> = {
  A: "allocated",
  W: "writable",
  X: "executable",
  M: "merged",
  S: "strings",
  T: "per thread",
  G: "group",
  I: "about another section",
  o: "for the operating system",
  R: "retained",
};

function flagNames(flags: string): string {
  return flags
    .split("")
    .map((flag) => flagMeanings[flag] ?? flag)
    .join(", ");
}

function ofRegion(tree: ScriptTree, name: string): string | null {
  const region = regionsOf(tree).find((one) => one.name.text === name);
  if (!region) {
    return null;
  }
  const lines = [
    `\`${name}\`, a memory region${region.attributes ? ` (\`${region.attributes.text}\`)` : ""}`,
  ];
  const [origin, length] = extentOf(tree, region);
  if (origin !== null && length !== null) {
    lines.push(`\`${hexadecimal(origin)}\` … \`${hexadecimal(origin + length)}\`, ${sized(length)}`);
  }
  const users = [...sectionsOf(tree)].filter(
    (section) => section.region?.text === name || section.loadRegion?.text === name,
  );
  if (users.length > 0) {
    lines.push(`Sections: ${users.map((section) => `\`${section.name.text}\``).join(", ")}`);
  }
  return lines.join("\n\n");
}

function extentOf(tree: ScriptTree, region: Region): readonly [bigint | null, bigint | null] {
  const constants = constantsOf(tree);
  return [
    region.origin && evaluate(region.origin, constants),
    region.length && evaluate(region.length, constants),
  ];
}

function ofHeader(world: World, tree: ScriptTree, name: string): string | null {
  const headers = headersOf(tree);
  const header = headers.find((one) => one.name.text === name);
  if (!header) {
    return null;
  }
  const lines = [`\`${name}\`, a program header${rightsOf(header)}`];
  const users = [...sectionsOf(tree)].filter(({ headers: chosen }) =>
    chosen.some(({ text }) => text === name),
  );
  if (users.length > 0) {
    lines.push(
      `Chosen by ${users.map((section) => `\`${section.name.text}\``).join(", ")}; sections behind them stay in it.`,
    );
  }
  const names = new Set(users.map((section) => section.name.text));
  const built = world.built.find(({ sections }) => sections.length > 0);
  const segment = built?.sections.find((section) => names.has(section.name) && section.segment)?.segment;
  if (built && segment) {
    const held = built.sections.filter((section) => section.segment?.index === segment.index);
    lines.push(
      `In \`${fileName(built.path)}\`: segment ${segment.index}, \`${segment.rights}\`, with ${held.map((section) => `\`${section.name}\``).join(", ")}`,
    );
  }
  return lines.join("\n\n");
}

function rightsOf({ flags }: ProgramHeader): string {
  const value = flags && evaluate(flags);
  if (value === null) {
    return "";
  }
  const names = [
    ...(value & 4n ? ["read"] : []),
    ...(value & 2n ? ["write"] : []),
    ...(value & 1n ? ["execute"] : []),
  ];
  return names.length === 0 ? "" : `: ${names.join(", ")}`;
}

/** The name of an input section: who has it. */
function ofInput(world: World, name: string, output: string | null): string {
  const holders = world.names
    .named(name)
    .filter(
      ({ definition, uri }) => definition.kind === "section" && world.file(uri)?.language !== "linkerscript",
    );
  const places = [...new Map(holders.map((holder) => [holder.uri, holder])).values()];
  const lines = [
    `\`${name}\`, an input section${output === null ? "" : output === "/DISCARD/" ? " that is thrown away" : `, placed in \`${output}\``}`,
  ];
  if (places.length > 0) {
    const shown = places.slice(0, 6).map(({ uri, line }) => `\`${fileName(uri)}\` (line ${line + 1})`);
    lines.push(`In ${shown.join(", ")}${places.length > 6 ? ` and ${places.length - 6} more files` : ""}`);
  }
  return lines.join("\n\n");
}

/** A word of the manual, or a number. */
function ofWord(token: Token, file: SyntaxFile, { line }: Position): string | null {
  const text = file.lines[line]?.text ?? "";
  const entry = entryOf(token.text);
  if (entry && (token.text !== "." || /(^|\s|\()$/.test(text.slice(0, token.start)))) {
    // In MEMORY the words say what a region is, elsewhere they ask for it.
    const isAttribute = /^(?:ORIGIN|LENGTH)$/.test(token.text) && /^\s*=/.test(text.slice(token.end));
    return isAttribute ? ofAttribute(token.text) : ofEntry(entry);
  }
  const value = /^\d/.test(token.text) && !isFunction(token.text) ? numberOf(token.text) : null;
  return value === null || value < 10n
    ? null
    : `\`${hexadecimal(value)}\` = ${grouped(value)}${value >= 1024n && sized(value) !== `${grouped(value)} bytes` ? ` = ${sized(value)}` : ""}`;
}

function ofAttribute(name: string): string {
  const entry = entryOf("MEMORY");
  const text =
    name === "ORIGIN"
      ? "The address at which the region begins."
      : "The size of the region in bytes; K and M may follow the number.";
  return `${code(`${name} = expression`)}\n\n${text}${entry ? `\n\nld manual: [MEMORY](${linkOf(entry)})` : ""}`;
}

function ofEntry(entry: Entry): string {
  return `${code(entry.form)}\n\n${entry.text}\n\nld manual: [${entry.section}](${linkOf(entry)})`;
}

function code(text: string): string {
  return `\`\`\`linkerscript\n${text}\n\`\`\``;
}

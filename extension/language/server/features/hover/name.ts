/**
 * A name: the line that gives it its meaning, its value, the comment above it, where it lies in the program that was built.
 */
import { evaluatorOf, type Site } from "./site.ts";
import type { BuiltSymbol } from "../../built.ts";
import type { Line, SyntaxFile } from "../../syntax.ts";
import { nameOf, type DefinitionAt, type Occurrence, type World } from "../../world.ts";
import { placeName } from "../place.ts";
import { numberText } from "./number.ts";
import { amount, code, hex, paragraphs } from "./text.ts";
import { constantText } from "./value.ts";

/** Lines that are shown of a macro's body, and of a comment. */
const longest = 8;

/** `context`: what the number is for where it is used, which says more than what it is called. */
export function nameText(
  site: Site,
  occurrence: Occurrence,
  context: string | undefined,
): string | undefined {
  const { world } = site;
  const name = nameOf(occurrence);
  const [found] = world.names.definitionsOf(occurrence);
  if (!found) {
    return builtText(world, name);
  }
  const file = world.file(found.uri);
  const line = file?.lines[found.line];
  if (!file || !line) {
    return undefined;
  }
  const definition = { world, file, line, number: found.line };
  const where = found.uri === site.file.uri && found.line === site.number ? undefined : placeName(found);
  return paragraphs(
    code(file.language, excerpt(file, found)),
    commentAbove(file, found.line),
    valueText(definition, found, context === undefined),
    kindOfPlace(found) ? builtText(world, name) : undefined,
    where === undefined ? undefined : `*${escaped(where)}*`,
  );
}

/** Labels and sections have an address. */
function kindOfPlace({ definition: { kind } }: DefinitionAt): boolean {
  return kind === "label" || kind === "local";
}

/** The line; of a macro its body too, of a label that stands alone the line below. */
function excerpt({ lines }: SyntaxFile, { definition, line }: DefinitionAt): string {
  const first = lines[line]?.text.trim() ?? "";
  if (definition.kind === "macro") {
    return body(lines, line);
  }
  if (definition.kind === "define" && first.endsWith("\\")) {
    const end = lines.findIndex(({ text }, number) => number >= line && !text.trimEnd().endsWith("\\"));
    return cut(lines.slice(line, end < 0 ? line + 1 : end + 1));
  }
  const isAlone = lines[line]?.statements.length === 0;
  const next = lines[line + 1];
  const isPlace = definition.kind === "label" || definition.kind === "local" || definition.kind === "numeric";
  return isPlace && isAlone && next && next.statements.length > 0
    ? `${first}\n    ${next.text.trim()}`
    : first;
}

function body(lines: readonly Line[], from: number): string {
  const depth = lines[from]?.before.macros.length ?? 0;
  let end = from + 1;
  while (end < lines.length && (lines[end]?.before.macros.length ?? 0) > depth) {
    end += 1;
  }
  return cut(lines.slice(from, end));
}

/** Without what all lines are indented by. */
function cut(lines: readonly Line[]): string {
  const texts = lines.slice(0, longest).map(({ text }) => text.trimEnd().replaceAll("\t", "    "));
  const blank = Math.min(...texts.filter((text) => text !== "").map((text) => text.search(/\S/)));
  const shown = texts.map((text) => text.slice(blank));
  return lines.length > longest
    ? [...shown, `… ${lines.length - longest} more lines`].join("\n")
    : shown.join("\n");
}

/** Comments on lines of their own right above a definition. */
function commentAbove({ lines }: SyntaxFile, from: number): string | undefined {
  const found: string[] = [];
  for (let number = from - 1; number >= 0 && found.length < longest; number -= 1) {
    const line = lines[number];
    const isComment =
      line &&
      line.statements.length === 0 &&
      line.definitions.length === 0 &&
      (line.comments.length > 0 || line.before.inComment);
    if (!isComment || line.text.trim() === "") {
      break;
    }
    found.unshift(plain(line.text));
  }
  const text = found
    .filter((line, number) => line !== "" || (number > 0 && number < found.length - 1))
    .join("\n");
  return text === "" ? undefined : escaped(text).replaceAll("\n", "  \n");
}

/** Without the marks of comments and lines that are drawn. */
function plain(text: string): string {
  return text
    .trim()
    .replace(/^(?:\/\*+|\*+\/|\*+|\/\/+|#+|;+)\s?/, "")
    .replace(/\s*\*+\/$/, "")
    .replace(/^[-=*#~_\s]+$/, "");
}

/** Text as it is: nothing in it is Markdown. */
function escaped(text: string): string {
  return text.replaceAll(/[\\`*_{}[\]<>()#+!|~]/g, String.raw`\$&`);
}

function valueText(site: Site, { definition }: DefinitionAt, isAll: boolean): string | undefined {
  if ((definition.kind !== "constant" && definition.kind !== "define") || definition.parameters) {
    return undefined;
  }
  const value = evaluatorOf(site)(definition.name);
  if (value === undefined) {
    return undefined;
  }
  const meant = isAll ? constantText(definition.name, value) : undefined;
  return paragraphs(numberText(value) ?? `\`${value}\``, meant);
}

function builtText(world: World, name: string): string | undefined {
  for (const { symbols, sections } of world.built) {
    const symbol = symbols.get(name);
    if (symbol) {
      return symbolText(symbol, sections.find((section) => isIn(symbol, section))?.name);
    }
  }
  return undefined;
}

function isIn(
  { address, isAbsolute }: BuiltSymbol,
  section: { readonly address: string; readonly size: number },
): boolean {
  const at = BigInt(address);
  const start = BigInt(section.address);
  return isAbsolute !== true && at >= start && at < start + BigInt(section.size) && start > 0n;
}

function symbolText(symbol: BuiltSymbol, section: string | undefined): string {
  const size = symbol.size > 0 ? `, ${amount(BigInt(symbol.size))}` : "";
  const place = section === undefined ? "" : ` in \`${section}\``;
  const source = symbol.source ? `, ${escaped(placeName(symbol.source))}` : "";
  return symbol.isAbsolute === true
    ? `In the program: the number \`${hex(BigInt(symbol.address))}\``
    : `In the program: \`${symbol.address}\`${place}${size}${source}`;
}

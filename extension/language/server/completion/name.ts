/**
 * Names that code can use where the cursor is: labels, constants, macros, by their scope.
 *
 * Invariant: NASM's local labels are written as the place sees them: ".loop" under its own label, "start.loop" elsewhere. A name is there once.
 * Elsewhere: which names are visible (`index/`).
 */
import { CompletionItemKind } from "vscode-languageserver-types";
import { isFileWide } from "../index/part.ts";
import type { SymbolKind } from "../syntax.ts";
import type { DefinitionAt, World } from "../world.ts";
import type { Context } from "./context.ts";
import { lenientMatcher, limit, type Offer } from "./offer.ts";

export type Wanted = (found: DefinitionAt) => boolean;

const itemKinds: Readonly<Record<SymbolKind, CompletionItemKind>> = {
  label: CompletionItemKind.Function,
  local: CompletionItemKind.Function,
  numeric: CompletionItemKind.Function,
  constant: CompletionItemKind.Constant,
  macro: CompletionItemKind.Method,
  parameter: CompletionItemKind.Variable,
  section: CompletionItemKind.Module,
  segment: CompletionItemKind.Module,
  define: CompletionItemKind.Constant,
  structure: CompletionItemKind.Struct,
  field: CompletionItemKind.Field,
};

const kindWords: Readonly<Record<SymbolKind, string>> = {
  label: "label",
  local: "local label",
  numeric: "local label",
  constant: "constant",
  macro: "macro",
  parameter: "parameter",
  section: "section",
  segment: "segment",
  define: "macro",
  structure: "structure",
  field: "field",
};

/** What instructions and data can have for an address or a number. */
export const isValue: Wanted = ({ definition: { kind, parameters } }) =>
  kind === "label" ||
  kind === "local" ||
  kind === "constant" ||
  kind === "field" ||
  kind === "structure" ||
  kind === "parameter" ||
  (kind === "define" && parameters === undefined);

export const isLabel: Wanted = ({ definition: { kind } }) => kind === "label" || kind === "local";

/** What can stand at the beginning of a statement. */
export const isCallable: Wanted = ({ definition: { kind, value } }) =>
  // A `#define` of a plain number is no statement.
  kind === "macro" || (kind === "define" && value !== undefined && /^[A-Za-z_.%\\]/.test(value));

/** Without a letter typed names of the file further away than so many lines are not looked at, but those at its top are. */
const near = 500;
const top = 300;
/** … nor more than so many names of others, of which so many are offered. */
const othersSeen = 500;
const othersLimit = 100;

/** `rankOf` puts some before others; nearer ones of the file come first. */
export function* namesAt(
  world: World,
  context: Context,
  wanted: Wanted,
  rankOf: (found: DefinitionAt) => number = () => 0,
): Iterable<Offer> {
  const { file, position, word } = context;
  const { scope } = context.before;
  const isNasm = file.language === "nasm";
  const match = lenientMatcher(word.replace(/^[$%\\](?=.)/, ""));
  const seen = new Set<string>();
  const chosen: Chosen[] = [];
  let otherCount = 0;
  for (const found of visible(world, context, word.replace(/^[$%\\](?=.)/, ""))) {
    const { kind, name } = found.definition;
    const isOwn = found.uri === file.uri;
    const distance = Math.abs(found.line - position.line);
    const isHere = isOwn && distance === 0 && kind !== "parameter";
    const written = kind === "parameter" ? parameterName(name) : isNasm ? withoutScope(name, scope) : name;
    if (!isHere && wanted(found) && !seen.has(written)) {
      seen.add(written);
      otherCount += isOwn ? 0 : 1;
      const rank = rankOf(found) + (isOwn ? distance / (distance + near) : 2);
      chosen.push({ found, written, rank, order: rank + 10 * (match(written) ?? 0) });
    }
    if (word === "" && otherCount >= othersLimit) {
      break;
    }
  }
  if (chosen.length > limit) {
    chosen.sort((a, b) => a.order - b.order);
  }
  // One more than are shown says that there are more.
  for (const { found, written, rank } of chosen.slice(0, limit + 1)) {
    yield offerOf(found, written, rank, file.uri);
  }
}

interface Chosen {
  readonly found: DefinitionAt;
  readonly written: string;
  readonly rank: number;
  readonly order: number;
}

function* visible(world: World, { file, position, before }: Context, typed: string): Iterable<DefinitionAt> {
  const { uri, lines, language } = file;
  if (typed !== "") {
    const match = lenientMatcher(typed);
    const admits = (name: string): boolean =>
      match(language === "nasm" ? withoutScope(name, before.scope) : name) !== undefined;
    yield* world.names.visibleAt(uri, position, admits);
    return;
  }
  for (let line = 0; line < lines.length; line += 1) {
    const isNear = line < top || Math.abs(line - position.line) <= near;
    for (const definition of isNear ? (lines[line]?.definitions ?? []) : []) {
      if (isFileWide(definition)) {
        yield { uri, line, token: definition.token, definition };
      }
    }
  }
  let count = 0;
  const others = world.names.visibleAt(uri, position, () => {
    count += 1;
    return count <= othersSeen;
  });
  for (const found of others) {
    if (found.uri !== uri || found.definition.kind === "parameter" || found.byCall !== undefined) {
      yield found;
    }
  }
}

function withoutScope(name: string, scope: string): string {
  return scope !== "" && name.startsWith(`${scope}.`) ? name.slice(scope.length) : name;
}

function parameterName(name: string): string {
  return name.startsWith("\\") ? name : `\\${name}`;
}

function offerOf(found: DefinitionAt, label: string, rank: number, uri: string): Offer {
  const { definition, line } = found;
  const { value, kind, parameters } = definition;
  const isShort = value !== undefined && value !== "" && value.length <= 40;
  const where = found.uri === uri ? `line ${line + 1}` : (found.uri.split("/").at(-1) ?? "");
  const detail =
    kind === "macro" || parameters !== undefined
      ? (parameters ?? []).join(", ")
      : isShort
        ? `= ${value}`
        : "";
  return {
    label,
    kind: itemKinds[kind],
    rank,
    ...(detail === "" ? {} : { detail }),
    description: `${kindWords[kind]}, ${where}`,
    ...(label.startsWith("\\") ? { filterText: label.slice(1) } : {}),
    subject: { kind: "name", uri: found.uri, line, name: definition.name },
  };
}

/** 1f, 1b: numeric labels that the next and the last definition around the place have. */
export function* numericLabels({ file, position, word }: Context): Iterable<Offer> {
  if (file.language === "nasm" || !/^\d*[fb]?$/.test(word)) {
    return;
  }
  const search = function* (from: number, step: 1 | -1, mark: "f" | "b"): Iterable<Offer> {
    const seen = new Set<string>();
    for (let line = from; line >= 0 && Math.abs(line - position.line) <= 200; line += step) {
      const found = file.lines[line];
      if (!found) {
        return;
      }
      for (const { kind, name, token } of found.definitions) {
        const isBehind = line !== position.line || (step === -1 && token.start < position.column);
        if (kind === "numeric" && isBehind && !seen.has(name)) {
          seen.add(name);
          const description = `local label, line ${line + 1}`;
          yield { label: name + mark, kind: CompletionItemKind.Function, rank: 0.5, description };
        }
      }
    }
  };
  yield* search(position.line, -1, "b");
  yield* search(position.line + 1, 1, "f");
}

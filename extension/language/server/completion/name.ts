/**
 * Names that code can use where the cursor is: labels, constants, macros, by their scope.
 *
 * Invariant: NASM's local labels are written as the place sees them: ".loop" under its own label, "start.loop" elsewhere. A name is there once.
 * Elsewhere: which names are visible (`index/`).
 */
import { CompletionItemKind } from "vscode-languageserver-types";
import type { SymbolKind } from "../syntax.ts";
import type { DefinitionAt, World } from "../world.ts";
import type { Context } from "./context.ts";
import { match, type Offer } from "./offer.ts";

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

/**
 * `rankOf` puts some before others.
 * Names are looked at with what was typed, so that files of thousands of names cost little more than the walk.
 */
export function* namesAt(
  world: World,
  context: Context,
  wanted: Wanted,
  rankOf: (found: DefinitionAt) => number = () => 0,
): Iterable<Offer> {
  const { file, position, word, before } = context;
  const typed = word.replace(/^[$%\\](?=.)/, "");
  const seen = new Set<string>();
  for (const found of world.names.visibleAt(file.uri, position)) {
    const { definition } = found;
    const written = writtenName(definition.name, definition.kind, before.scope, file.language === "nasm");
    const isHere = found.uri === file.uri && found.line === position.line && definition.kind !== "parameter";
    if (
      wanted(found) &&
      !isHere &&
      !seen.has(written) &&
      (typed === "" ||
        match(typed, written) !== undefined ||
        match(typed, written.replace(/^[.\\]/, "")) !== undefined)
    ) {
      seen.add(written);
      yield offerOf(found, written, rankOf(found) + (found.uri === file.uri ? 0 : 2), file.uri);
    }
  }
}

function writtenName(name: string, kind: SymbolKind, scope: string, isNasm: boolean): string {
  if (kind === "parameter") {
    return name.startsWith("\\") ? name : `\\${name}`;
  }
  return isNasm && scope !== "" && name.startsWith(`${scope}.`) ? name.slice(scope.length) : name;
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

/** Completion: what may follow at a column of an expression or a monitor command. */
import type { DebugProtocol } from "@vscode/debugprotocol";
import { AdapterError } from "../errors.ts";
import { registerNames } from "../registers/index.ts";
import type { SymbolTable } from "../symbols/index.ts";
import { children } from "./format.ts";
import { evaluateText, type Names } from "./index.ts";

/** More than this helps nobody. */
const MOST = 200;

type Item = DebugProtocol.CompletionItem;

export function complete(
  text: string,
  column: number,
  names: Names,
  symbols: SymbolTable,
  locals: readonly string[],
  commands: readonly string[],
): Item[] {
  const before = text.slice(0, column);
  const word = /[\w:]*$/.exec(before)?.[0] ?? "";
  const start = before.length - word.length;
  const items = (labels: Iterable<string>, type: Item["type"]): Item[] => {
    const found: Item[] = [];
    for (const label of labels) {
      if (!label.toLowerCase().startsWith(word.toLowerCase())) continue;
      found.push({ label, start, length: word.length, ...(type === undefined ? {} : { type }) });
      if (found.length >= MOST) break;
    }
    return found;
  };
  if (/[$%]$/.test(before.slice(0, start))) return items(registerNames(), "variable");
  const base = /((?:[\w$]|::|->|\.|\[[^\]]*\])+)(?:->|\.)$/.exec(before.slice(0, start))?.[1];
  if (base !== undefined) return items(memberNames(base, names), "field");
  const list = [...items(locals, "variable")];
  if (/^\s*(?:info\s+)?\w*$/.test(before)) {
    // Commands may have two words: what is left of the line is replaced as a whole.
    const line = before.trimStart();
    const lineStart = before.length - line.length;
    for (const command of commands) {
      if (line !== "" && command.startsWith(line) && command !== line)
        list.push({ label: command, start: lineStart, length: line.length, type: "keyword" });
    }
  }
  if (word === "") return list;
  for (const what of ["variables", "functions", "types"] as const) {
    for (const image of symbols.images) {
      if (list.length >= MOST) return unique(list);
      list.push(
        ...items(
          image.knownNames(what),
          what === "types" ? "class" : what === "functions" ? "function" : "variable",
        ),
      );
    }
  }
  for (const image of symbols.images) {
    for (const symbol of image.symbols()) {
      if (list.length >= MOST) return unique(list);
      if (symbol.demangled.startsWith(word))
        list.push({
          label: symbol.demangled,
          start,
          length: word.length,
          type: symbol.isCode ? "function" : "variable",
        });
    }
  }
  return unique(list);
}

const unique = (list: readonly Item[]): Item[] =>
  [...new Map(list.map((item) => [item.label, item])).values()].slice(0, MOST);

function memberNames(base: string, names: Names): string[] {
  try {
    const { value } = evaluateText(base, names, { assignments: false });
    return children(value, names)
      .map((child) => child.name)
      .filter((name) => /^\w+$/.test(name));
  } catch (error) {
    if (error instanceof AdapterError) return [];
    throw error;
  }
}

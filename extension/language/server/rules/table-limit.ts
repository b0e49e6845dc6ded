/**
 * The limit of a descriptor table that is its size instead of its size less one.
 *
 * Certain where the limit is `end - start` and the base is that start, or a number that is a multiple of 8: a limit is one less than that.
 */
import type { SyntaxFile } from "../syntax.ts";
import type { World } from "../world.ts";
import type { Finding, Rule } from "./rule.ts";
import { layoutOf } from "./layout.ts";
import { loadsOf, type Load } from "./table.ts";

function* check(file: SyntaxFile, world: World): Generator<Finding> {
  const seen = new Set<number>();
  for (const load of loadsOf(file, world)) {
    const [limit] = load.data.items;
    if (limit?.width !== 2 || seen.has(load.at)) {
      continue;
    }
    seen.add(load.at);
    const wrong = sizeInsteadOfLimit(load);
    if (wrong) {
      const { line, start, end, text } = limit;
      const simple = /^[\w.$@?\s+-]+$/.test(text);
      yield {
        line,
        start,
        end,
        message: `${wrong}: the limit is one less than the size of the ${load.table}.`,
        fixes: [
          {
            title: "Subtract 1",
            edits: [{ line, start, end, text: simple ? `${text} - 1` : `(${text}) - 1` }],
          },
        ],
        related: [{ uri: file.uri, line: load.line, ...spanOf(load), message: "Loaded here." }],
      };
    }
  }
}

function spanOf({ statement: { start, end } }: Load): { readonly start: number; readonly end: number } {
  return { start, end };
}

/** What is wrong, in words. */
function sizeInsteadOfLimit({ data, scope, table }: Load): string | undefined {
  const [limit, base] = data.items;
  const value = limit && scope.evaluate(limit.text, limit.line);
  if (!limit || !base || !value) {
    return undefined;
  }
  const signs = [...value.labels.values()].toSorted((a, b) => (a < b ? -1 : 1));
  const isDifference = signs.length === 2 && signs[0] === -1n && signs[1] === 1n;
  const number = layoutOf(scope).number(value);
  if (number !== undefined) {
    return number > 0n && number % 8n === 0n ? `The ${table} has a limit of ${number}` : undefined;
  }
  if (!isDifference || value.number !== 0n) {
    return undefined;
  }
  const start = [...value.labels].find(([, count]) => count === -1n)?.[0];
  const from = scope.evaluate(base.text, base.line);
  return start !== undefined && from?.labels.get(start) === 1n ? `"${limit.text}" is the size` : undefined;
}

export const tableLimit: Rule = {
  code: "table-limit",
  languages: ["gas", "nasm"],
  severity: "warning",
  title: "The limit of a GDT or IDT is its size",
  explanation: [
    "The limit that `lgdt` and `lidt` load is the offset of the table's last byte, so it is the size **less one**: 8·N − 1 for N entries of 8 bytes.",
    "",
    "With the size itself the table ends one byte too late: a selector just behind the last entry is still inside for the check of its first byte, and a table of 64 KiB gets a limit of 0.",
    "",
    "```nasm",
    "gdt_pointer:",
    "    dw gdt_end - gdt - 1",
    "    dd gdt",
    "```",
    "",
    "Intel SDM 3A, 3.5.1 Segment Descriptor Tables; 6.10 Interrupt Descriptor Table.",
  ].join("\n"),
  check,
};

/**
 * What `lgdt` and `lidt` read, against what the file lays down there: a word, then a base of 4 bytes in 16- and 32-bit code and of 8 in 64-bit code.
 *
 * Certain in 64-bit code where only 4 bytes of base are there and no zero follows; in any code where the limit has 4 bytes.
 */
import type { SyntaxFile } from "../syntax.ts";
import type { World } from "../world.ts";
import { dataFrom, directiveOf } from "./data.ts";
import type { Finding, Rule } from "./rule.ts";
import { loadsOf, type Load } from "./table.ts";

function* check(file: SyntaxFile, world: World): Generator<Finding> {
  const seen = new Set<number>();
  for (const load of loadsOf(file, world)) {
    const finding = seen.has(load.at) ? undefined : (wideLimit(file, load) ?? shortBase(file, load));
    if (finding) {
      seen.add(load.at);
      const { start, end, mnemonic } = load.statement;
      const message = `${mnemonic.text} reads it here.`;
      yield { ...finding, related: [{ uri: file.uri, line: load.line, start, end, message }] };
    }
  }
}

/** `dd limit`, `dd base`: the upper half of the limit is read as the lower half of the base. */
function wideLimit(file: SyntaxFile, { data, scope }: Load): Finding | undefined {
  const [limit, base] = data.items;
  const value = limit && scope.evaluate(limit.text, limit.line);
  const signs = value ? [...value.labels.values()] : [];
  const isDifference = signs.length === 2 && signs.includes(1n) && signs.includes(-1n);
  if (limit?.width !== 4 || !base || base.width === 2 || !isDifference) {
    return undefined;
  }
  const { line, statement } = limit;
  const { start } = statement;
  const end = start + limit.directive.length;
  const word = directiveOf(file, 2);
  const isAlone = base.line !== line || base.statement !== statement;
  return {
    line,
    start,
    end,
    message: "The limit has 16 bits: with 32 the base is read from the wrong place.",
    ...(isAlone
      ? { fixes: [{ title: `Change to ${word}`, edits: [{ line, start, end, text: word }] }] }
      : {}),
  };
}

function shortBase(file: SyntaxFile, load: Load): Finding | undefined {
  const { data, bits, table, scope } = load;
  const [limit, base, next] = data.items;
  if (
    bits !== 64 ||
    limit?.width !== 2 ||
    base?.width !== 4 ||
    data.ending === "space" ||
    data.ending === "unknown"
  ) {
    return undefined;
  }
  // Zeros behind it are the base's upper half, whatever they are called; a label may stand before them.
  const following =
    next ?? dataFrom(file, base.line, 8, "aligned").items.find((item) => item.line > base.line);
  if (following && scope.number(following.text, following.line) === 0n) {
    return undefined;
  }
  const { line, statement } = base;
  const { start } = statement;
  const end = start + base.directive.length;
  const quad = directiveOf(file, 8);
  const isAlone = limit.line !== line || limit.statement !== statement;
  return {
    line,
    start: isAlone ? start : base.start,
    end: isAlone ? end : base.end,
    message: `In 64-bit code the base of the ${table} has 8 bytes: behind these 4 something else is read as its upper half.`,
    ...(isAlone
      ? { fixes: [{ title: `Change to ${quad}`, edits: [{ line, start, end, text: quad }] }] }
      : {}),
  };
}

export const tablePointer: Rule = {
  code: "table-pointer",
  languages: ["gas", "nasm"],
  severity: "error",
  title: "Wrong size of what lgdt or lidt reads",
  explanation: [
    "`lgdt` and `lidt` read a pseudo-descriptor from memory: 2 bytes of limit, then the base: 4 bytes in 16- and 32-bit code (3 of them in 16-bit code without `o32`), **8 bytes in 64-bit code**, whatever operand size is written.",
    "",
    "```nasm",
    "gdt_pointer:",
    "    dw gdt_end - gdt - 1",
    "    dq gdt               ; dd where the code is 16- or 32-bit",
    "```",
    "",
    "A `dq` is right in every mode: 32-bit code reads its lower half.",
    "",
    "Intel SDM 2A, LGDT/LIDT; 3A, 3.5.1 Segment Descriptor Tables, figure 3-11.",
  ].join("\n"),
  check,
};

/** A Multiboot header whose first numbers do not add up to zero, so that no loader takes it for one. Silent where the sum cannot be counted. */
import type { SyntaxFile } from "../syntax.ts";
import type { World } from "../world.ts";
import { fieldOf, headersOf, sumOf, type Header } from "./multiboot.ts";
import type { Finding, Rule } from "./rule.ts";
import { assemblerOf } from "./scope.ts";

function* check(file: SyntaxFile, world: World): Generator<Finding> {
  for (const header of headersOf(file, world)) {
    const count = header.version === 1 ? 3 : 4;
    const checksum = header.items[count - 1];
    const sum = sumOf(header, count);
    if (!checksum || sum === undefined || sum === 0n || !isMeant(header, count - 1)) {
      continue;
    }
    const { line, start, end, text } = checksum;
    const is = fieldOf(header, count - 1);
    const right = is === undefined ? undefined : BigInt.asUintN(32, is - sum);
    const expression = negated(file, header, count - 1);
    yield {
      line,
      start,
      end,
      message:
        right === undefined
          ? `The numbers of the header up to the checksum add up to ${hexadecimal(sum)}, not to 0.`
          : `The checksum must be ${hexadecimal(right)}, so that magic, ${header.version === 1 ? "flags" : "architecture, length"} and checksum add up to 0.`,
      ...(expression === text
        ? {}
        : { fixes: [{ title: `Change to ${expression}`, edits: [{ line, start, end, text: expression }] }] }),
    };
  }
}

/** A checksum is negative, or was forgotten. */
function isMeant(header: Header, at: number): boolean {
  const checksum = fieldOf(header, at);
  return (
    /-/.test(header.items[at]?.text ?? "") ||
    checksum === undefined ||
    checksum >= 0x1000_0000n ||
    checksum === 0n
  );
}

function negated(file: SyntaxFile, { items, version }: Header, count: number): string {
  const terms = items.slice(0, count).map(({ text }) => (/^[\w.$@?]+$/.test(text) ? text : `(${text})`));
  // NASM warns of numbers below -2^31 in `dd`.
  const zero = assemblerOf(file) === "nasm" && version === 2 ? "0x100000000 - " : "-";
  return `${zero}(${terms.join(" + ")})`;
}

function hexadecimal(value: bigint): string {
  return `0x${value.toString(16).toUpperCase().padStart(8, "0")}`;
}

export const multibootChecksum: Rule = {
  code: "multiboot-checksum",
  languages: ["gas", "nasm"],
  severity: "error",
  title: "Wrong checksum of a Multiboot header",
  explanation: [
    "A loader knows the header by its magic number **and** by its checksum: magic + flags + checksum (Multiboot 1), or magic + architecture + header length + checksum (Multiboot 2), must be 0 in 32 bits. Otherwise it reports that there is no Multiboot header at all.",
    "",
    "Let the assembler count it:",
    "",
    "```",
    ".long MAGIC, FLAGS, -(MAGIC + FLAGS)",
    "```",
    "",
    "Multiboot Specification 0.6.96, 3.1.2; Multiboot2 Specification 2.0, 3.1.2 The magic fields.",
  ].join("\n"),
  check,
};

/**
 * An IDT that 64-bit code loads with a limit made for the gates of 32-bit code, which have 8 bytes and not 16.
 *
 * Certain where the limit ends in the middle of a gate, and where it is written as 256 gates of 8 bytes. In 32-bit code nothing is: an IDT for long mode may be loaded there.
 */
import type { SyntaxFile } from "../syntax.ts";
import type { World } from "../world.ts";
import { layoutOf } from "./layout.ts";
import type { Finding, Rule } from "./rule.ts";
import { loadsOf, type Load } from "./table.ts";

const GATE_BYTES = 16n;
const VECTORS = 256n;

function* check(file: SyntaxFile, world: World): Generator<Finding> {
  const seen = new Set<number>();
  for (const load of loadsOf(file, world)) {
    const finding = load.table === "IDT" && load.bits === 64 ? narrowGates(load) : undefined;
    if (finding && !seen.has(load.at)) {
      seen.add(load.at);
      const { start, end } = load.statement;
      yield {
        ...finding,
        related: [{ uri: file.uri, line: load.line, start, end, message: "Loaded here." }],
      };
    }
  }
}

function narrowGates({ data, scope }: Load): Finding | undefined {
  const [limit] = data.items;
  const value = limit && scope.evaluate(limit.text, limit.line);
  const number = value && layoutOf(scope).number(value);
  if (!limit || limit.width !== 2 || number === undefined || number % 8n !== 7n) {
    return undefined;
  }
  const { line, start, end, text } = limit;
  const size = number + 1n;
  const gates = "In 64-bit code gates have 16 bytes";
  if (size % GATE_BYTES !== 0n) {
    return { line, start, end, message: `${gates}: an IDT of ${size} bytes ends in the middle of one.` };
  }
  const eight = /\b256\s*\*\s*8\b|\b8\s*\*\s*256\b/.exec(text);
  if (size !== VECTORS * 8n || !eight) {
    return undefined;
  }
  const fixed = `${text.slice(0, eight.index)}256 * 16${text.slice(eight.index + eight[0].length)}`;
  return {
    line,
    start,
    end,
    message: `${gates}: ${size} bytes are ${size / GATE_BYTES} of them, and the vectors above have none.`,
    fixes: [{ title: "Make it 256 gates of 16 bytes", edits: [{ line, start, end, text: fixed }] }],
  };
}

export const gateSize: Rule = {
  code: "gate-size",
  languages: ["gas", "nasm"],
  severity: "error",
  title: "An IDT for 64-bit code with gates of 8 bytes",
  explanation: [
    "A gate of the IDT has 8 bytes in protected mode and **16 bytes in long mode**: bits 63 to 32 of the handler's address and a reserved doubleword follow. The processor multiplies the vector by 16, so with gates of 8 bytes it reads two of them as one, and the first interrupt or exception ends in a triple fault.",
    "",
    "```nasm",
    "idt_pointer:",
    "    dw 256 * 16 - 1",
    "    dq idt",
    "```",
    "",
    "The table needs the room, too: `resb 256 * 16`, and gates of `dw`, `dw`, `db`, `db`, `dw`, `dd`, `dd`.",
    "",
    "Intel SDM 3A, 6.14.1 64-Bit Mode IDT.",
  ].join("\n"),
  check,
};

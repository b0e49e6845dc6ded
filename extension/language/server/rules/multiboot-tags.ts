/**
 * Fields of a Multiboot 2 header: architecture, length, tags.
 *
 * Certain where every number up to the end is written out, each tag as 16, 16 and 32 bits, and all distances are known; what else somebody may do with them is
 * left alone.
 */
import type { SyntaxFile } from "../syntax.ts";
import type { World } from "../world.ts";
import { distanceTo, fieldOf, headersOf, type Header } from "./multiboot.ts";
import type { Finding, Rule } from "./rule.ts";

/** By type; the information request and relocation tags have more of their own. */
const sizes: ReadonlyMap<bigint, bigint> = new Map([
  [0n, 8n],
  [2n, 24n],
  [3n, 12n],
  [4n, 12n],
  [5n, 20n],
  [6n, 8n],
  [7n, 8n],
  [8n, 12n],
  [9n, 12n],
  [10n, 24n],
]);

interface Tags {
  /** Of the end tag's last byte. */
  readonly end: bigint | undefined;
  readonly problem: { readonly item: number; readonly message: string } | undefined;
}

function* check(file: SyntaxFile, world: World): Generator<Finding> {
  for (const header of headersOf(file, world)) {
    if (header.version !== 2) {
      continue;
    }
    const at = (item: number, message: string): Finding[] => {
      const found = header.items[item];
      return found ? [{ line: found.line, start: found.start, end: found.end, message }] : [];
    };
    const architecture = fieldOf(header, 1);
    if (architecture !== undefined && architecture !== 0n && architecture !== 4n) {
      yield* at(
        1,
        `Architecture ${architecture} is not defined: 0 is the PC (32-bit protected mode), 4 is MIPS.`,
      );
    }
    const { problem, end } = tagsOf(header);
    if (problem) {
      yield* at(problem.item, problem.message);
      continue;
    }
    const length = fieldOf(header, 2);
    if (end !== undefined && length !== undefined && length !== end) {
      yield* at(2, `The header is ${end} bytes long, not ${length}.`);
    }
  }
}

function tagsOf(header: Header): Tags {
  const nothing: Tags = { end: undefined, problem: undefined };
  let item = 4;
  for (;;) {
    const offset = distanceTo(header, item);
    const size = fieldOf(header, item + 2);
    const type = fieldOf(header, item);
    const isTag =
      header.items[item]?.width === 2 &&
      header.items[item + 1]?.width === 2 &&
      header.items[item + 2]?.width === 4;
    if (!header.items[item]) {
      return header.ending === "other"
        ? {
            end: undefined,
            problem: {
              item: Math.max(0, item - 1),
              message: "The end tag (type 0, flags 0, size 8) is missing behind this.",
            },
          }
        : nothing;
    }
    if (!isTag || offset === undefined || size === undefined || type === undefined) {
      return nothing;
    }
    if (offset % 8n !== 0n) {
      return {
        end: undefined,
        problem: { item, message: `Tags begin on multiples of 8 bytes; this one lies at ${offset}.` },
      };
    }
    const right = sizes.get(type);
    if (right !== undefined && size !== right) {
      return {
        end: undefined,
        problem: { item: item + 2, message: `A tag of type ${type} has ${right} bytes, not ${size}.` },
      };
    }
    if (type === 0n) {
      return { end: offset + 8n, problem: undefined };
    }
    const next = itemAt(header, item, offset + size);
    if (next === undefined) {
      return nothing;
    }
    item = next;
  }
}

/** The first number that lies there or further on. */
function itemAt(header: Header, from: number, offset: bigint): number | undefined {
  for (let item = from; item < header.items.length; item += 1) {
    const distance = distanceTo(header, item);
    if (distance === undefined) {
      return undefined;
    }
    if (distance >= offset) {
      return item;
    }
  }
  return header.items.length;
}

export const multibootTags: Rule = {
  code: "multiboot-tags",
  languages: ["gas", "nasm"],
  severity: "error",
  title: "Wrong fields or tags of a Multiboot 2 header",
  explanation: [
    "Behind magic, architecture, length and checksum come tags: type (16 bits), flags (16), size (32), then what the type has. Each tag begins on a multiple of 8 bytes; the size does not count the padding behind it. The last is the end tag: type 0, flags 0, size 8.",
    "",
    "`header_length` counts everything from the magic to the end tag. A loader that walks off the tags finds nonsense and refuses the kernel, or reads flags that nobody set.",
    "",
    "```",
    "    .balign 8",
    "    .short 0, 0",
    "    .long 8",
    "```",
    "",
    "Multiboot2 Specification 2.0, 3.1.3 General tag structure and the following.",
  ].join("\n"),
  check,
};

/**
 * Reads output sections and overlays: the head before the brace, what stands behind it.
 *
 * Source: the ld manual, "Output Section Description", "Overlay Description".
 * Elsewhere: what is inside (`parser.ts`, `pattern.ts`).
 */
import { closeBracket, expression, sectionTypes, wordOf } from "./expression.ts";
import { bracketed } from "./pattern.ts";
import { isFollowed, named, open, recover, skipBracket, type Reading } from "./reading.ts";
import type { Scanner } from "./scanner.ts";
import type { Branch, Expression, OutputSection, Overlay, Tail, Word } from "./tree.ts";

interface Head {
  address: Expression | null;
  type: Word | null;
  at: Expression | null;
  align: Expression | null;
  subalign: Expression | null;
  constraint: Word | null;
}

export function outputSection(
  reading: Reading,
  branch: Branch | null,
  isInOverlay: boolean,
): OutputSection | null {
  const { scanner } = reading;
  const name = wordOf(scanner.next("script"));
  const head: Head = { address: null, type: null, at: null, align: null, subalign: null, constraint: null };
  if (scanner.isAt("(") && /[*?]/.test(name.text)) {
    scanner.errorAt(name, `Input sections stand inside an output section: ".name : { ${name.text}(…) }".`);
    bracketed(scanner);
    return null;
  }
  if (!isInOverlay) {
    type(scanner, head);
    if (head.type === null && !scanner.isAt(":") && !scanner.isAt("{")) {
      const address = scanner.peek("expression");
      if (address.kind === "end" || (address.kind === "mark" && /^[};,=]$/.test(address.text))) {
        scanner.errorAt(
          name,
          `"${name.text}" is neither an assignment nor an output section: a ":" is missing.`,
        );
        return null;
      }
      head.address = expression(scanner);
      type(scanner, head);
    }
    if (!scanner.skip(":")) {
      scanner.missing(`A ":" is missing behind the output section's name.`);
      if (!scanner.isAt("{")) {
        recover(scanner, "script");
        return null;
      }
    }
    attributes(scanner, head);
  }
  const close = open(reading, `the output section's name`);
  const inner = reading.body("section");
  close();
  const end = ending(scanner);
  return {
    kind: "section",
    branch,
    name,
    ...head,
    body: inner,
    ...end,
    isInOverlay,
    first: name,
    last: wordOf(scanner.last),
  };
}

/** `(NOLOAD)`, `(TYPE = SHT_PROGBITS)`, `()`. */
function type(scanner: Scanner, head: Head): void {
  if (!scanner.isAt("(")) {
    return;
  }
  const back = scanner.mark();
  scanner.next("expression");
  const word = scanner.next("expression");
  const isEmpty = word.kind === "mark" && word.text === ")";
  if (!isEmpty && !(word.kind === "word" && sectionTypes.has(word.text))) {
    back();
    return;
  }
  if (!isEmpty) {
    head.type = wordOf(word);
    if (/^(?:TYPE|READONLY)$/.test(word.text)) {
      skipBracket(scanner);
    } else {
      closeBracket(scanner);
    }
  }
}

/** What stands between ":" and "{". */
function attributes(scanner: Scanner, head: Head): void {
  for (;;) {
    const token = scanner.peek("expression");
    if (token.kind !== "word") {
      return;
    }
    scanner.next("expression");
    switch (token.text) {
      case "AT":
        head.at = argument(scanner);
        break;
      case "ALIGN":
        head.align = argument(scanner);
        break;
      case "SUBALIGN":
        head.subalign = argument(scanner);
        break;
      case "ALIGN_WITH_INPUT":
        break;
      case "ONLY_IF_RO":
      case "ONLY_IF_RW":
      case "SPECIAL":
        head.constraint = wordOf(token);
        break;
      default:
        if (scanner.source.isPreprocessed) {
          if (scanner.isAt("(")) {
            bracketed(scanner);
          }
        } else {
          scanner.errorAt(token, `"${token.text}" does not stand between ":" and "{" of an output section.`);
          if (scanner.isAt("(")) {
            bracketed(scanner);
          }
        }
    }
  }
}

function argument(scanner: Scanner): Expression | null {
  if (!scanner.skip("(")) {
    scanner.missing('A "(" is missing.');
    return null;
  }
  const given = expression(scanner);
  closeBracket(scanner);
  return given;
}

type Ending = Pick<OutputSection, "region" | "loadRegion" | "headers" | "fill">;

/** `>region AT>region :header =fill`. */
function ending(scanner: Scanner): Ending {
  let region: Word | null = null;
  let loadRegion: Word | null = null;
  let fill: Expression | null = null;
  const headers: Word[] = [];
  for (;;) {
    const token = scanner.peek("expression");
    if (token.text === ">" && token.kind === "mark") {
      scanner.next("expression");
      region = named(scanner, "a memory region");
    } else if (token.text === "AT" && token.kind === "word" && isFollowed(scanner, "expression", ">")) {
      scanner.next("expression");
      scanner.skip(">");
      loadRegion = named(scanner, "a memory region");
    } else if (token.text === ":" && token.kind === "mark") {
      scanner.next("expression");
      const header = named(scanner, "a program header");
      if (header) {
        headers.push(header);
      }
    } else if (token.text === "=" && token.kind === "mark") {
      scanner.next("expression");
      fill = expression(scanner);
    } else {
      return { region, loadRegion, headers, fill };
    }
  }
}

export function tail(scanner: Scanner, branch: Branch | null): Tail | null {
  const first = wordOf(scanner.peek("expression"));
  if (!/^[:>=]$/.test(first.text)) {
    return null;
  }
  const { region, loadRegion, headers } = ending(scanner);
  return { kind: "tail", branch, headers, region, loadRegion, first, last: wordOf(scanner.last) };
}

export function overlay(reading: Reading, first: Word, branch: Branch | null): Overlay {
  const { scanner } = reading;
  scanner.next("script");
  const address = scanner.isAt(":") || scanner.isAt("{") ? null : expression(scanner);
  let at: Expression | null = null;
  if (!scanner.skip(":")) {
    scanner.missing('A ":" is missing behind OVERLAY.');
  }
  while (scanner.peek("expression").kind === "word") {
    if (scanner.next("expression").text === "AT") {
      at = argument(scanner);
    }
  }
  const close = open(reading, "OVERLAY");
  const found: OutputSection[] = [];
  for (;;) {
    const token = scanner.peek("script");
    if (token.kind === "mark" && /^[;,]$/.test(token.text)) {
      scanner.next("script");
    } else if (token.kind === "mark" || token.kind === "end") {
      break;
    } else {
      const inner = outputSection(reading, scanner.branch, true);
      if (inner) {
        found.push(inner);
      }
    }
  }
  close();
  ending(scanner);
  return { kind: "overlay", branch, address, at, sections: found, first, last: wordOf(scanner.last) };
}

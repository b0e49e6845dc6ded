/**
 * Numbers that have a name in the manuals: ports where `in` and `out` take one, MSRs where `rdmsr` and `wrmsr` follow.
 *
 * Invariant: they are offered where the register they are loaded into is certainly used so, or where the person types such a name.
 * Elsewhere: the tables (`knowledge/`).
 */
import { CompletionItemKind } from "vscode-languageserver-types";
import { msrs } from "../knowledge/msr.ts";
import { ports } from "../knowledge/port.ts";
import { isBranch } from "../mnemonic.ts";
import type { Line, Operand } from "../syntax.ts";
import type { Context, OperandPlace } from "./context.ts";
import type { Offer } from "./offer.ts";

/** How many lines may stand between the number and its use. */
const reach = 8;

type Use = "port" | "msr";

export function* numberOffers(context: Context, place: OperandPlace, isDollar: boolean): Iterable<Offer> {
  const { dialect } = context;
  const { mnemonic, index } = place;
  const isAtt = dialect === "att";
  const sigil = isAtt && !isDollar ? "$" : "";
  if (
    /^in[bwl]?$/i.test(mnemonic)
      ? index === (isAtt ? 0 : 1)
      : /^out[bwl]?$/i.test(mnemonic) && index === (isAtt ? 1 : 0)
  ) {
    yield* portOffers(context, sigil, 0xff);
    return;
  }
  if (!/^mov(?:[wlq]|abs)?$/i.test(mnemonic) || index !== (isAtt ? 0 : 1)) {
    return;
  }
  const target = targetOf(context, place);
  const use = useOf(context, target);
  if (use === "port") {
    yield* portOffers(context, sigil, 0xffff);
  } else if (use === "msr" || (isTyped(context.word) && (target === undefined || isCounter(target)))) {
    yield* msrOffers(context, sigil, use === "msr" ? 0 : 5);
  }
}

const isTyped = (word: string): boolean => /^[A-Za-z]\w/.test(word);
const isCounter = (name: string): boolean => /^[er]?cx$/.test(name);
const isPortRegister = (name: string): boolean => /^[er]?dx$/.test(name);

/** The register that is loaded: before the cursor in Intel's order, behind it in AT&T's; undefined where it is not written yet. */
function targetOf({ dialect, file, position }: Context, { operands }: OperandPlace): string | undefined {
  if (dialect !== "att") {
    return registerIn(operands[0]);
  }
  const rest = file.lines[position.line]?.text.slice(position.column) ?? "";
  return /,\s*%(\w+)\s*(?:[#;/].*)?$/.exec(rest)?.[1]?.toLowerCase();
}

function registerIn(operand: Operand | undefined): string | undefined {
  return operand?.kind === "register" ? operand.registers[0]?.text : "";
}

/** What the lines behind do with the register, before code goes elsewhere or it is loaded again. */
function useOf({ file, position }: Context, target: string | undefined): Use | undefined {
  for (const line of file.lines.slice(position.line + 1, position.line + 1 + reach)) {
    if (line.definitions.length > 0) {
      return undefined;
    }
    const found = useIn(line, target);
    if (found !== undefined) {
      return found === "none" ? undefined : found;
    }
  }
  return undefined;
}

function useIn(line: Line, target: string | undefined): Use | "none" | undefined {
  for (const statement of line.statements) {
    if (statement.kind !== "instruction") {
      return statement.kind === "directive" ? undefined : "none";
    }
    const name = statement.mnemonic.text.toLowerCase();
    const names = statement.operands.flatMap(({ registers }) => registers.map(({ text }) => text));
    if (/^(?:rd|wr)msr$/.test(name)) {
      return target === undefined || isCounter(target) ? "msr" : "none";
    }
    if (/^(?:in|out)s?[bwld]?$/.test(name) && names.includes("dx")) {
      return target === undefined || isPortRegister(target) ? "port" : "none";
    }
    const isLoadedAgain = name.startsWith("mov") && target !== undefined && names.includes(target);
    if (isBranch(name) || /^l?ret|^iret/.test(name) || isLoadedAgain) {
      return "none";
    }
  }
  return undefined;
}

const hexadecimal = (number: number): string => `0x${number.toString(16).toUpperCase()}`;

function* msrOffers({ word }: Context, sigil: string, rank: number): Iterable<Offer> {
  for (const { number, name } of msrs) {
    const label = hexadecimal(number);
    yield offer(sigil + label, word, name, rank, { kind: "msr", number: label });
  }
}

function* portOffers({ word }: Context, sigil: string, last: number): Iterable<Offer> {
  for (const { number, device } of ports) {
    if (number <= last) {
      const label = hexadecimal(number);
      yield offer(sigil + label, word, device, 1, { kind: "port", number: label });
    }
  }
}

/** Found by its number as well as by its name. */
function offer(
  label: string,
  word: string,
  name: string,
  rank: number,
  subject: Offer["subject"] & {},
): Offer {
  return {
    label,
    kind: CompletionItemKind.Constant,
    rank,
    description: name,
    ...(/^[A-Za-z]/.test(word) ? { filterText: name } : {}),
    subject,
  };
}

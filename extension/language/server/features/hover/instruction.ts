/**
 * An instruction: what it does; the form its operands select, with its bytes; flags, modes, exceptions; the manual's heading.
 *
 * Invariant: facts are of the form that is meant, where it can be told; else of all forms together, and nothing is said that not all of them share.
 */
import { formText } from "../../completion/form.ts";
import {
  dialectOf,
  encodings,
  featuresOfAll,
  flagsIn,
  flagsOf,
  instruction,
  select,
  type Encodability,
  type FlagUse,
  type Form,
  type Instruction,
  type Selection,
  type Width,
} from "../../knowledge/instructions.ts";
import { meaningOf } from "../../knowledge/meaning.ts";
import { rflags } from "../../knowledge/register.ts";
import type { InstructionStatement, Line } from "../../syntax.ts";
import { builtOf } from "../operand.ts";
import { evaluatorOf, widthOf, type Site } from "./site.ts";
import { code, fieldTable, paragraphs } from "./text.ts";

const widths: readonly Width[] = [16, 32, 64];

/** Forms that are listed; the rest is counted. */
const shown = 8;

export function instructionText(site: Site, statement: InstructionStatement): string | undefined {
  const { file, line } = site;
  const dialect = dialectOf(file, line);
  const name = statement.mnemonic.text;
  const found = instruction(name, dialect);
  if (!found) {
    return undefined;
  }
  const bits = widthOf(site);
  const evaluate = evaluatorOf(site);
  const said = (bits === null ? widths : [bits]).map((width) =>
    encodings(statement, width, dialect, evaluate),
  );
  const selection = bits === null ? undefined : select(statement, bits, dialect, evaluate);
  const fitting = fittingForms(said);
  const reason = said.length === 1 && said[0]?.kind === "no" ? said[0].reason : undefined;
  const forms =
    selection && !isBranchForm(selection)
      ? [selection.form]
      : ofWidth(fitting.length > 0 ? fitting : found.forms, bits);
  const meaning = meaningOf(forms, name.toLowerCase());
  const textsOf = (list: readonly Form[]): readonly string[] => [
    ...new Set(list.map((form) => formText(form, name, dialect))),
  ];
  const texts = textsOf(forms).slice(0, shown);
  const otherCount = textsOf(ofWidth(found.forms, bits)).filter((text) => !texts.includes(text)).length;
  const more = otherCount === 0 ? "" : `\n… ${otherCount} more form${otherCount === 1 ? "" : "s"}`;
  return paragraphs(
    meaning ? `**\`${name.toLowerCase()}\`** ${meaning.sentence}` : `**\`${name.toLowerCase()}\`**`,
    reason === undefined ? undefined : `⚠ ${reason}`,
    code(file.language, texts.join("\n") + more),
    facts(site, statement, found, forms, selection),
    meaning?.exceptions === "" && !touchesMemory(statement)
      ? undefined
      : exceptionsText(statement, meaning?.exceptions ?? "", meaning !== undefined),
    meaning && meaning.heading !== "" ? `*${headingText(meaning.heading)}*` : undefined,
    /^(?:push|pop)f[wdlq]?$|^[ls]ahf$/i.test(name) ? fieldTable(rflags) : undefined,
  );
}

/** What fits in one of the modes; what would fit in another where none has it. */
function fittingForms(said: readonly Encodability[]): readonly Form[] {
  const forms = (kind: "yes" | "no"): readonly Form[] =>
    said.flatMap((one) => (one.kind !== "unknown" && one.kind === kind ? one.forms : []));
  const fitting = forms("yes");
  return [...new Set(fitting.length > 0 ? fitting : forms("no"))];
}

/** Those that code of this width has, branches of the other width left out; all where that leaves none. */
function ofWidth(forms: readonly Form[], bits: Width | null): readonly Form[] {
  const other = bits === 16 ? /^br32_/ : /^br16_/;
  const here = forms.filter(
    ({ modes, operands }) =>
      (bits === null || modes.includes(bits)) && !operands.some(({ kind }) => other.test(kind)),
  );
  return here.length > 0 ? here : forms;
}

function headingText(heading: string): string {
  return heading.startsWith("AMD: ")
    ? `AMD64 manual, volume 3: ${heading.slice(5)}`
    : `Intel SDM, volume 2: ${heading}`;
}

function facts(
  site: Site,
  statement: InstructionStatement,
  found: Instruction,
  forms: readonly Form[],
  selection: Selection | undefined,
): string {
  const texts = new Set(forms.map(({ text }) => text));
  const lines = [
    ...(selection ? [encodingLine(site, selection)] : []),
    flagsLine(forms, selection),
    // `ret` is one instruction for the manual and three for the table of op codes.
    modesLine(found.forms.filter(({ text }) => texts.has(text))),
    featuresLine(forms),
    prefixLine(statement, forms),
  ];
  return lines.filter((line) => line !== undefined).join("  \n");
}

/** How far a branch goes decides which of its forms it is: nobody knows before it is assembled. */
function isBranchForm({ form, encoded }: Selection): boolean {
  return encoded === undefined && form.operands.some(({ kind }) => /^(?:br\d|brdisp|xbegin)/.test(kind));
}

/** Bytes that are in the program, else those it will have. */
function encodingLine(site: Site, selection: Selection): string | undefined {
  const { form, encoded } = selection;
  const built = builtBytes(site);
  if (isBranchForm(selection)) {
    return built && `**Bytes** \`${spaced(built.bytes)}\` at ${built.address}`;
  }
  const bytes = built?.bytes ?? (encoded && hexOf(encoded.bytes));
  const where = built ? ` at ${built.address}` : "";
  return `**Encoding** \`${form.encoding}\`${bytes === undefined ? "" : `, bytes \`${spaced(bytes)}\`${where}`}`;
}

function spaced(bytes: string): string {
  return bytes.replaceAll(/..(?=.)/g, "$& ");
}

function hexOf(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function builtBytes({
  world,
  file,
  line,
  number,
}: Site): { readonly bytes: string; readonly address: string } | undefined {
  const parts = builtOf(world, file)?.lines.filter((part) => part.line === number) ?? [];
  const [part] = parts;
  return part && parts.length === 1 && part.bytes !== "" && isSingle(line) ? part : undefined;
}

function isSingle({ statements }: Line): boolean {
  return statements.length === 1;
}

function flagsLine(forms: readonly Form[], selection: Selection | undefined): string | undefined {
  const uses = selection ? [flagsIn(selection)] : forms.map((form) => flagsOf(form));
  const texts = new Set(uses.map(flagsText));
  const [text] = texts;
  return texts.size === 1 && text !== undefined ? `**Flags** ${text}` : undefined;
}

export function flagsText({ read, written, cleared, set, undefined: open }: FlagUse): string {
  const parts = [
    ["reads", read],
    ["writes", written],
    ["clears", cleared],
    ["sets", set],
    ["leaves undefined", open],
  ] as const;
  const texts = parts
    .filter(([, names]) => names.length > 0)
    .map(([verb, names]) => `${verb} ${names.join(" ")}`);
  return texts.length === 0 ? "none" : texts.join("; ");
}

function modesLine(forms: readonly Form[]): string {
  const own = widths.filter((bits) => forms.some(({ modes }) => modes.includes(bits)));
  const privileges = new Set(forms.map(({ privilege }) => privilege));
  const level = privileges.size === 1 && privileges.has("kernel") ? ", only at level 0" : "";
  return `**Modes** ${own.join(", ")} bits${level}`;
}

function featuresLine(forms: readonly Form[]): string | undefined {
  const features = featuresOfAll(forms);
  return features.length === 0 ? undefined : `**Needs** ${features.join(", ")}`;
}

function prefixLine({ prefixes }: InstructionStatement, forms: readonly Form[]): string | undefined {
  const isLocked = prefixes.some(({ text }) => /^lock$/i.test(text));
  return isLocked && !forms.some(({ canLock }) => canLock) ? "⚠ LOCK before it raises #UD." : undefined;
}

function touchesMemory({ operands, mnemonic }: InstructionStatement): boolean {
  return (
    operands.some(({ kind }) => kind === "memory") && !/^(?:lea|nop|prefetch|invlpg)/i.test(mnemonic.text)
  );
}

function exceptionsText(statement: InstructionStatement, own: string, isKnown: boolean): string | undefined {
  const parts = [
    ...(own === "" ? [] : [own]),
    ...(touchesMemory(statement) ? ["memory: #GP or #SS (segment, not canonical), #PF, #AC"] : []),
  ];
  return isKnown && parts.length > 0 ? `**Exceptions** ${parts.join("; ")}` : undefined;
}

const prefixTexts: Readonly<Record<string, string>> = {
  lock: "Makes a read and write of memory one step for all processors. With other instructions or a register as destination: #UD.",
  rep: "Repeats the string instruction rCX times; interrupts may come between.",
  repe: "Repeats while rCX is not 0 and the comparison says equal.",
  repz: "Repeats while rCX is not 0 and the comparison says equal.",
  repne: "Repeats while rCX is not 0 and the comparison says not equal.",
  repnz: "Repeats while rCX is not 0 and the comparison says not equal.",
  data16: "Prefix 66: the other operand size.",
  data32: "Prefix 66: the other operand size.",
  o16: "Operand size 16 bits.",
  o32: "Operand size 32 bits.",
  o64: "Operand size 64 bits: REX.W.",
  addr16: "Prefix 67: the other address size.",
  addr32: "Prefix 67: the other address size.",
  a16: "Addresses of 16 bits.",
  a32: "Addresses of 32 bits.",
  "rex.w": "Operand size 64 bits.",
  rex64: "Operand size 64 bits: REX.W.",
  bnd: "Keeps the bounds registers; ignored where MPX is missing.",
  notrack: "The indirect jump or call need not land at ENDBR.",
};

export function prefixText(word: string): string | undefined {
  const lower = word.toLowerCase();
  const text = prefixTexts[lower];
  return text === undefined ? undefined : `**\`${lower}\`** ${text}`;
}

/**
 * Hovers on 200 instructions made by chance agree with the disassembler: the assembler's bytes are decoded, and what the hover says of bytes, encoding, flags
 * and modes is what iced-x86 says of them.
 *
 * Elsewhere: agreement of the forms with the assemblers (`knowledge-oracle.test.ts`).
 */
import {
  CodeExt,
  Decoder,
  DecoderOptions,
  Instruction,
  Mnemonic,
  RflagsBits,
  type OpCodeInfo,
} from "iced-x86";
import { expect, it } from "vitest";
import { hover } from "../../extension/language/server/features/hover.ts";
import { mnemonicForms } from "../../extension/language/server/knowledge/instructions.ts";
import { meaningOf, meantMnemonics } from "../../extension/language/server/knowledge/meaning.ts";
import { Workspace } from "../../extension/language/server/workspace.ts";
import { assembled, hasTool, type Dialect, type Width } from "./assembler.ts";
import { chosenForms, random, statementOf } from "./instruction.ts";

const seed = Number(process.env["SEED"] ?? "20261122");
const count = 200;

const flagNames = [
  "CF",
  "PF",
  "AF",
  "ZF",
  "SF",
  "IF",
  "DF",
  "OF",
  "AC",
  "UIF",
  "C0",
  "C1",
  "C2",
  "C3",
] as const;

function names(bits: number): string {
  return flagNames.filter((name) => (bits & RflagsBits[name]) !== 0).join(" ");
}

/** In the hover's words. */
function flagsOf(instruction: Instruction): string {
  const parts: readonly (readonly [string, number])[] = [
    ["reads", instruction.rflagsRead],
    ["writes", instruction.rflagsWritten],
    ["clears", instruction.rflagsCleared],
    ["sets", instruction.rflagsSet],
    ["leaves undefined", instruction.rflagsUndefined],
  ];
  const texts = parts.filter(([, bits]) => bits !== 0).map(([verb, bits]) => `${verb} ${names(bits)}`);
  return texts.length === 0 ? "none" : texts.join("; ");
}

/** Modes of all op codes that the manual writes in one line. */
function modesOf(info: OpCodeInfo, all: readonly OpCodeInfo[]): string {
  const same = all.filter((one) => one.instructionString === info.instructionString);
  const widths = [16, 32, 64].filter((bits) => same.some((one) => one.isAvailableInMode(bits)));
  return widths.join(", ");
}

interface Said {
  readonly bytes: string | undefined;
  readonly flags: string | undefined;
  readonly modes: string | undefined;
}

function saidOf(text: string, dialect: Dialect, bits: Width): Said {
  const world = new Workspace();
  const head = dialect === "att" ? `.code${bits}` : `bits ${bits}`;
  world.open("file:///a.S", dialect === "att" ? "gas" : "nasm", `${head}\n${text}`);
  const found = hover(world, "file:///a.S", { line: 1, column: 1 });
  const contents = found?.contents;
  const value = typeof contents === "object" && "value" in contents ? contents.value : "";
  return {
    bytes: /bytes `([\da-f ]+)`/.exec(value)?.[1]?.replaceAll(" ", ""),
    flags: /\*\*Flags\*\* (.*?)(?: {2})?$/m.exec(value)?.[1],
    modes: /\*\*Modes\*\* ([\d, ]+) bits/.exec(value)?.[1],
  };
}

const cases: readonly (readonly [Dialect, Width])[] = [
  ["att", 16],
  ["att", 32],
  ["att", 64],
  ["nasm", 64],
];

it.skipIf(!hasTool("as") || !hasTool("nasm"))(
  `hovers on ${count} instructions agree with iced-x86, seed ${seed}`,
  { timeout: 180_000 },
  () => {
    const source = random(seed);
    const forms = chosenForms();
    const all = new Map<Mnemonic, OpCodeInfo[]>();
    for (const { code } of mnemonicForms()) {
      const info = CodeExt.opCode(code);
      all.set(info.mnemonic, [...(all.get(info.mnemonic) ?? []), info]);
    }
    let checkedCount = 0;
    let bytesCount = 0;
    const differences: string[] = [];
    for (const [dialect, bits] of cases) {
      const statements: string[] = [];
      while (statements.length < count) {
        const form = forms[source.next(forms.length)];
        const text = form && statementOf(form, bits, source, dialect);
        if (typeof text === "string") {
          statements.push(text);
        }
      }
      const bytes = assembled(statements, dialect, bits);
      const wanted =
        (count / cases.length) * (cases.findIndex(([one, width]) => one === dialect && width === bits) + 1);
      for (const [number, text] of statements.entries()) {
        const hex = bytes[number];
        if (hex === undefined || checkedCount >= wanted) {
          continue;
        }
        // FSTSW is WAIT and FNSTSW for the decoder.
        const own = /^9b./.test(hex) ? hex.slice(2) : hex;
        const decoder = new Decoder(bits, Buffer.from(own, "hex"), DecoderOptions.None);
        const instruction = decoder.decode();
        const said = saidOf(text, dialect, bits);
        const place = `${dialect}, ${bits} bits: ${text} (${hex})`;
        checkedCount += 1;
        if (said.bytes !== undefined) {
          bytesCount += 1;
          if (said.bytes !== hex) differences.push(`${place}: bytes ${said.bytes}`);
        }
        if (said.flags !== undefined && said.flags !== flagsOf(instruction)) {
          differences.push(`${place}: flags ${said.flags}, not ${flagsOf(instruction)}`);
        }
        const info = instruction.opCode;
        const modes = modesOf(info, all.get(info.mnemonic) ?? []);
        if (said.bytes !== undefined && said.modes !== modes) {
          differences.push(`${place}: modes ${said.modes ?? "none"}, not ${modes}`);
        }
        if (said.flags === undefined && said.bytes !== undefined) differences.push(`${place}: no flags`);
        decoder.free();
      }
    }
    expect(differences).toEqual([]);
    expect(checkedCount).toBe(count);
    expect(bytesCount).toBeGreaterThan(count / 2);
  },
);

it("has a sentence for at least 300 mnemonics, each of which is an instruction", () => {
  const known = new Set(mnemonicForms().map(({ mnemonic }) => mnemonic));
  const meant = meantMnemonics();
  expect(meant.filter((name) => !known.has(name))).toEqual([]);
  expect(meant.length).toBeGreaterThanOrEqual(300);
});

it("says what every instruction of boot code does", () => {
  const silent = new Set<string>();
  for (const form of mnemonicForms()) {
    const meaning = meaningOf([form]);
    if (!meaning) {
      silent.add(form.mnemonic);
    } else {
      expect(meaning.sentence, form.mnemonic).toMatch(/^[A-Z0-9].*[.)]$/s);
      expect(meaning.heading, form.mnemonic).toMatch(/—|^AMD: |^GETSEC$|^$/);
    }
  }
  for (const name of "mov push pop jmp call ret lgdt lidt ltr in out cli sti hlt rdmsr wrmsr cpuid iretq swapgs invlpg".split(
    " ",
  )) {
    expect(silent.has(name), name).toBe(false);
  }
});

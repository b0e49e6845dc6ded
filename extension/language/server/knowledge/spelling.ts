/**
 * How the assemblers spell mnemonics: AT&T's suffixes and own names, aliases of conditions, names that only one of the dialects has.
 *
 * Invariant: a spelling leads to forms, or to none; which of them the operands select is another question. Where a word can be two things (`movq` moves a
 * vector's half, or 64 bits between general registers) both are there.
 * Source: "Using as", 9.16.4.1 "Instruction Naming"; the opcode table of GNU binutils for what its manual leaves out; NASM manual, appendix B.
 * Elsewhere: forms (`form.ts`).
 */
import { formsOf, hasForms, type Form } from "./form.ts";

export type Dialect = "att" | "intel" | "nasm";

/** What a word means: a mnemonic in Intel's spelling, perhaps only those of its forms that a test lets through. */
interface Spelling {
  readonly mnemonic: string;
  readonly admits?: (form: Form) => boolean;
}

const suffixes: ReadonlyMap<string, 8 | 16 | 32 | 64> = new Map([
  ["b", 8],
  ["w", 16],
  ["l", 32],
  ["q", 64],
]);

/** Conditions with the disassembler's name first. */
const conditions: readonly (readonly string[])[] = [
  ["o"],
  ["no"],
  ["b", "c", "nae"],
  ["ae", "nb", "nc"],
  ["e", "z"],
  ["ne", "nz"],
  ["be", "na"],
  ["a", "nbe"],
  ["s"],
  ["ns"],
  ["p", "pe"],
  ["np", "po"],
  ["l", "nge"],
  ["ge", "nl"],
  ["le", "ng"],
  ["g", "nle"],
];

const sized = (size: number) => (form: Form) => form.size === size;
const isFar = (form: Form): boolean =>
  form.operands.some(({ kind, text }) => kind.startsWith("farbr") || text.startsWith("m16:"));
const fromBytes = (form: Form): boolean => form.operands[1]?.kind === "r8_or_mem";
const fromWords = (form: Form): boolean => form.operands[1]?.kind === "r16_or_mem";
const both = (a: (form: Form) => boolean, b: (form: Form) => boolean) => (form: Form) => a(form) && b(form);
const isString = (form: Form): boolean =>
  form.operands.some(({ kind }) => kind === "es_rDI" || kind === "seg_rSI");
const without = (form: Form): boolean => !isString(form);

function same(mnemonic: string): readonly Spelling[] {
  return [{ mnemonic }];
}

/** Names that both dialects have and the disassembler knows by others. */
function common(): Map<string, readonly Spelling[]> {
  const made = new Map<string, readonly Spelling[]>();
  for (const [first = "", ...others] of conditions) {
    for (const other of others) {
      for (const stem of ["j", "set", "cmov"]) {
        made.set(stem + other, same(stem + first));
      }
    }
  }
  const aliases: Readonly<Record<string, string>> = {
    loopz: "loope",
    loopnz: "loopne",
    xlat: "xlatb",
    fwait: "wait",
    icebp: "int1",
    ud2a: "ud2",
    ud2b: "ud1",
    retn: "ret",
    sal: "shl",
  };
  for (const [alias, mnemonic] of Object.entries(aliases)) {
    made.set(alias, same(mnemonic));
  }
  // Their size is the mode's where the word says none.
  made.set("pushf", [{ mnemonic: "pushf" }, { mnemonic: "pushfd" }, { mnemonic: "pushfq" }]);
  made.set("popf", [{ mnemonic: "popf" }, { mnemonic: "popfd" }, { mnemonic: "popfq" }]);
  made.set("pusha", [{ mnemonic: "pusha" }, { mnemonic: "pushad" }]);
  made.set("popa", [{ mnemonic: "popa" }, { mnemonic: "popad" }]);
  made.set("iret", [{ mnemonic: "iret" }, { mnemonic: "iretd" }]);
  for (const word of ["pushf", "popf", "pusha", "popa", "iret"]) {
    made.set(`${word}w`, same(word));
  }
  for (const stem of ["ins", "outs", "movs", "cmps", "stos", "lods", "scas"]) {
    const list = ["b", "w", "d", "q"].map((size) => ({ mnemonic: stem + size, admits: isString }));
    made.set(
      stem,
      list.filter(({ mnemonic }) => hasForms(mnemonic)),
    );
  }
  return made;
}

function nasmNames(): Map<string, readonly Spelling[]> {
  const made = common();
  made.set("movsx", [{ mnemonic: "movsx" }, { mnemonic: "movsxd" }]);
  made.set("retf", same("retf"));
  for (const [suffix, size] of [
    ["w", 16],
    ["d", 32],
    ["q", 64],
  ] as const) {
    made.set(`ret${suffix}`, [{ mnemonic: "ret", admits: sized(size) }]);
    made.set(`retn${suffix}`, [{ mnemonic: "ret", admits: sized(size) }]);
    made.set(`retf${suffix}`, [{ mnemonic: "retf", admits: sized(size) }]);
  }
  return made;
}

function attNames(): Map<string, readonly Spelling[]> {
  const made = common();
  const names: Readonly<Record<string, string>> = {
    cbtw: "cbw",
    cwtl: "cwde",
    cltq: "cdqe",
    cwtd: "cwd",
    cltd: "cdq",
    cqto: "cqo",
    movsl: "movsd",
    cmpsl: "cmpsd",
    stosl: "stosd",
    lodsl: "lodsd",
    scasl: "scasd",
    insl: "insd",
    outsl: "outsd",
    pushfl: "pushfd",
    popfl: "popfd",
    pushal: "pushad",
    popal: "popad",
    iretl: "iretd",
    sysretl: "sysret",
    sysexitl: "sysexit",
  };
  for (const [name, mnemonic] of Object.entries(names)) {
    made.set(name, [{ mnemonic, ...(/^(?:movs|cmps)/.test(name) ? { admits: isString } : {}) }]);
  }
  // AT&T's SUB and DIV of the x87 that write another register than the top have each other's names: "Using as", 9.16.16 "AT&T Syntax bugs".
  for (const stem of ["fsub", "fdiv"]) {
    made.set(`${stem}p`, same(`${stem}rp`));
    made.set(`${stem}rp`, same(`${stem}p`));
    const admits = (form: Form): boolean => form.operands[0]?.kind === "sti_opcode";
    const others = (form: Form): boolean => !admits(form);
    made.set(stem, [
      { mnemonic: stem, admits: others },
      { mnemonic: `${stem}r`, admits },
    ]);
    made.set(`${stem}r`, [
      { mnemonic: `${stem}r`, admits: others },
      { mnemonic: stem, admits },
    ]);
  }
  for (const [word, mnemonic] of [
    ["ljmp", "jmp"],
    ["lcall", "call"],
  ] as const) {
    made.set(word, [{ mnemonic, admits: isFar }]);
    for (const [suffix, size] of suffixes) {
      made.set(word + suffix, [{ mnemonic, admits: both(isFar, sized(size)) }]);
    }
  }
  for (const word of ["jmp", "call"]) {
    made.set(word, [{ mnemonic: word, admits: (form) => !isFar(form) }]);
  }
  made.set("lret", same("retf"));
  for (const [suffix, size] of suffixes) {
    made.set(`lret${suffix}`, [{ mnemonic: "retf", admits: sized(size) }]);
    made.set(`ret${suffix}`, [{ mnemonic: "ret", admits: sized(size) }]);
    for (const [stem, mnemonic] of [
      ["movz", "movzx"],
      ["movs", "movsx"],
    ] as const) {
      made.set(`${stem}b${suffix}`, [{ mnemonic, admits: both(fromBytes, sized(size)) }]);
      made.set(`${stem}w${suffix}`, [{ mnemonic, admits: both(fromWords, sized(size)) }]);
    }
    made.set(`movabs${suffix}`, [{ mnemonic: "mov", admits: both(isAbsolute, sized(size)) }]);
  }
  made.set("movzb", [{ mnemonic: "movzx", admits: fromBytes }]);
  made.set("movzw", [{ mnemonic: "movzx", admits: fromWords }]);
  made.set("movslq", [{ mnemonic: "movsxd", admits: sized(64) }]);
  made.set("movsb", [{ mnemonic: "movsb" }, { mnemonic: "movsx", admits: fromBytes }]);
  made.set("movsw", [{ mnemonic: "movsw" }, { mnemonic: "movsx", admits: fromWords }]);
  made.set("movabs", [{ mnemonic: "mov", admits: isAbsolute }]);
  return made;
}

function isAbsolute(form: Form): boolean {
  return form.operands.some(({ kind }) => kind === "mem_offs" || kind === "imm64");
}

/** x87 and memory: "s" is a short float (32 bits) or a short integer (16), "l" a long one (64, 32), "t" 80 bits, "ll" and "q" 64-bit integers. */
const floats: ReadonlyMap<string, RegExp> = new Map([
  ["s", /m32fp|m16int/],
  ["l", /m64fp|m32int/],
  ["t", /m80fp/],
  ["q", /m64int/],
  ["ll", /m64int/],
]);

/** Instructions whose suffix is the size of what they convert from, or of the register they write. */
const converted = /^v?cvtt?s[sdi2h]+[sdi]$/;

function suffixed(word: string): readonly Spelling[] {
  const found: Spelling[] = [];
  const [, stem = "", suffix = ""] = /^(.+?)(ll|.)$/.exec(word.endsWith("ll") ? word : `${word}`) ?? [];
  for (const [base, end] of [
    [stem, suffix],
    [word.slice(0, -1), word.slice(-1)],
  ] as const) {
    const pattern = floats.get(end);
    const size = suffixes.get(end);
    if (base.startsWith("f") && pattern) {
      const admits = (form: Form): boolean => pattern.test(form.text);
      found.push(
        ...(names("att").get(base) ?? (hasForms(base) ? same(base) : [])).map(({ mnemonic }) => ({
          mnemonic,
          admits,
        })),
      );
    } else if (size !== undefined && !/^(?:p?mov[sz]|j(?!mp$))/.test(base)) {
      for (const { mnemonic, admits } of names("att").get(base) ?? (hasForms(base) ? same(base) : [])) {
        const isSized = (form: Form): boolean => without(form) && fits(form, size);
        found.push({ mnemonic, admits: admits ? both(admits, isSized) : isSized });
      }
    }
  }
  return found;
}

function fits(form: Form, size: number): boolean {
  if (converted.test(form.mnemonic)) {
    return form.operands.some(({ kind }) => kind.startsWith(`r${size}_`));
  }
  if (form.mnemonic === "crc32") {
    return form.operands[1]?.kind === `r${size}_or_mem`;
  }
  return form.size === size && !form.isVector;
}

let tables: Readonly<Record<Dialect, ReadonlyMap<string, readonly Spelling[]>>> | null = null;

function names(dialect: Dialect): ReadonlyMap<string, readonly Spelling[]> {
  const intel = tables ?? (tables = { att: attNames(), intel: nasmNames(), nasm: nasmNames() });
  return intel[dialect];
}

/** Words that the dialect has besides the mnemonics of the manuals and what suffixes make of them. */
export function ownNames(dialect: Dialect): Iterable<string> {
  return names(dialect).keys();
}

/** The forms that a word can stand for; none if it is no mnemonic of the dialect. Conditions of comparisons (`cmpeqps`) count as their instruction. */
export function spelled(word: string, dialect: Dialect): readonly Form[] {
  const lower = word.toLowerCase();
  const own = names(dialect).get(lower) ?? (hasForms(lower) ? same(lower) : []);
  const ended = dialect === "att" ? suffixed(lower) : [];
  const found = new Set<Form>();
  for (const { mnemonic, admits } of [...own, ...ended]) {
    for (const form of formsOf(mnemonic)) {
      if (!admits || admits(form)) {
        found.add(form);
      }
    }
  }
  return [...found];
}

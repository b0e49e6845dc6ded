/**
 * What the oracle covers: every form of `emulator/isa` is reached by some row of the oracle's own tables, or is listed here with the reason why the host cannot be
 * asked. Rows are decoded by the emulator's decoder, so a form that nobody wrote a row for is found.
 */
import { expect, test } from "vitest";
import { Decoder } from "../../emulator/cpu/decode.ts";
import { MODE } from "../../emulator/cpu/layout.ts";
import { families, type Form as EmulatorForm } from "../../emulator/isa/index.ts";
import { FORMS } from "./forms.ts";
import { FLOAT_FORMS } from "./sse-float-forms.ts";
import { VECTOR_FORMS } from "./vector-forms.ts";

const MODE_BITS = [MODE.protected | 1, MODE.protected | MODE.long | MODE.flat | 2];
const PREFIXES = [[], [0x66], [0xf2], [0xf3]];
const MANDATORY = new Set([0x66, 0xf2, 0xf3]);

/** Families that tests with generators of their own run on the host. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  "x87 fwait fxsave fxrstor": "x87.test.ts",
  "xsave xsavec xrstor xsaveopt": "xsave.test.ts",
};
/** Families that user mode can execute, or try to, without a row. */
const NOT_COVERED: Readonly<Record<string, string>> = {
  "syscall sysenter": "they enter the host's kernel",
  "sldt str sgdt sidt smsw": "with UMIP the host's kernel answers instead of its processor",
  "cpuid xgetbv": "they tell which processor it is",
  "rdtsc rdtscp rdpmc": "they tell the time",
  "rdrand rdseed": "they are random",
  "xsaves xrstors": "at CPL 0 only",
};

/** Encodings that stand for one row: each kind of operand, and the prefixes that make other forms of the same opcode. */
function* samples(row: {
  readonly opcode: readonly number[];
  readonly modrm: number;
  readonly opcodeRegister?: boolean;
  readonly options: ReadonlySet<string>;
}): Generator<Uint8Array> {
  const { opcode, modrm, options } = row;
  const digits = modrm < 0 ? [0] : modrm < 8 ? [modrm] : [1];
  for (const prefix of options.has("np") ? [[]] : PREFIXES) {
    const head = MANDATORY.has(opcode[0]!) && opcode.length > 1 ? [] : prefix;
    for (const digit of digits) {
      const memory = options.has("reg") ? [] : [[0x07 | (digit << 3)]];
      const register = options.has("mem") ? [] : [[0xc1 | (digit << 3)]];
      const tails = modrm < 0 ? [[]] : [...memory, ...register];
      for (const tail of tails)
        yield Uint8Array.from([
          ...head,
          ...opcode.slice(0, -1),
          opcode.at(-1)! | (row.opcodeRegister === true ? 1 : 0),
          ...tail,
          ...Array.from({ length: 16 }, () => 0),
        ]);
    }
  }
}

function reached(): Set<EmulatorForm> {
  const decoder = new Decoder();
  const found = new Set<EmulatorForm>();
  const decode = (bytes: Uint8Array): void => {
    for (const mode of MODE_BITS) {
      const result = decoder.decode(bytes, 0, bytes.length, mode);
      if ((result === "handler" || result === "operation" || result === "invalid") && decoder.form !== null)
        found.add(decoder.form);
    }
  };
  for (const row of [...FORMS, ...VECTOR_FORMS]) for (const bytes of samples(row)) decode(bytes);
  for (const { prefix, opcode, digit, options } of FLOAT_FORMS) {
    const row = [...(prefix === null ? [] : [prefix]), ...opcode];
    for (const bytes of samples({
      opcode: row,
      modrm: digit < 0 ? 8 : digit,
      options: new Set([...options, "np"]),
    }))
      decode(bytes);
  }
  return found;
}

const rowOf = (form: EmulatorForm): string => {
  const map = ["", "0f ", "0f 38 ", "0f 3a "][form.map]!;
  const prefix = form.prefix === "" ? "" : `${form.prefix} `;
  const digit =
    form.digit >= 0
      ? ` /${form.digit}`
      : form.exact >= 0
        ? ` ${form.exact.toString(16)}`
        : form.hasModrm
          ? " /r"
          : "";
  return `${prefix}${map}${form.opcode.toString(16).padStart(2, "0")}${digit}`;
};

test("every form has a case, or a reason why not", () => {
  const names = new Set([...Object.keys(ELSEWHERE), ...Object.keys(NOT_COVERED)].flatMap((list) => list.split(" ")));
  const covered = reached();
  const all = families.flatMap((family) => family.forms);
  const missing = all.filter((form) => !covered.has(form) && !names.has(form.family.name));
  console.log(`oracle: ${covered.size} of ${all.length} forms of ${families.length} families have rows; elsewhere: ${JSON.stringify(ELSEWHERE)}; not: ${JSON.stringify(NOT_COVERED)}`);
  expect(missing.map((form) => `${form.family.name}: ${rowOf(form)}`)).toEqual([]);
}); // oxfmt-ignore

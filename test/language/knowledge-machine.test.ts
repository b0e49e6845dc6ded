/**
 * What the machine executes, hovers explain: random bytes that the emulator's decoder takes for an instruction, by the name that a second decoder gives them.
 * The seed is printed.
 */
import { createRequire } from "node:module";
import { expect, test } from "vitest";
import { Decoder } from "../../emulator/cpu/decode.ts";
import { MODE } from "../../emulator/cpu/layout.ts";
import { families } from "../../emulator/isa/index.ts";
import { instruction } from "../../extension/language/server/knowledge/instructions.ts";
import { meaningOf } from "../../extension/language/server/knowledge/meaning.ts";
import { randomNumbers } from "../machine/equality.ts";

const iced = createRequire(import.meta.url)("iced-x86") as typeof import("iced-x86");

const SEED = Number(process.env["SEED"] ?? 20261122);
const COUNT = 60_000;
/** x87 encodings that no manual has, or that do nothing since the 387. */
const UNDOCUMENTED = /^(?:ffreep|fstpnce|fn?disi|fn?eni|fn?setpm|frstpm)$/;
const MODES = {
  16: MODE.protected,
  32: MODE.protected | 1,
  64: MODE.protected | MODE.long | MODE.flat | 2,
} as const;

test(`instructions of the machine are known and explained in each mode (seed ${SEED})`, () => {
  const numbers = randomNumbers(SEED);
  const below = (bound: number): number => Math.floor(numbers.next().value * bound);
  const formatter = new iced.Formatter(iced.FormatterSyntax.Nasm);
  formatter.usePseudoOps = false;
  const decoder = new Decoder();
  const unexplained = new Set<string>();
  const seen = new Set<string>();
  for (let n = 0; n < COUNT; n++) {
    const bits = ([16, 32, 64] as const)[n % 3]!;
    const bytes = Uint8Array.from({ length: 16 }, () => below(256));
    const map = below(3);
    if (map > 0) bytes[0] = 0x0f;
    if (map > 1) bytes[1] = below(2) === 0 ? 0x38 : 0x3a;
    if (below(4) === 0) bytes.copyWithin(1, 0).fill([0x66, 0xf2, 0xf3, 0x48][below(4)]!, 0, 1);
    const result = decoder.decode(bytes, 0, bytes.length, MODES[bits]);
    if (result !== "handler" && result !== "operation") continue;
    const other = new iced.Decoder(bits, bytes, iced.DecoderOptions.None);
    const decoded = other.decode();
    const { code } = decoded;
    const name = formatter.formatMnemonicOptions(decoded, iced.FormatMnemonicOptions.NoPrefixes);
    decoded.free();
    other.free();
    // What is no operation here may have become one on newer processors.
    const isNop = decoder.form!.family.name === "nop";
    if (code === iced.Code.INVALID || isNop || UNDOCUMENTED.test(name)) continue;
    seen.add(decoder.form!.family.name);
    // Of several encodings of one form only the assembler's is known.
    const all = instruction(name, "nasm")?.forms ?? [];
    const own = all.filter((form) => form.code === code);
    const forms = own.length > 0 ? own : all;
    const isThere = forms.some(({ modes }) => modes.includes(bits));
    if (!isThere || meaningOf(forms, name) === undefined)
      unexplained.add(`${name} (${decoder.form!.family.name}, ${bits} bits)`);
  }
  formatter.free();
  expect([...unexplained].toSorted()).toEqual([]);
  // Not an empty success: most families of the machine came by.
  expect(seen.size).toBeGreaterThan(families.length * 0.8);
});

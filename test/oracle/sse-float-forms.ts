/**
 * SSE floating-point instructions as the oracle's generator sees them. Written from the manual and independent of `emulator/isa`, which it tests.
 *
 *     name : encoding ; operands     (several in a line with a bar between them)
 *
 * The first byte of the encoding may be a mandatory prefix (66 f2 f3). Operands, second one's format and count first: `s4` four singles, `s1` one, `d2`, `d1`,
 * `i4` `i2` integers of 32 bits, `g` a general register or memory; `mm` the second operand is MMX or memory; `imm` an immediate byte; `mem` memory only.
 */
export interface FloatForm {
  readonly name: string;
  readonly prefix: number | null;
  readonly opcode: readonly number[];
  /** Digit of ModRM.reg, or -1. */
  readonly digit: number;
  /** What the operands hold: singles, doubles, or integers. */
  readonly format: "s" | "d" | "i" | "g" | "m";
  readonly options: ReadonlySet<string>;
}

const scalarAndPacked = (name: string, opcode: string): string[] => [
  `${name}ps : 0f ${opcode} ; s4`,
  `${name}ss : f3 0f ${opcode} ; s1`,
  `${name}pd : 66 0f ${opcode} ; d2`,
  `${name}sd : f2 0f ${opcode} ; d1`,
];

const others = `cmpps : 0f c2 ; s4 imm | cmpss : f3 0f c2 ; s1 imm | cmppd : 66 0f c2 ; d2 imm | cmpsd : f2 0f c2 ; d1 imm
   rcpps : 0f 53 ; s4 | rcpss : f3 0f 53 ; s1 | rsqrtps : 0f 52 ; s4 | rsqrtss : f3 0f 52 ; s1
   haddpd : 66 0f 7c ; d2 | haddps : f2 0f 7c ; s4 | hsubpd : 66 0f 7d ; d2 | hsubps : f2 0f 7d ; s4
   addsubpd : 66 0f d0 ; d2 | addsubps : f2 0f d0 ; s4 | dpps : 66 0f 3a 40 ; s4 imm | dppd : 66 0f 3a 41 ; d2 imm
   ucomiss : 0f 2e ; s1 | ucomisd : 66 0f 2e ; d1 | comiss : 0f 2f ; s1 | comisd : 66 0f 2f ; d1
   cvtpi2ps : 0f 2a ; i2 mm | cvtpi2pd : 66 0f 2a ; i2 mm | cvtsi2ss : f3 0f 2a ; g | cvtsi2sd : f2 0f 2a ; g
   cvttps2pi : 0f 2c ; s2 | cvttss2si : f3 0f 2c ; s1 | cvttpd2pi : 66 0f 2c ; d2 | cvttsd2si : f2 0f 2c ; d1
   cvtps2pi : 0f 2d ; s2 | cvtss2si : f3 0f 2d ; s1 | cvtpd2pi : 66 0f 2d ; d2 | cvtsd2si : f2 0f 2d ; d1
   cvtps2pd : 0f 5a ; s2 | cvtss2sd : f3 0f 5a ; s1 | cvtpd2ps : 66 0f 5a ; d2 | cvtsd2ss : f2 0f 5a ; d1
   cvtdq2ps : 0f 5b ; i4 | cvttps2dq : f3 0f 5b ; s4 | cvtps2dq : 66 0f 5b ; s4
   cvttpd2dq : 66 0f e6 ; d2 | cvtdq2pd : f3 0f e6 ; i2 | cvtpd2dq : f2 0f e6 ; d2
   roundps : 66 0f 3a 08 ; s4 imm | roundpd : 66 0f 3a 09 ; d2 imm | roundss : 66 0f 3a 0a ; s1 imm | roundsd : 66 0f 3a 0b ; d1 imm
   ldmxcsr : 0f ae /2 ; m mem | stmxcsr : 0f ae /3 ; m mem`;

const rows: readonly string[] = [
  ...scalarAndPacked("sqrt", "51"),
  ...scalarAndPacked("add", "58"),
  ...scalarAndPacked("mul", "59"),
  ...scalarAndPacked("sub", "5c"),
  ...scalarAndPacked("min", "5d"),
  ...scalarAndPacked("div", "5e"),
  ...scalarAndPacked("max", "5f"),
  ...others.split(/[|\n]/),
];

function parse(row: string): FloatForm {
  const [name = "", encoding = "", operands = ""] = row
    .trim()
    .split(/[:;]/)
    .map((part) => part.trim());
  const words = encoding.split(" ");
  const digit = words.at(-1)?.startsWith("/") === true ? Number(words.pop()!.slice(1)) : -1;
  const bytes = words.map((word) => Number.parseInt(word, 16));
  const prefix = bytes[0] === 0x0f ? null : bytes.shift()!;
  const [shape = "", ...options] = operands.split(" ");
  return {
    name,
    prefix,
    opcode: bytes,
    digit,
    format: shape[0] as FloatForm["format"],
    options: new Set(options),
  };
}

export const FLOAT_FORMS = rows.map(parse);

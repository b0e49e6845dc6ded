/**
 * The escape opcodes D8 … DF (SDM 2D, tables) as a map from encodings to operations.
 *
 * Reserved encodings that processors execute as aliases (DC D0+i as FCOM, DF C0+i as FFREEP …) are in the table too; the others raise #UD.
 */

const ARITHMETIC = ["fadd", "fmul", "fcom", "fcomp", "fsub", "fsubr", "fdiv", "fdivr"] as const;
const memoryArithmetic = (format: string): string[] => ARITHMETIC.map((name) => `${name}_${format}`);

/** Memory operand, by opcode - D8h and ModRM.reg. */
const MEMORY: readonly (readonly (string | null)[])[] = [
  memoryArithmetic("m32"),
  ["fld_m32", null, "fst_m32", "fstp_m32", "fldenv", "fldcw", "fnstenv", "fnstcw"],
  memoryArithmetic("i32"),
  ["fild_i32", "fisttp_i32", "fist_i32", "fistp_i32", null, "fld_m80", null, "fstp_m80"],
  memoryArithmetic("m64"),
  ["fld_m64", "fisttp_i64", "fst_m64", "fstp_m64", "frstor", null, "fnsave", "fnstsw_m16"],
  memoryArithmetic("i16"),
  ["fild_i16", "fisttp_i16", "fist_i16", "fistp_i16", "fbld", "fild_i64", "fbstp", "fistp_i64"],
];

/** A row of eight encodings that have names of their own. */
type Row = readonly (string | null)[];
const only = (at: number, name: string): Row => Array.from({ length: 8 }, (_, i) => (i === at ? name : null));

/** Register operand ST(i), by opcode - D8h and ModRM.reg: one operation for all i, or a row by i. */
const REGISTER: readonly (readonly (string | null | Row)[])[] = [
  [
    "fadd_st0_sti",
    "fmul_st0_sti",
    "fcom_sti",
    "fcomp_sti",
    "fsub_st0_sti",
    "fsubr_st0_sti",
    "fdiv_st0_sti",
    "fdivr_st0_sti",
  ],
  [
    "fld_sti",
    "fxch",
    only(0, "fnop"),
    "fstpnce_sti",
    ["fchs", "fabs", null, null, "ftst", "fxam", null, null],
    ["fld1", "fldl2t", "fldl2e", "fldpi", "fldlg2", "fldln2", "fldz", null],
    ["f2xm1", "fyl2x", "fptan", "fpatan", "fxtract", "fprem1", "fdecstp", "fincstp"],
    ["fprem", "fyl2xp1", "fsqrt", "fsincos", "frndint", "fscale", "fsin", "fcos"],
  ],
  ["fcmovb", "fcmove", "fcmovbe", "fcmovu", null, only(1, "fucompp"), null, null],
  [
    "fcmovnb",
    "fcmovne",
    "fcmovnbe",
    "fcmovnu",
    ["fneni", "fndisi", "fnclex", "fninit", "fnsetpm", null, null, null],
    "fucomi",
    "fcomi",
    null,
  ],
  [
    "fadd_sti_st0",
    "fmul_sti_st0",
    "fcom_sti",
    "fcomp_sti",
    "fsubr_sti_st0",
    "fsub_sti_st0",
    "fdivr_sti_st0",
    "fdiv_sti_st0",
  ],
  ["ffree", "fxch", "fst_sti", "fstp_sti", "fucom_sti", "fucomp_sti", null, null],
  [
    "faddp_sti_st0",
    "fmulp_sti_st0",
    "fcomp_sti",
    only(1, "fcompp"),
    "fsubrp_sti_st0",
    "fsubp_sti_st0",
    "fdivrp_sti_st0",
    "fdivp_sti_st0",
  ],
  ["ffreep", "fxch", "fstp_sti", "fstp_sti", only(0, "fnstsw_ax"), "fucomip", "fcomip", null],
];

/** The key in `x87Operations` of an escape opcode (D8h … DFh) with this ModRM byte; null: #UD. */
export function x87Name(opcode: number, modrm: number): string | null {
  const reg = (modrm >>> 3) & 7;
  if (modrm < 0xc0) return MEMORY[opcode - 0xd8]?.[reg] ?? null;
  const entry = REGISTER[opcode - 0xd8]?.[reg] ?? null;
  return typeof entry === "object" && entry !== null ? (entry[modrm & 7] ?? null) : entry;
}

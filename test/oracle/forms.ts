/**
 * The instructions that user mode can execute, as the generator sees them: encodings, what their operands must look like to be interesting, and which
 * flags the manual leaves undefined. Written from the manual and independent of `emulator/isa`, which it tests.
 *
 *     name : encoding ; options
 *
 * Encoding: opcode bytes, `+r` (any register in the last opcode byte), `/r` or `/0` … `/7`, immediates `ib iw iz iv` (v: 2, 4 or 8 bytes), `rel8 relz`,
 * `moffs`, `far` (offset and selector). Options:
 *
 *     i64 o64          not in 64-bit mode, only there             mem reg          ModRM operand in memory only, in a register only
 *     u=cf,of…         flags undefined by the manual              shift rotate double   undefined flags depend on the count (in CL, `ib` or 1)
 *     lock             LOCK is allowed with a memory operand      rep              REP prefixes mean something: rCX is small
 *     si di            rSI, rDI point to data                     push pop         the stack is used; `pop` wants targets or values on it
 *     jump             the register or memory operand is a near target             sel    a selector operand; `load` of a segment register
 *     farmem           memory holds a far pointer                 branch           conditional on flags or rCX
 *     bits             a bit offset in a register reaches outside the operand      np     no mandatory-prefix bytes may be added
 *     f64 d64          operand size is 64 bits (or 16) in 64-bit mode              b      byte operands: no operand-size prefix needed
 *     no16             not with a 16-bit operand size             divide           operands chosen so that some do not fault
 *     vec maskmov lengths   see `vector-forms.ts`
 */
export type Option =
  | "i64" | "o64" | "mem" | "reg" | "shift" | "rotate" | "double" | "lock" | "rep" | "si" | "di" | "push" | "pop" | "jump" | "sel" | "load" | "farmem"
  | "branch" | "bits" | "np" | "f64" | "d64" | "b" | "no16" | "divide" | "bound" | "enter" | "leave" | "iret" | "retf" | "popf" | "xlat" | "pair" | "wide"
  | "vec" | "maskmov" | "lengths"; // oxfmt-ignore

export const FLAGS = { cf: 1, pf: 4, af: 0x10, zf: 0x40, sf: 0x80, of: 0x800 } as const;
export const ALL_FLAGS = 0x8d5;
/** String instructions by their names. */
export const STRING = /^(movs|cmps|stos|lods|scas|ins|outs)$/;

export type Immediate = "ib" | "iw" | "iz" | "iv" | "rel8" | "relz" | "moffs" | "far";

export interface Form {
  readonly name: string;
  readonly opcode: readonly number[];
  readonly opcodeRegister: boolean;
  /** -1 no ModRM, 8 any reg field, else the digit. */
  readonly modrm: number;
  readonly immediates: readonly Immediate[];
  readonly undefinedFlags: number;
  readonly options: ReadonlySet<Option>;
}

const alu = (name: string, n: number, lock: string, undefinedFlags = ""): string[] => {
  const at = (i: number): string => (n * 8 + i).toString(16).padStart(2, "0");
  return [
    `${name} : ${at(0)} /r ; b ${lock} ${undefinedFlags}`,
    `${name} : ${at(1)} /r ; ${lock} ${undefinedFlags}`,
    `${name} : ${at(2)} /r ; b ${undefinedFlags}`,
    `${name} : ${at(3)} /r ; ${undefinedFlags}`,
    `${name} : ${at(4)} ib ; b ${undefinedFlags}`,
    `${name} : ${at(5)} iz ; ${undefinedFlags}`,
    `${name} : 80 /${n} ib ; b ${lock} ${undefinedFlags}`,
    `${name} : 81 /${n} iz ; ${lock} ${undefinedFlags}`,
    `${name} : 82 /${n} ib ; b i64 ${lock} ${undefinedFlags}`,
    `${name} : 83 /${n} ib ; ${lock} ${undefinedFlags}`,
  ];
};

const shift = (name: string, digit: number, kind: "shift" | "rotate"): string[] => [
  `${name} : c0 /${digit} ib ; b ${kind}`,
  `${name} : c1 /${digit} ib ; ${kind}`,
  `${name} : d0 /${digit} ; b ${kind}`,
  `${name} : d1 /${digit} ; ${kind}`,
  `${name} : d2 /${digit} ; b ${kind}`,
  `${name} : d3 /${digit} ; ${kind}`,
];

const CONDITIONS = ["o", "no", "b", "ae", "e", "ne", "be", "a", "s", "ns", "p", "np", "l", "ge", "le", "g"];
const perCondition = (row: (condition: string, hex: string) => string): string[] =>
  CONDITIONS.map((condition, i) => row(condition, i.toString(16)));

const UNDEFINED_MULTIPLY = "u=sf,zf,af,pf";
const UNDEFINED_ALL = "u=cf,of,sf,zf,af,pf";
const UNDEFINED_BIT = "u=of,sf,af,pf";

const rows: string[] = [
  ...alu("add", 0, "lock"),
  ...alu("or", 1, "lock", "u=af"),
  ...alu("adc", 2, "lock"),
  ...alu("sbb", 3, "lock"),
  ...alu("and", 4, "lock", "u=af"),
  ...alu("sub", 5, "lock"),
  ...alu("xor", 6, "lock", "u=af"),
  ...alu("cmp", 7, ""),
  ...[
    "f6 /0 ib ; b",
    "f7 /0 iz ;",
    "f6 /1 ib ; b",
    "f7 /1 iz ;",
    "84 /r ; b",
    "85 /r ;",
    "a8 ib ; b",
    "a9 iz ;",
  ].map((e) => `test : ${e} u=af`),
  ...["40+r ; i64", "fe /0 ; b lock", "ff /0 ; lock"].map((e) => `inc : ${e}`),
  ...["48+r ; i64", "fe /1 ; b lock", "ff /1 ; lock"].map((e) => `dec : ${e}`),
  "not : f6 /2 ; b lock",
  "not : f7 /2 ; lock",
  "neg : f6 /3 ; b lock",
  "neg : f7 /3 ; lock",
  `mul : f6 /4 ; b ${UNDEFINED_MULTIPLY}`,
  `mul : f7 /4 ; ${UNDEFINED_MULTIPLY}`,
  `imul : f6 /5 ; b ${UNDEFINED_MULTIPLY}`,
  `imul : f7 /5 ; ${UNDEFINED_MULTIPLY}`,
  `imul : 0f af /r ; ${UNDEFINED_MULTIPLY}`,
  `imul : 69 /r iz ; ${UNDEFINED_MULTIPLY}`,
  `imul : 6b /r ib ; ${UNDEFINED_MULTIPLY}`,
  ...["div : f6 /6 ; b", "div : f7 /6 ;", "idiv : f6 /7 ; b", "idiv : f7 /7 ;"].map(
    (e) => `${e} divide ${UNDEFINED_ALL}`,
  ),
  ...shift("rol", 0, "rotate"),
  ...shift("ror", 1, "rotate"),
  ...shift("rcl", 2, "rotate"),
  ...shift("rcr", 3, "rotate"),
  ...shift("shl", 4, "shift"),
  ...shift("shr", 5, "shift"),
  ...shift("shl", 6, "shift"),
  ...shift("sar", 7, "shift"),
  "shld : 0f a4 /r ib ; double",
  "shld : 0f a5 /r ; double",
  "shrd : 0f ac /r ib ; double",
  "shrd : 0f ad /r ; double",
  ...["bt", "bts", "btr", "btc"].flatMap((name, i) => [
    `${name} : 0f ${(0xa3 + i * 8).toString(16)} /r ; bits ${name === "bt" ? "" : "lock"} ${UNDEFINED_BIT}`,
    `${name} : 0f ba /${i + 4} ib ; ${name === "bt" ? "" : "lock"} ${UNDEFINED_BIT}`,
  ]),
  "bsf : 0f bc /r ; np u=cf,of,sf,af,pf",
  "bsr : 0f bd /r ; np u=cf,of,sf,af,pf",
  "popcnt : f3 0f b8 /r ; np",
  "crc32 : f2 0f 38 f0 /r ; b",
  "crc32 : f2 0f 38 f1 /r",
  "lzcnt : f3 0f bd /r ; np u=of,sf,pf,af",
  "movbe : 0f 38 f0 /r ; mem np",
  "movbe : 0f 38 f1 /r ; mem np",
  "movbe : 66 0f 38 f0 /r ; mem np",
  "movbe : 66 0f 38 f1 /r ; mem np",
  "adcx : 66 0f 38 f6 /r ; np",
  "adox : f3 0f 38 f6 /r ; np",
  "mov : 88 /r ; b",
  "mov : 89 /r",
  "mov : 8a /r ; b",
  "mov : 8b /r",
  "mov : b0+r ib ; b",
  "mov : b8+r iv",
  "mov : c6 /0 ib ; b",
  "mov : c7 /0 iz",
  "mov : a0 moffs ; b",
  "mov : a1 moffs",
  "mov : a2 moffs ; b",
  "mov : a3 moffs",
  "lea : 8d /r ; mem",
  "movzx : 0f b6 /r",
  "movzx : 0f b7 /r",
  "movsx : 0f be /r",
  "movsx : 0f bf /r",
  "movsxd : 63 /r ; o64",
  "xchg : 86 /r ; b lock",
  "xchg : 87 /r ; lock",
  "xchg : 90+r",
  "xadd : 0f c0 /r ; b lock",
  "xadd : 0f c1 /r ; lock",
  "cmpxchg : 0f b0 /r ; b lock",
  "cmpxchg : 0f b1 /r ; lock",
  "cmpxchg8b : 0f c7 /1 ; mem lock pair np",
  "bswap : 0f c8+r ; no16",
  "nop : 90",
  "pause : f3 90 ; np",
  "nop : 0f 1f /r",
  "nop : 0f 18 /r",
  "nop : 0f 1d /r",
  ...["19", "1a", "1b", "1c", "1e"].map((opcode) => `nop : 0f ${opcode} /r`),
  "prefetchw : 0f 0d /1 ; mem",
  ...perCondition((c, hex) => `cmov${c} : 0f 4${hex} /r`),
  ...perCondition((c, hex) => `set${c} : 0f 9${hex} /r ; b`),
  ...perCondition((c, hex) => `j${c} : 7${hex} rel8 ; branch f64`),
  ...perCondition((c, hex) => `j${c} : 0f 8${hex} relz ; branch f64`),
  "cbw : 98",
  "cwd : 99",
  "xlat : d7 ; b xlat",
  "lahf : 9f ; b",
  "sahf : 9e ; b",
  "clc : f8",
  "stc : f9",
  "cmc : f5",
  "cld : fc",
  "std : fd",
  "salc : d6 ; i64",
  "daa : 27 ; i64 u=of",
  "das : 2f ; i64 u=of",
  "aaa : 37 ; i64 u=of,sf,zf,pf",
  "aas : 3f ; i64 u=of,sf,zf,pf",
  "aam : d4 ib ; i64 u=of,af,cf",
  "aad : d5 ib ; i64 u=of,af,cf",
  "movs : a4 ; b rep si di",
  "movs : a5 ; rep si di",
  "cmps : a6 ; b rep si di",
  "cmps : a7 ; rep si di",
  "stos : aa ; b rep di",
  "stos : ab ; rep di",
  "lods : ac ; b rep si",
  "lods : ad ; rep si",
  "scas : ae ; b rep di",
  "scas : af ; rep di",
  "jmp : eb rel8 ; f64",
  "jmp : e9 relz ; f64",
  "call : e8 relz ; f64 push",
  "call : ff /2 ; f64 push jump",
  "jmp : ff /4 ; f64 jump",
  "ret : c3 ; f64 pop",
  "ret : c2 iw ; f64 pop",
  "loopne : e0 rel8 ; branch f64",
  "loope : e1 rel8 ; branch f64",
  "loop : e2 rel8 ; branch f64",
  "jcxz : e3 rel8 ; branch f64",
  "push : 50+r ; d64 push",
  "push : 68 iz ; d64 push",
  "push : 6a ib ; d64 push",
  "push : ff /6 ; d64 push",
  "pop : 58+r ; d64 pop",
  "pop : 8f /0 ; d64 pop",
  "pusha : 60 ; i64 push wide",
  "popa : 61 ; i64 pop wide",
  "pushf : 9c ; d64 push",
  "popf : 9d ; d64 popf",
  "enter : c8 iw ib ; d64 enter",
  "leave : c9 ; d64 leave",
  "bound : 62 /r ; i64 mem bound",
  "into : ce ; i64",
  "int : cd ib",
  "int3 : cc",
  "int1 : f1",
  "ud2 : 0f 0b",
  "ud1 : 0f b9 /r",
  "ud0 : 0f ff /r",
  "call_far : 9a far ; i64 push",
  "jmp_far : ea far ; i64",
  "call_far : ff /3 ; mem farmem push",
  "jmp_far : ff /5 ; mem farmem",
  "ret_far : cb ; retf",
  "ret_far : ca iw ; retf",
  "iret : cf ; iret",
  "mov_sreg : 8e /r ; sel load",
  "mov_from_sreg : 8c /r",
  ...["06", "0e", "16", "1e"].map((opcode) => `push_sreg : ${opcode} ; i64 push`),
  ...["0f a0", "0f a8"].map((opcode) => `push_sreg : ${opcode} ; d64 push`),
  ...["07", "17", "1f"].map((opcode) => `pop_sreg : ${opcode} ; i64 sel pop load`),
  ...["0f a1", "0f a9"].map((opcode) => `pop_sreg : ${opcode} ; d64 sel pop load`),
  "les : c4 /r ; i64 mem farmem load",
  "lds : c5 /r ; i64 mem farmem load",
  "lss : 0f b2 /r ; mem farmem load",
  "lfs : 0f b4 /r ; mem farmem load",
  "lgs : 0f b5 /r ; mem farmem load",
  "lar : 0f 02 /r ; sel",
  "lsl : 0f 03 /r ; sel",
  "verr : 0f 00 /4 ; sel",
  "verw : 0f 00 /5 ; sel",
  "arpl : 63 /r ; i64 sel",
  "rdfsbase : f3 0f ae /0 ; reg o64 np",
  "rdgsbase : f3 0f ae /1 ; reg o64 np",
  "wrfsbase : f3 0f ae /2 ; reg o64 np",
  "wrgsbase : f3 0f ae /3 ; reg o64 np",
  "lfence : 0f ae /5 ; reg np",
  "mfence : 0f ae /6 ; reg np",
  "sfence : 0f ae /7 ; reg np",
  "clflush : 0f ae /7 ; mem np b",
  // What only the kernel may do: #GP(0) or #UD at CPL 3
  "hlt : f4",
  "cli : fa",
  "sti : fb",
  "in : e4 ib ; b",
  "in : e5 ib",
  "in : ec ; b",
  "in : ed",
  "out : e6 ib ; b",
  "out : e7 ib",
  "out : ee ; b",
  "out : ef",
  "ins : 6c ; b rep di",
  "ins : 6d ; rep di",
  "outs : 6e ; b rep si",
  "outs : 6f ; rep si",
  "lgdt : 0f 01 /2 ; mem",
  "lidt : 0f 01 /3 ; mem",
  "lmsw : 0f 01 /6",
  "invlpg : 0f 01 /7 ; mem",
  "swapgs : 0f 01 f8",
  "lldt : 0f 00 /2",
  "ltr : 0f 00 /3",
  "clts : 0f 06",
  "invd : 0f 08",
  "wbinvd : 0f 09",
  "mov_r_cr : 0f 20 /r ; reg",
  "mov_r_dr : 0f 21 /r ; reg",
  "mov_cr_r : 0f 22 /r ; reg",
  "mov_dr_r : 0f 23 /r ; reg",
  "wrmsr : 0f 30",
  "rdmsr : 0f 32",
  "sysexit : 0f 35",
  "monitor : 0f 01 c8",
  "mwait : 0f 01 c9",
  "clac : 0f 01 ca",
  "stac : 0f 01 cb",
  "rsm : 0f aa",
  "xsetbv : 0f 01 d1",
  "invpcid : 66 0f 38 82 /r ; mem np",
  "sysret : 0f 07",
];

const IMMEDIATE = /^(ib|iw|iz|iv|rel8|relz|moffs|far)$/;

export function parse(row: string): Form {
  const [name = "", rest = ""] = row.split(" : ");
  const [encoding = "", optionText = ""] = rest.split(";");
  const opcode: number[] = [];
  const immediates: Immediate[] = [];
  let modrm = -1;
  let opcodeRegister = false;
  for (const word of encoding.trim().split(/\s+/)) {
    if (word === "/r") modrm = 8;
    else if (word.startsWith("/")) modrm = Number(word[1]);
    else if (IMMEDIATE.test(word)) immediates.push(word as Immediate);
    else {
      opcode.push(Number.parseInt(word, 16));
      opcodeRegister ||= word.endsWith("+r");
    }
  }
  let undefinedFlags = 0;
  const options = new Set<Option>();
  for (const word of optionText.trim().split(/\s+/)) {
    if (word.startsWith("u=")) {
      for (const flag of word.slice(2).split(",")) undefinedFlags |= FLAGS[flag as keyof typeof FLAGS];
    } else if (word !== "") options.add(word as Option);
  }
  return { name, opcode, opcodeRegister, modrm, immediates, undefinedFlags, options };
}

export const FORMS: readonly Form[] = rows.map(parse);

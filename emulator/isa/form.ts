/**
 * One form of an instruction: an encoding and its operands, as a line in the manual's columns; and the family that forms belong to.
 *
 *     "0f b6 /r : r, rm8"       "80 /0 ib : rm8, ib"       "50+r : o64"       "f3 0f b8 /r : r, rm ; …traits"
 *
 * Before the colon: a mandatory prefix (66, f2, f3; `np` = none of them), the opcode map (0f, 0f 38, 0f 3a), the opcode, `+r` (register in
 * the opcode), `/r` or `/digit`. After it the operands, destination first:
 *
 *     rm8 rm16 rm32 rm64 rm      register or memory (rm: operand size)     m  m8 …  m128  memory only
 *     r8 r16 r32 r64 r           register in ModRM.reg                     o8 o           register in the opcode
 *     a8 a c8                    AL, rAX, CL                               one            the constant 1
 *     ib ibs iw iz iv            immediates: 8 bits, 8 sign-extended, 16, 16/32 sign-extended, up to 64
 *     relb relz                  relative branch targets                   moffs8 moffs   memory at an absolute offset
 *     far                        ptr16:16/32 immediate                     sreg           segment register (reg)
 *     si di                      the string instructions' operands         osreg creg     segment register (opcode), control register (reg)
 *     xmm1 mm1                   vector register in ModRM.reg             xmm2 mm2            in ModRM.rm, no memory
 *     xmm2/m128 mm2/m64 …        vector register or so many bits of memory; XMM memory of 128 bits is aligned unless the meaning says not
 *
 * Traits after the semicolon: i64 (invalid in 64-bit mode), o64 (only in 64-bit mode), d64 (operand size defaults to 64 there), f64 (is 64 there),
 * w8 w16 w32 w64 (width fixed), x32 (operand size 32, or 64 with REX.W, whatever 66), lock (LOCK allowed with a memory destination), rep (REP/REPE/REPNE mean something), nomem (ModRM.mod must be 3).
 *
 * A form with a vector operand has an operand size of 32 bits, or 64 with REX.W, whatever 66: it is that of its general registers.
 */
import { assert } from "../assert.ts";
import type { Vocabulary } from "../semantics/vocabulary.ts";

export type Meaning = (v: Vocabulary) => void;
export type Access = "r" | "w" | "rw" | "a";

export interface Family {
  readonly name: string;
  /** null: an operation in TypeScript. */
  readonly meaning: Meaning | null;
  /** What the meaning does with each operand; "a" only uses its address. */
  readonly access: readonly Access[];
  readonly forms: readonly Form[];
  readonly traits: FamilyTraits;
}

export interface FamilyTraits {
  /** Frequent enough to be dispatched inside the interpreter's loop. */
  readonly hot?: boolean;
  /** Changes the flow of control: ends its trace. */
  readonly ends?: boolean;
  /** Uses the stack implicitly. */
  readonly stack?: boolean;
  /** Uses rSI and rDI with the address size. */
  readonly string?: boolean;
  /** Repeats under REP: stands alone in its trace, since every iteration is an instant. */
  readonly repeats?: boolean;
  /** What the meaning leaves with `Vocabulary.escape` is executed by the operation of the same name. */
  readonly escapes?: boolean;
}

export type OperandKind =
  | "rm"
  | "m"
  | "r"
  | "o"
  | "a"
  | "c"
  | "one"
  | "imm"
  | "rel"
  | "moffs"
  | "far"
  | "sreg"
  | "osreg"
  | "creg"
  | "si"
  | "di"
  | VectorKind;

/** Vector operands, in the manual's words: 1 is the register in ModRM.reg, 2 that in ModRM.rm. */
export type VectorKind = "xmm1" | "xmm2" | "xmm2/m" | "mm1" | "mm2" | "mm2/m";

export interface Operand {
  readonly kind: OperandKind;
  /** Bits, or 0 for the operand size. Of a vector that may be in memory, the bits there. */
  readonly size: 0 | 8 | 16 | 32 | 64 | 128;
  /** Immediates: how many bytes are encoded: b, w, z (2 or 4), v (2, 4 or 8); and whether they are sign-extended. */
  readonly encoded: "" | "b" | "w" | "z" | "v";
  readonly signed: boolean;
}

export type Trait =
  | "i64"
  | "o64"
  | "d64"
  | "f64"
  | "w8"
  | "w16"
  | "w32"
  | "w64"
  | "x32"
  | "lock"
  | "rep"
  | "nomem";

export interface Form {
  readonly family: Family;
  readonly prefix: "" | "np" | "66" | "f2" | "f3";
  /** 0: one byte; 1: 0F; 2: 0F 38; 3: 0F 3A */
  readonly map: 0 | 1 | 2 | 3;
  readonly opcode: number;
  /** Low three bits of the opcode are a register. */
  readonly opcodeRegister: boolean;
  readonly hasModrm: boolean;
  /** ModRM.reg of /digit forms, else −1. */
  readonly digit: number;
  /** The whole ModRM byte, for encodings like 0F 01 C1, else −1. */
  readonly exact: number;
  readonly operands: readonly Operand[];
  /** Some operand is a vector. */
  readonly isVector: boolean;
  /** Operand width, whatever the operand size is (w8 …), or 0. */
  readonly width: 0 | 8 | 16 | 32 | 64;
  readonly traits: ReadonlySet<Trait>;
}

const PREFIXES: readonly string[] = ["66", "f2", "f3"];
const OPCODE = /^[0-9a-f]{2}/;
const VECTOR = /^(x?mm[12](?:\/m)?)(8|16|32|64|128)?$/;
const OPERAND =
  /^(rm|moffs|m|r|o|a|c|one|far|sreg|osreg|creg|si|di|relb|relz|ibs|ib|iw|iz|iv)(8|16|32|64|128)?$/;

export function parseForm(family: Family, row: string): Form {
  const [meant = "", traitText = "", ...columns] = row.split(";");
  const [encoding = "", operandText = "", ...more] = meant.split(":");
  assert(columns.length + more.length === 0, "a form has three columns", row);
  const words = wordsOf(encoding);
  let prefix: Form["prefix"] = "";
  if (words[0] === "np" || (PREFIXES.includes(words[0] ?? "") && OPCODE.test(words[1] ?? ""))) {
    prefix = words.shift() as Form["prefix"];
  }
  let map: Form["map"] = 0;
  if (words[0] === "0f") {
    words.shift();
    map = 1;
    const [escape = ""] = words as string[];
    if ((escape === "38" || escape === "3a") && OPCODE.test(words[1] ?? "")) {
      map = words.shift() === "38" ? 2 : 3;
    }
  }
  const opcodeWord = words.shift() ?? "";
  const opcode = Number.parseInt(opcodeWord, 16);
  assert(opcode >= 0 && opcode < 256, "no opcode in form", row);
  let digit = -1;
  let exact = -1;
  let hasModrm = false;
  for (const word of words) {
    if (word === "/r") hasModrm = true;
    else if (/^\/[0-7]$/.test(word)) [digit, hasModrm] = [Number(word[1]), true];
    else if (/^[c-f][0-9a-f]$/.test(word)) [exact, hasModrm] = [Number.parseInt(word, 16), true];
    else assert(false, "unknown word in form", word, row);
  }
  const { operands, isVector } = once(operandLists, operandText, parseOperands);
  const { traits, width } = once(traitSets, traitText, parseTraits);
  return {
    family,
    prefix,
    map,
    opcode,
    opcodeRegister: opcodeWord.endsWith("+r"),
    hasModrm,
    digit,
    exact,
    operands,
    isVector,
    width,
    traits,
  };
}

const wordsOf = (text: string): string[] => text.split(" ").filter((word) => word !== "");

/** Eight hundred forms have few different operands and traits between them. */
const operandLists = new Map<string, Pick<Form, "operands" | "isVector">>();
const traitSets = new Map<string, Pick<Form, "traits" | "width">>();
function once<T>(known: Map<string, T>, text: string, parse: (text: string) => T): T {
  const value = known.get(text) ?? parse(text);
  known.set(text, value);
  return value;
}

function parseOperands(text: string): Pick<Form, "operands" | "isVector"> {
  const operands = text.trim() === "" ? [] : text.split(",").map((operand) => parseOperand(operand.trim()));
  return { operands, isVector: operands.some(({ kind }) => /mm[12]/.test(kind)) };
}

function parseTraits(text: string): Pick<Form, "traits" | "width"> {
  const traits = new Set(wordsOf(text) as Trait[]);
  return { traits, width: ([8, 16, 32, 64] as const).find((width) => traits.has(`w${width}`)) ?? 0 };
}

function parseOperand(text: string): Operand {
  const vector = VECTOR.exec(text);
  if (vector !== null) {
    const bits = Number(vector[2] ?? 0) as Operand["size"];
    assert((bits !== 0) === text.includes("/m"), "vector operand with the wrong size", text);
    return { kind: vector[1] as VectorKind, size: bits, encoded: "", signed: false };
  }
  const match = OPERAND.exec(text);
  assert(match !== null, "unknown operand in form", text);
  const [, name = "", bits] = match;
  const size = Number(bits ?? 0) as Operand["size"];
  const immediate = /^(i|rel)(b|w|z|v)(s?)$/.exec(name);
  if (immediate !== null) {
    const encoded = immediate[2] as Operand["encoded"];
    const relative = immediate[1] === "rel";
    return {
      kind: relative ? "rel" : "imm",
      size,
      encoded,
      signed: relative || immediate[3] === "s" || encoded === "z",
    };
  }
  return { kind: name as OperandKind, size, encoded: "", signed: false };
}

/** Data movement (SDM 2A/2B: BSWAP CMOVcc CMPXCHG CMPXCHG8B CMPXCHG16B LEA MOV MOVBE MOVSX MOVZX XADD XCHG XLAT, CBW/CWDE/CDQE, CWD/CDQ/CQO). */
import { RUN } from "../cpu/layout.ts";
import { FLAG } from "../cpu/registers.ts";
import { i32, i64, lane, type Node } from "../wasm/index.ts";
import type { Condition, Vocabulary, Width } from "../semantics/vocabulary.ts";
import { family } from "./family.ts";

export const CONDITION_NAMES = [
  "o",
  "no",
  "b",
  "ae",
  "e",
  "ne",
  "be",
  "a",
  "s",
  "ns",
  "p",
  "np",
  "l",
  "ge",
  "le",
  "g",
] as const;

const swapBytes = (v: Vocabulary) => {
  const value = v.let(v.read(0));
  if (v.width === 64) {
    const low = v.let(v.low32(value));
    const high = v.let(v.low32(v.shr(value, i64(32n))));
    const joined = v.or(v.shl(v.resize(reverse32(v, low), 64), i64(32n)), v.resize(reverse32(v, high), 64));
    v.write(0, joined);
  } else {
    // BSWAP of a 16-bit register is undefined in the manual; processors give 0.
    v.write(0, v.width === 16 ? v.k(0) : reverse32(v, value));
  }
};

function reverse32(v: Vocabulary, value: ReturnType<Vocabulary["let"]>) {
  const k = (n: number) => v.k(n, 32);
  const odd = v.and(v.arithmetic("rotl", value, k(8)), k(0x00ff00ff));
  const even = v.and(v.arithmetic("rotr", value, k(8)), k(0xff00ff00));
  return v.or(odd, even);
}

const extend = (from: Width, signed: boolean) => (v: Vocabulary) => {
  // MOVSXD with a 16-bit operand size reads no more than it writes.
  const value = v.read(1, v.width < from ? v.width : from);
  if (!signed) return v.write(0, v.resize(value, v.width));
  v.write(0, v.width === 64 ? v.toI64Signed(value, from) : v.sext(value, from));
};

/** CMPXCHG: a destination in memory is always written, with its own value if they differ (SDM 2A), so a read-only page faults either way. */
const compareExchange = (v: Vocabulary) => {
  const destination = v.let(v.read(0));
  const source = v.let(v.read(1));
  const accumulator = v.let(v.register(0, v.width));
  const equal = v.let(v.compare("eq", destination, accumulator));
  if (v.isMemory(0)) v.write(0, v.select(equal, source, destination));
  else v.if(equal, () => v.write(0, source));
  v.if(v.isNot(equal), () => v.setRegister(0, v.width, destination));
  v.flagsSub(accumulator, destination, v.let(v.sub(accumulator, destination)));
};

const [RAX, RCX, RDX, RBX] = [0, 1, 2, 3] as const;

/** The operand is written either way, as the manual has it: with its own value if it is not the one expected. Of the flags only ZF changes. */
function compareExchangePair(v: Vocabulary): void {
  if (v.width === 64) return compareExchange16(v);
  const join = (high: number, low: number) =>
    v.or(v.shl(v.resize(v.register(high, 32), 64), i64(32n)), v.resize(v.register(low, 32), 64));
  const present = v.let(v.read(0, 64));
  const equal = v.let(v.compare("eq", present, join(RDX, RAX)));
  v.write(0, v.select(equal, join(RCX, RBX), present), 64);
  exchanged(v, equal, () => {
    v.setRegister(RAX, 32, v.low32(present));
    v.setRegister(RDX, 32, v.low32(v.shr(present, i64(32n))));
  });
}

function compareExchange16(v: Vocabulary): void {
  v.escape(v.isZero(v.stateWord(RUN.wideExchange)));
  const present = v.let(v.readVector(0));
  const low = v.let(lane("i64x2.extract_lane", present, 0));
  const high = v.let(lane("i64x2.extract_lane", present, 1));
  const same = (half: Node, register: number) => v.compare("eq", half, v.register(register, 64));
  const equal = v.let(v.and(same(low, RAX), same(high, RDX)));
  const lower = lane("i64x2.replace_lane", present, 0, v.register(RBX, 64));
  const replaced = lane("i64x2.replace_lane", lower, 1, v.register(RCX, 64));
  v.writeVector(0, v.select(equal, replaced, present));
  exchanged(v, equal, () => {
    v.setRegister(RAX, 64, low);
    v.setRegister(RDX, 64, high);
  });
}

function exchanged(v: Vocabulary, equal: Node, take: () => void): void {
  v.if(v.isNot(equal), take);
  const others = v.and(v.flagsToImage(), i32(~FLAG.ZF));
  v.flagsImage(v.or(others, v.select(equal, i32(FLAG.ZF), i32(0))));
}

const moveByteSwapped = (v: Vocabulary) => {
  const value = v.let(v.read(1));
  if (v.width === 16) {
    v.write(0, v.or(v.shl(value, v.k(8, 32)), v.shr(v.zext(value, 16), v.k(8, 32))));
  } else if (v.width === 32) {
    v.write(0, reverse32(v, value));
  } else {
    const low = v.let(v.low32(value));
    const high = v.let(v.low32(v.shr(value, i64(32n))));
    v.write(0, v.or(v.shl(v.resize(reverse32(v, low), 64), i64(32n)), v.resize(reverse32(v, high), 64)));
  }
};

export const move = [
  family(
    "mov",
    "w r",
    (v) => v.write(0, v.read(1)),
    [
      "88 /r : rm8, r8",
      "89 /r : rm, r",
      "8a /r : r8, rm8",
      "8b /r : r, rm",
      "b0+r : o8, ib",
      "b8+r : o, iv",
      "c6 /0 : rm8, ib",
      "c7 /0 : rm, iz",
      "a0 : a8, moffs8",
      "a1 : a, moffs",
      "a2 : moffs8, a8",
      "a3 : moffs, a",
    ],
    { hot: true },
  ),
  family("lea", "w a", (v) => v.write(0, v.resize(v.effective(), v.width)), ["8d /r : r, m"], { hot: true }),
  family("movzx8", "w r", extend(8, false), ["0f b6 /r : r, rm8"], { hot: true }),
  family("movzx16", "w r", extend(16, false), ["0f b7 /r : r, rm16"], { hot: true }),
  family("movsx8", "w r", extend(8, true), ["0f be /r : r, rm8"], { hot: true }),
  family("movsx16", "w r", extend(16, true), ["0f bf /r : r, rm16"]),
  family("movsxd", "w r", extend(32, true), ["63 /r : r, rm32 ; o64"], { hot: true }),
  // With XCHG both sides are destinations; the memory side is locked by itself.
  family(
    "xchg",
    "rw rw",
    (v) => {
      const a = v.let(v.read(0));
      const b = v.let(v.read(1));
      v.write(0, b);
      v.write(1, a);
    },
    ["86 /r : rm8, r8 ; lock", "87 /r : rm, r ; lock", "90+r : o, a"],
  ),
  family(
    "nop",
    "",
    () => {},
    [
      "90",
      "0f 1f /r : rm",
      "0f 0d /r : rm",
      "0f 18 /r : rm",
      "0f 19 /r : rm",
      "0f 1a /r : rm",
      "0f 1b /r : rm",
      "0f 1c /r : rm",
      "0f 1d /r : rm",
      "0f 1e /r : rm",
    ],
    { hot: true },
  ),
  family(
    "xadd",
    "rw rw",
    (v) => {
      const a = v.let(v.read(0));
      const b = v.let(v.read(1));
      const r = v.let(v.add(a, b));
      // Register form with both operands the same register: the sum is what stays, so it is written last.
      if (!v.isMemory(0)) v.write(1, a);
      v.write(0, r);
      if (v.isMemory(0)) v.write(1, a);
      v.flagsAdd(a, b, r);
    },
    ["0f c0 /r : rm8, r8 ; lock", "0f c1 /r : rm, r ; lock"],
  ),
  family("cmpxchg", "rw r", compareExchange, ["0f b0 /r : rm8, r8 ; lock", "0f b1 /r : rm, r ; lock"]),
  family("cmpxchg8b", "rw", compareExchangePair, ["0f c7 /1 : m ; lock"], { escapes: true }),
  family("bswap", "rw", swapBytes, ["0f c8+r : o"]),
  family("movbe", "w r", moveByteSwapped, [
    "np 0f 38 f0 /r : r, m",
    "np 0f 38 f1 /r : m, r",
    "66 0f 38 f0 /r : r, m",
    "66 0f 38 f1 /r : m, r",
  ]),
  ...CONDITION_NAMES.map((name, code) =>
    // The source is read, and can fault, even if the condition is false; a 32-bit destination is then still zero-extended.
    family(
      `cmov${name}`,
      "rw r",
      (v) => {
        const source = v.let(v.read(1));
        v.write(0, v.select(v.condition(code as Condition), source, v.read(0)));
      },
      [`0f ${(0x40 + code).toString(16)} /r : r, rm`],
    ),
  ),
  ...CONDITION_NAMES.map((name, code) =>
    family(`set${name}`, "w", (v) => v.write(0, v.condition(code as Condition)), [
      `0f ${(0x90 + code).toString(16)} /r : rm8`,
    ]),
  ),
  // CBW, CWDE, CDQE: the lower half of rAX, sign-extended.
  family(
    "cbw",
    "",
    (v) => {
      const half = (v.width / 2) as Width;
      const value = v.register(0, half);
      v.setRegister(0, v.width, v.width === 64 ? v.toI64Signed(value, half) : v.sext(value, half));
    },
    ["98"],
  ),
  // CWD, CDQ, CQO: rDX becomes the sign of rAX.
  family(
    "cwd",
    "",
    (v) => {
      const value = v.sext(v.register(0, v.width));
      v.setRegister(2, v.width, v.sar(value, v.k(v.width === 64 ? 63 : 31, v.width)));
    },
    ["99"],
  ),
  family(
    "xlat",
    "",
    (v) => {
      const size = v.addressWidth;
      const base = v.resize(v.register(3, size), 64);
      const sum = v.add(base, v.resize(v.register(0, 8), 64));
      v.setRegister(0, 8, v.load(size === 64 ? sum : v.let(v.zext(sum, size)), 8));
    },
    ["d7 ; w8"],
    { string: true },
  ),
];

/** Addition, subtraction, logic and comparison (SDM 2A/2B: ADC ADD AND CMP DEC INC NEG NOT OR SBB SUB TEST XOR). */
import type { Node } from "../wasm/index.ts";
import type { Vocabulary } from "../semantics/vocabulary.ts";
import { family, type Meaning } from "./family.ts";

/** The nine encodings that ADD, OR, ADC, SBB, AND, SUB, XOR and CMP share; `n` is the row of the opcode table. */
const block = (n: number, lock = "lock"): string[] => {
  const at = (offset: number) => (n * 8 + offset).toString(16).padStart(2, "0");
  return [
    `${at(0)} /r : rm8, r8 ; ${lock}`,
    `${at(1)} /r : rm, r ; ${lock}`,
    `${at(2)} /r : r8, rm8`,
    `${at(3)} /r : r, rm`,
    `${at(4)} : a8, ib`,
    `${at(5)} : a, iz`,
    `80 /${n} : rm8, ib ; ${lock}`,
    `81 /${n} : rm, iz ; ${lock}`,
    `82 /${n} : rm8, ib ; i64 ${lock}`,
    `83 /${n} : rm, ibs ; ${lock}`,
  ].map((row) => row.replace(/ ; $/, ""));
};

const binary =
  (
    compute: (v: Vocabulary, a: Node, b: Node) => Node,
    flags: (v: Vocabulary, a: Node, b: Node, r: Node) => void,
  ): Meaning =>
  (v) => {
    const a = v.let(v.read(0));
    const b = v.let(v.read(1));
    const r = v.let(compute(v, a, b));
    v.write(0, r);
    flags(v, a, b, r);
  };

const logic = (compute: (v: Vocabulary, a: Node, b: Node) => Node): Meaning =>
  binary(compute, (v, _a, _b, r) => v.flagsLogic(r));

/** The carry enters as a third addend; the carry vector is taken over all three, so that 0x7f + 0x00 + CF keeps its overflow. */
const withCarry =
  (compute: "add" | "sub"): Meaning =>
  (v) => {
    const a = v.let(v.read(0));
    const b = v.let(v.read(1));
    const carry = v.resize(v.cf(), v.width);
    const r = v.let(compute === "add" ? v.add(v.add(a, b), carry) : v.sub(v.sub(a, b), carry));
    v.write(0, r);
    if (compute === "add") v.flagsAdd(a, b, r);
    else v.flagsSub(a, b, r);
  };

const compare: Meaning = (v) => {
  const a = v.let(v.read(0));
  const b = v.let(v.read(1));
  v.flagsSub(a, b, v.let(v.sub(a, b)));
};

const step =
  (direction: "inc" | "dec"): Meaning =>
  (v) => {
    const a = v.let(v.read(0));
    const r = v.let(direction === "inc" ? v.add(a, v.k(1)) : v.sub(a, v.k(1)));
    v.write(0, r);
    v.flagsStep(a, r, direction);
  };

export const alu = [
  family(
    "add",
    "rw r",
    binary(
      (v, a, b) => v.add(a, b),
      (v, a, b, r) => v.flagsAdd(a, b, r),
    ),
    block(0),
    { hot: true },
  ),
  family(
    "or",
    "rw r",
    logic((v, a, b) => v.or(a, b)),
    block(1),
    { hot: true },
  ),
  family("adc", "rw r", withCarry("add"), block(2)),
  family("sbb", "rw r", withCarry("sub"), block(3)),
  family(
    "and",
    "rw r",
    logic((v, a, b) => v.and(a, b)),
    block(4),
    { hot: true },
  ),
  family(
    "sub",
    "rw r",
    binary(
      (v, a, b) => v.sub(a, b),
      (v, a, b, r) => v.flagsSub(a, b, r),
    ),
    block(5),
    { hot: true },
  ),
  family(
    "xor",
    "rw r",
    logic((v, a, b) => v.xor(a, b)),
    block(6),
    { hot: true },
  ),
  family("cmp", "r r", compare, block(7, ""), { hot: true }),
  family(
    "test",
    "r r",
    (v) => v.flagsLogic(v.let(v.and(v.read(0), v.read(1)))),
    [
      "84 /r : rm8, r8",
      "85 /r : rm, r",
      "a8 : a8, ib",
      "a9 : a, iz",
      "f6 /0 : rm8, ib",
      "f7 /0 : rm, iz",
      "f6 /1 : rm8, ib",
      "f7 /1 : rm, iz",
    ],
    { hot: true },
  ),
  family("inc", "rw", step("inc"), ["40+r : o ; i64", "fe /0 : rm8 ; lock", "ff /0 : rm ; lock"], {
    hot: true,
  }),
  family("dec", "rw", step("dec"), ["48+r : o ; i64", "fe /1 : rm8 ; lock", "ff /1 : rm ; lock"], {
    hot: true,
  }),
  family("not", "rw", (v) => v.write(0, v.not(v.let(v.read(0)))), [
    "f6 /2 : rm8 ; lock",
    "f7 /2 : rm ; lock",
  ]),
  family(
    "neg",
    "rw",
    (v) => {
      const a = v.let(v.read(0));
      const r = v.let(v.neg(a));
      v.write(0, r);
      v.flagsSub(v.k(0), a, r);
    },
    ["f6 /3 : rm8 ; lock", "f7 /3 : rm ; lock"],
  ),
];

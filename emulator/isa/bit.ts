/** Bit tests, scans and counts (SDM 2A: BSF BSR BT BTC BTR BTS; 2B: LZCNT POPCNT; ADCX ADOX). */
import { i32, i64, type Node } from "../wasm/index.ts";
import type { Vocabulary } from "../semantics/vocabulary.ts";
import { family, type Meaning } from "./family.ts";

type Change = ((v: Vocabulary, value: Node, mask: Node) => Node) | null;

const changes: Record<string, Change> = {
  bt: null,
  bts: (v, value, mask) => v.or(value, mask),
  btr: (v, value, mask) => v.and(value, v.not(mask)),
  btc: (v, value, mask) => v.xor(value, mask),
};

/** The bit at `index` goes to CF, then the value is changed. ZF stays; the other four are undefined and stay. */
function testBit(
  v: Vocabulary,
  value: Node,
  index: Node,
  change: Change,
  write: (value: Node) => void,
): void {
  const bit = v.let(v.bit(value, index));
  if (change !== null) write(change(v, value, v.shl(v.k(1), index)));
  v.flagsCarry(bit);
}

/** The index of a register form, or of an immediate, is taken modulo the width. */
const withinOperand =
  (change: Change): Meaning =>
  (v) => {
    const value = v.let(v.read(0));
    const index = v.let(v.and(v.read(1), v.k(v.width - 1)));
    testBit(v, value, index, change, (r) => v.write(0, r));
  };

/** A bit string in memory: a register index is signed and reaches outside the operand. */
const withinString =
  (change: Change): Meaning =>
  (v) => {
    if (!v.isMemory(0)) return withinOperand(change)(v);
    const signed = v.let(v.toI64Signed(v.read(1)));
    const index = v.let(v.resize(v.and(signed, i64(BigInt(v.width - 1))), v.width));
    const units = v.sar(signed, i64(BigInt(Math.log2(v.width))));
    const moved = v.add(v.effective(), v.mul(units, i64(BigInt(v.width / 8))));
    const offset = v.let(v.addressWidth === 64 ? moved : v.zext(moved, v.addressWidth));
    if (change === null) return testBit(v, v.let(v.load(offset, v.width)), index, change, () => {});
    const place = v.probe(offset, v.width, "modify");
    testBit(v, v.let(v.loadFrom(place)), index, change, (r) => v.storeTo(place, r));
  };

/** BSF and BSR leave the destination alone if the source is 0, and set only ZF by the manual; processors set the rest from the source. */
const scan =
  (direction: "forward" | "reverse"): Meaning =>
  (v) => {
    const source = v.let(v.read(1));
    v.if(
      v.isZero(source),
      () => {},
      () => {
        const index =
          direction === "forward"
            ? v.count("ctz", source)
            : v.sub(v.k(v.width === 64 ? 63 : 31), v.count("clz", source));
        v.write(0, index);
      },
    );
    v.flagsLogic(source);
  };

/** LZCNT: the width if the source is 0; CF then, ZF if the result is 0. */
const countLeadingZeros: Meaning = (v) => {
  const source = v.let(v.read(1));
  const r = v.let(v.sub(v.count("clz", source), v.k(v.width < 32 ? 32 - v.width : 0)));
  v.write(0, r);
  v.flagsResult(r, v.isZero(source), i32(0));
};

const addFlag =
  (flag: "cf" | "of"): Meaning =>
  (v) => {
    const a = v.let(v.read(0));
    const b = v.let(v.read(1));
    const carry = v.resize(flag === "cf" ? v.cf() : v.of(), v.width);
    const r = v.let(v.add(v.add(a, b), carry));
    const vector = v.or(v.and(a, b), v.and(v.or(a, b), v.not(r)));
    const out = v.let(v.signBit(vector));
    v.write(0, r);
    if (flag === "cf") v.flagsCarry(out);
    else v.flagsCarryOverflow(v.let(v.cf()), out);
  };

/** CRC32: the reflected polynomial 11EDC6F41h over the source's bits, lowest first; the upper half of a 64-bit destination becomes 0. */
const crc32 =
  (bits?: 8): Meaning =>
  (v) => {
    const width = bits ?? v.width;
    const source = v.let(v.zext(v.read(1, width), width));
    const low = v.xor(v.read(0, 32), v.low32(source));
    let crc = v.let(low);
    for (let i = 0; i < width; i++) {
      if (i === 32) crc = v.let(v.xor(crc, v.low32(v.shr(source, i64(32n)))));
      const odd = v.neg(v.and(crc, i32(1)));
      crc = v.let(v.xor(v.shr(crc, i32(1)), v.and(odd, i32(0x82f63b78))));
    }
    v.write(0, crc, 32);
  };

const test = (name: string, opcode: string, digit: number) => [
  family(name, name === "bt" ? "r r" : "rw r", withinString(changes[name] ?? null), [
    `0f ${opcode} /r : rm, r${name === "bt" ? "" : " ; lock"}`,
  ]),
  family(`${name}_imm`, name === "bt" ? "r r" : "rw r", withinOperand(changes[name] ?? null), [
    `0f ba /${digit} : rm, ib${name === "bt" ? "" : " ; lock"}`,
  ]),
];

export const bits = [
  ...test("bt", "a3", 4),
  ...test("bts", "ab", 5),
  ...test("btr", "b3", 6),
  ...test("btc", "bb", 7),
  family("bsf", "rw r", scan("forward"), ["0f bc /r : r, rm"]),
  family("bsr", "rw r", scan("reverse"), ["0f bd /r : r, rm"]),
  family(
    "popcnt",
    "w r",
    (v) => {
      const source = v.let(v.read(1));
      v.write(0, v.count("popcnt", source));
      // All six flags are 0 but ZF, which says whether the source was 0.
      v.flagsImage(v.shl(v.isZero(source), i32(6)));
    },
    ["f3 0f b8 /r : r, rm"],
  ),
  family("lzcnt", "w r", countLeadingZeros, ["f3 0f bd /r : r, rm"]),
  // F3 0F BC is TZCNT only on processors with BMI1, which ours does not advertise: it is BSF, as the manual has it for the others.
  family("crc32_8", "rw r", crc32(8), ["f2 0f 38 f0 /r : r32, rm8"]),
  family("crc32", "rw r", crc32(), ["f2 0f 38 f1 /r : r, rm"]),
  family("adcx", "rw r", addFlag("cf"), ["66 0f 38 f6 /r : r, rm ; x32"]),
  family("adox", "rw r", addFlag("of"), ["f3 0f 38 f6 /r : r, rm ; x32"]),
];

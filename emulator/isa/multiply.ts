/** Multiplication and division (SDM 2A: DIV IDIV IMUL MUL). WebAssembly has no 128-bit product: 64-bit ones are put together from halves. */
import { i32, i64, type Node } from "../wasm/index.ts";
import type { Vocabulary, Width } from "../semantics/vocabulary.ts";
import { VECTOR } from "../cpu/event.ts";
import { family, type Meaning } from "./family.ts";

/** Writes a product of twice the width: AX, or rDX:rAX. */
function writeWide(v: Vocabulary, low: Node, high: Node): void {
  if (v.width === 8) return v.setRegister(0, 16, low);
  v.setRegister(0, v.width, low);
  v.setRegister(2, v.width, high);
}

const multiply =
  (signed: boolean): Meaning =>
  (v) => {
    const w = v.width;
    if (w === 64) {
      const a = v.let(v.register(0, 64));
      const b = v.let(v.read(0));
      const low = v.let(v.mul(a, b));
      const high = v.let(v.highProduct(a, b, signed));
      writeWide(v, low, high);
      const over = v.let(v.compare("ne", high, signed ? v.sar(low, i64(63n)) : i64(0n)));
      return v.flagsResult(low, over, over);
    }
    const extend = (x: Node) => (signed ? v.toI64Signed(x) : v.resize(x, 64));
    const product = v.let(v.mul(extend(v.register(0, w)), extend(v.read(0))));
    const narrow = v.let(v.resize(product, 32));
    const low = w === 8 ? narrow : v.let(v.resize(v.zext(product, w), w));
    writeWide(v, low, v.resize(v.shr(product, i64(BigInt(w))), w));
    const back = signed ? v.sext(product, w) : v.zext(product, w);
    const over = v.let(v.compare("ne", product, back));
    v.flagsResult(narrow, over, over);
  };

/** IMUL with two or three operands: the product is cut to the width, CF and OF say whether that lost anything. */
const multiplyInto =
  (first: number, second: number): Meaning =>
  (v) => {
    const a = v.let(v.read(first));
    const b = v.let(v.read(second));
    const low = v.let(v.mul(a, b));
    v.write(0, low);
    v.flagsProduct(a, b, low);
  };

/** DIV and IDIV. #DE if the divisor is 0 or the quotient does not fit. All flags are undefined; they stay. */
const divide =
  (signed: boolean): Meaning =>
  (v) => {
    const w = v.width;
    const raw = v.let(v.read(0));
    v.if(v.isZero(raw), () => v.trap(VECTOR.DE, -1));
    if (w === 64) return divide128(v, signed, raw);
    const divisor = v.let(signed ? v.toI64Signed(raw) : v.resize(raw, 64));
    const dividend = v.let(joinDividend(v, signed, w));
    if (signed && w === 32) {
      // The one signed case whose quotient does not even fit 64 bits, where WebAssembly would trap.
      const overflow = v.and(
        v.compare("eq", dividend, i64(-0x8000000000000000n)),
        v.compare("eq", divisor, i64(-1n)),
      );
      v.if(overflow, () => v.trap(VECTOR.DE, -1));
    }
    const quotient = v.let(v.arithmetic(signed ? "div_s" : "div_u", dividend, divisor));
    const remainder = v.let(v.arithmetic(signed ? "rem_s" : "rem_u", dividend, divisor));
    v.if(v.compare("ne", quotient, signed ? v.sext(quotient, w) : v.zext(quotient, w)), () =>
      v.trap(VECTOR.DE, -1),
    );
    if (w === 8) {
      v.setRegister(0, 8, v.resize(quotient, 32));
      v.setRegister(4, 8, v.resize(remainder, 32));
    } else {
      v.setRegister(0, w, v.resize(quotient, w));
      v.setRegister(2, w, v.resize(remainder, w));
    }
  };

/** AX, DX:AX or EDX:EAX as an i64. */
function joinDividend(v: Vocabulary, signed: boolean, w: Width): Node {
  if (w === 8) return signed ? v.toI64Signed(v.register(0, 16), 16) : v.resize(v.register(0, 16), 64);
  const low = v.resize(v.register(0, w), 64);
  const high = signed ? v.toI64Signed(v.register(2, w), w) : v.resize(v.register(2, w), 64);
  return v.or(v.shl(high, i64(BigInt(w))), low);
}

/** 128 by 64 bits: by one division if the high half is only an extension of the low one, else bit by bit in `divide128`. */
function divide128(v: Vocabulary, signed: boolean, divisor: Node): void {
  const low = v.let(v.register(0, 64));
  const high = v.let(v.register(2, 64));
  const simple = signed
    ? v.and(
        v.compare("eq", high, v.sar(low, i64(63n))),
        v.isNot(v.and(v.compare("eq", low, i64(-0x8000000000000000n)), v.compare("eq", divisor, i64(-1n)))),
      )
    : v.isZero(high);
  v.if(
    simple,
    () => {
      v.setRegister(0, 64, v.arithmetic(signed ? "div_s" : "div_u", low, divisor));
      v.setRegister(2, 64, v.arithmetic(signed ? "rem_s" : "rem_u", low, divisor));
    },
    () => {
      const fits = v.call("divide128", "i32", divisor, i32(signed ? 1 : 0));
      v.if(v.isZero(fits), () => v.trap(VECTOR.DE, -1));
    },
  );
}

export const multiplication = [
  family("mul", "r", multiply(false), ["f6 /4 : rm8", "f7 /4 : rm"]),
  family("imul", "r", multiply(true), ["f6 /5 : rm8", "f7 /5 : rm"]),
  family("imul2", "rw r", multiplyInto(0, 1), ["0f af /r : r, rm"], { hot: true }),
  family("imul3", "w r r", multiplyInto(1, 2), ["69 /r : r, rm, iz", "6b /r : r, rm, ibs"]),
  family("div", "r", divide(false), ["f6 /6 : rm8", "f7 /6 : rm"]),
  family("idiv", "r", divide(true), ["f6 /7 : rm8", "f7 /7 : rm"]),
];

/**
 * The words in which the meaning of an instruction is written down, once, for every engine: `read` and `write` of operands, arithmetic at an
 * operand width, memory, flags, branches and traps. What they emit is WebAssembly; where operands and registers live is decided by the
 * engine that implements the abstract members.
 *
 * Values: widths 8, 16 and 32 are i32, width 64 is i64. A value read is zero-extended in its type. A value computed may carry rubbish above its
 * width; `write`, `store`, the flag words and comparisons made with `zext`/`sext` take care of it.
 *
 * Order: everything that may fault (reads, `effective` accesses, the probe of a destination) comes before the first effect of an instruction,
 * so that a fault leaves no trace. `read` of a memory destination that is also written probes it for writing.
 */
import {
  FunctionBuilder,
  call,
  i32,
  i64,
  load,
  op,
  store,
  when,
  type LoadName,
  type Local,
  type Node,
  type ScalarType,
  type StoreName,
  type ValueType,
} from "../wasm/index.ts";

export type Width = 8 | 16 | 32 | 64;

/** How much of a vector is in memory; "unaligned" is 128 bits anywhere. */
export type VectorBits = 32 | 64 | 128 | "unaligned";

/** Condition codes as instructions encode them (SDM 1 appendix B). */
export type Condition = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 | 11 | 12 | 13 | 14 | 15;

/** How `width` bits are loaded, zero-extended. */
export const LOAD: Record<Width, LoadName> = {
  8: "i32.load8_u",
  16: "i32.load16_u",
  32: "i32.load",
  64: "i64.load",
};
/** How the low `width` bits of a value are stored. */
export function storeName(value: Node, width: Width): StoreName {
  if (value.type !== "i64") return width === 8 ? "i32.store8" : width === 16 ? "i32.store16" : "i32.store";
  return width === 64 ? "i64.store" : `i64.store${width}`;
}

export const typeOf = (width: Width): ScalarType => (width === 64 ? "i64" : "i32");
const widthOf = (node: Node): 32 | 64 => (node.type === "i64" ? 64 : 32);
const MASK: Record<Width, bigint> = { 8: 0xffn, 16: 0xffffn, 32: 0xffffffffn, 64: 0xffffffffffffffffn };

type Arithmetic =
  | "add"
  | "sub"
  | "mul"
  | "and"
  | "or"
  | "xor"
  | "shl"
  | "shr_s"
  | "shr_u"
  | "rotl"
  | "rotr"
  | "div_u"
  | "div_s"
  | "rem_u"
  | "rem_s";
type Comparison = "eq" | "ne" | "lt_s" | "lt_u" | "gt_s" | "gt_u" | "le_s" | "le_u" | "ge_s" | "ge_u";

/** String instructions as `Vocabulary.bulk` knows them, and their operands: offsets (i64) of those in memory, rAX as an i64; null what an instruction does not have. */
export type BulkKind = "movs" | "stos" | "lods" | "scas" | "cmps";
export interface BulkOperands {
  readonly source: Node | null;
  readonly destination: Node | null;
  readonly value: Node | null;
}

/** A memory destination after `probe`: where its bytes are, until `commit`. */
export interface Place {
  readonly host: Local;
  readonly width: Width;
}

export abstract class Vocabulary {
  readonly f: FunctionBuilder;
  /** Operand width of the instruction being described. */
  readonly width: Width;

  constructor(f: FunctionBuilder, width: Width) {
    this.f = f;
    this.width = width;
  }

  // --- operands and registers: the engine's part ---------------------------------------------------------------------------------------

  /** Value of operand `index`, zero-extended from `width`. */
  abstract read(index: number, width?: Width): Node;
  /** Sets operand `index`. A 32-bit register clears its upper half; 8 and 16 bits leave the rest alone. */
  abstract write(index: number, value: Node, width?: Width): void;
  /** A register by number in encoding order, as the low `width` bits. */
  abstract register(number: number, width: Width): Node;
  abstract setRegister(number: number, width: Width, value: Node): void;
  abstract isMemory(index: number): boolean;
  /** The immediate operand, sign-extended to the type of `width`. */
  abstract immediate(width?: Width): Node;
  /** Offset in its segment of the memory operand, as an i64 (masked to the address size). */
  abstract effective(): Node;
  /** Offset of the next instruction, as an i64, not masked. */
  abstract nextRip(): Node;
  /**
   * If the condition holds, the operation of the family's name is executed in TypeScript instead, as if nothing of the meaning had been; for families with
   * the trait `escapes`. Before the first effect.
   */
  abstract escape(condition: Node): void;
  /** A word of the CPU's state or of the run block, by its offset in `cpu/layout.ts`; not for registers, rip and the flag words. */
  stateWord(offset: number): Node {
    return load("i32.load", i32(0), offset);
  }
  setStateWord(offset: number, value: Node): void {
    this.f.emit(store("i32.store", i32(0), offset, value));
  }
  stateQuad(offset: number): Node {
    return load("i64.load", i32(0), offset);
  }
  setStateQuad(offset: number, value: Node): void {
    this.f.emit(store("i64.store", i32(0), offset, value));
  }
  /** Instants of the budget under way that are not over, this instruction's included (i32). */
  abstract instantsLeft(): Node;
  /** 1 if the next instruction has been charged for together with this one: it is executed before anybody looks for interrupts or ends the run (i32). */
  abstract isFollowed(): Node;

  // --- memory -----------------------------------------------------------------------------------------------------------------------------

  /** Loads from an offset in the memory operand's segment, zero-extended. Faults end the instruction. */
  abstract load(offset: Node, width: Width): Node;
  abstract store(offset: Node, width: Width, value: Node): void;
  /** Makes sure that a later `storeTo` cannot fault; `modify` also makes the present bytes readable there. */
  abstract probe(offset: Node, width: Width, access: "write" | "modify"): Place;
  abstract loadFrom(place: Place): Node;
  abstract storeTo(place: Place, value: Node): void;
  /** The string instructions' operands: DS:rSI (segment override honoured) and ES:rDI. Both take and give i64 offsets of the address size. */
  abstract loadSource(offset: Node, width: Width): Node;
  abstract loadDestination(offset: Node, width: Width): Node;
  abstract storeDestination(offset: Node, width: Width, value: Node): void;
  abstract readonly addressWidth: 16 | 32 | 64;

  /** Pushes with the current stack-pointer size; rSP changes only after the store, and `check` behind it, have succeeded. */
  abstract push(value: Node, width: Width, check?: () => void): void;
  /** Reads the top of the stack without changing rSP, `depth` bytes above it. */
  abstract top(width: Width, depth?: number): Node;
  /** Moves rSP by a number of bytes, in the stack-pointer size. */
  abstract release(bytes: Node): void;

  // --- control ----------------------------------------------------------------------------------------------------------------------------

  /** Continues at `rip` (i64, masked to `width` here) and ends the instruction. Checks the code segment's limit or canonicality. */
  abstract jump(rip: Node, width: Width): void;
  /** Where `branch` goes: the next instruction plus the immediate, masked to `width`, as an i64. */
  abstract relativeTarget(): Node;
  /** Jumps relative to the next instruction if the condition holds, and goes on with the next otherwise. */
  abstract branch(condition: Node): void;
  /** Raises a fault; nothing after it is executed. `errorCode` −1 for vectors that have none. */
  abstract trap(vector: number, errorCode: number): void;
  /** Faults with #GP(0) if a near transfer may not go to `target`: beyond the segment's limit, or not canonical. Before any effect. */
  abstract checkTarget(target: Node): void;
  /** POP to memory: rSP is moved before the destination's address is formed from it, and moved back if the store faults. */
  abstract popInto(value: Node): void;
  /** LEAVE: rSP becomes rBP, then rBP is popped. */
  abstract leaveFrame(): void;
  /**
   * Does iterations of REP at once, `limit` (i32) at most, and says how many (i32): none that faults, leaves a page or is seen by anyone, so 0 is always right.
   * Of CMPS and SCAS, those whose elements are equal (or `unequal`). Behind those and LODS, which loads nothing, one more iteration cannot fault.
   */
  abstract bulk(kind: BulkKind, operands: BulkOperands, unequal: boolean, limit: Node): Node;
  /** Takes instants (i32) out of the budget beside the one of this instruction: iterations done at once. */
  abstract spend(instants: Node): void;
  /** Runs the same instruction again (REP): a new instant begins. */
  abstract repeat(): void;

  // --- vectors ----------------------------------------------------------------------------------------------------------------------------
  // A vector is a v128. An MMX register is the lower half of one whose upper half reads as 0 and is not written. That the unit may be used
  // has been checked before a meaning with vector operands begins, and what MMX does to the x87 state comes after it.

  /** Bits of the vector registers among the operands: 64 if one is an MMX register. */
  abstract readonly vectorBits: 64 | 128;
  /** A vector operand: a register, or `bits` of memory, zero-extended. 128 bits of memory must be aligned, or the instruction faults. */
  abstract readVector(index: number, bits?: VectorBits): Node;
  /** Sets a vector register, or the low `bits` of a vector to memory. */
  abstract writeVector(index: number, value: Node, bits?: VectorBits): void;
  /** An XMM register that is an operand without being encoded. */
  abstract xmm(number: number): Node;
  /** EMMS. Checks that the unit may be used, too. */
  abstract emptyMmx(): void;

  // --- flag words -------------------------------------------------------------------------------------------------------------------------

  abstract flagResult(): Node;
  abstract flagAux(): Node;
  abstract setFlagWords(result: Node | null, aux: Node): void;
  /** RFLAGS without the six arithmetic flags. */
  abstract systemFlags(): Node;
  abstract setSystemFlags(value: Node): void;

  // --- values -----------------------------------------------------------------------------------------------------------------------------

  let(value: Node): Node {
    return this.f.let(value);
  }
  /** A constant in the type of `width`. */
  k(value: number | bigint, width: Width = this.width): Node {
    return width === 64 ? i64(BigInt(value)) : i32(Number(BigInt.asIntN(32, BigInt(value))));
  }
  #op(name: Arithmetic, a: Node, b: Node): Node {
    return op(`${a.type as ScalarType}.${name}`, a, b);
  }
  add(a: Node, b: Node): Node {
    return this.#op("add", a, b);
  }
  sub(a: Node, b: Node): Node {
    return this.#op("sub", a, b);
  }
  mul(a: Node, b: Node): Node {
    return this.#op("mul", a, b);
  }
  and(a: Node, b: Node): Node {
    return this.#op("and", a, b);
  }
  or(a: Node, b: Node): Node {
    return this.#op("or", a, b);
  }
  xor(a: Node, b: Node): Node {
    return this.#op("xor", a, b);
  }
  /** Shifts take a count of the value's own type, below its size. */
  shl(a: Node, count: Node): Node {
    return this.#op("shl", a, count);
  }
  shr(a: Node, count: Node): Node {
    return this.#op("shr_u", a, count);
  }
  sar(a: Node, count: Node): Node {
    return this.#op("shr_s", a, count);
  }
  arithmetic(name: Arithmetic, a: Node, b: Node): Node {
    return this.#op(name, a, b);
  }
  compare(name: Comparison, a: Node, b: Node): Node {
    return op(`${a.type as ScalarType}.${name}`, a, b);
  }
  not(a: Node): Node {
    return this.xor(a, this.k(-1, widthOf(a)));
  }
  neg(a: Node): Node {
    return this.sub(this.k(0, widthOf(a)), a);
  }
  isZero(a: Node): Node {
    return op(`${a.type as ScalarType}.eqz`, a);
  }
  /** Boolean negation of an i32 that is 0 or 1. */
  isNot(a: Node): Node {
    return op("i32.eqz", a);
  }
  count(name: "clz" | "ctz" | "popcnt", a: Node): Node {
    return op(`${a.type as ScalarType}.${name}`, a);
  }
  select(condition: Node, a: Node, b: Node): Node {
    return op(
      a.type === "i32" ? "select" : a.type === "v128" ? "select.v128" : "select.i64",
      a,
      b,
      condition,
    );
  }

  /** High half of the product of two i64, by 32-bit parts: WebAssembly has no 128-bit product. */
  highProduct(a: Node, b: Node, signed: boolean): Node {
    const low = (x: Node) => this.and(x, i64(0xffffffffn));
    const high = (x: Node) => this.shr(x, i64(32n));
    const al = this.let(low(a));
    const ah = this.let(high(a));
    const bl = this.let(low(b));
    const bh = this.let(high(b));
    const middle = this.let(this.add(this.mul(ah, bl), high(this.mul(al, bl))));
    const carry = this.let(this.add(this.mul(al, bh), low(middle)));
    const unsigned = this.add(this.add(this.mul(ah, bh), high(middle)), high(carry));
    if (!signed) return unsigned;
    // Each negative factor takes the other off the high half.
    const correction = (x: Node, y: Node) => this.and(this.sar(x, i64(63n)), y);
    return this.sub(this.sub(unsigned, correction(a, b)), correction(b, a));
  }

  /** Clears what lies above `width` in a value's type. */
  zext(value: Node, width: Width = this.width): Node {
    return width === widthOf(value) || width === 64
      ? value
      : this.and(value, this.k(MASK[width], widthOf(value)));
  }
  /** Sign-extends from `width` within the value's type. */
  sext(value: Node, width: Width = this.width): Node {
    if (width === widthOf(value) || width === 64) return value;
    if (width === 32) return op("i64.extend32_s", value);
    const name = width === 8 ? "extend8_s" : "extend16_s";
    return op(`${value.type as ScalarType}.${name}`, value);
  }
  /** A value of width `from` as the type of width `to`, zero-extended. */
  resize(value: Node, to: Width): Node {
    if (to === 64) return value.type === "i64" ? value : op("i64.extend_i32_u", value);
    return value.type === "i64" ? op("i32.wrap_i64", value) : value;
  }
  /** A value of width `from`, sign-extended to 64 bits as an i64. */
  toI64Signed(value: Node, from: Width = this.width): Node {
    if (value.type === "i64") return this.sext(value, from);
    return op("i64.extend_i32_s", this.sext(value, from));
  }
  low32(value: Node): Node {
    return value.type === "i64" ? op("i32.wrap_i64", value) : value;
  }
  /** 1 if the most significant bit of a `width`-bit value is set, as i32. */
  signBit(value: Node, width: Width = this.width): Node {
    const shifted = this.shr(value, this.k(width - 1, widthOf(value)));
    return this.and(this.low32(shifted), i32(1));
  }
  bit(value: Node, index: Node): Node {
    return this.and(this.low32(this.shr(value, index)), i32(1));
  }

  if(condition: Node, then: () => void, otherwise?: () => void): void {
    const yes = this.f.collect(then);
    const no = otherwise === undefined ? [] : this.f.collect(otherwise);
    this.f.emit(when(condition, yes, no));
  }
  /** Calls the host, which may do anything. */
  call(target: string, type: ValueType, ...args: readonly Node[]): Node {
    return this.let(call(target, type, ...args));
  }
  /** Asks a function of the interpreter's module that changes nothing and needs nothing but its arguments and `stateWord`s. */
  ask(target: string, type: ValueType, ...args: readonly Node[]): Node {
    return this.let(call(target, type, ...args));
  }

  // --- flags ------------------------------------------------------------------------------------------------------------------------------
  // Two words, after Bochs: the result (i64, sign-extended from the operand width) and `aux` (i32): bit 31 CF, bit 30 CF^OF, bits 15:8 a byte
  // xored into the result's low byte before its parity is taken, bit 3 AF, bit 0 xored into the sign. Additions and subtractions put
  // their carry vector there, so each flag costs one to three operations.

  cf(): Node {
    return op("i32.shr_u", this.flagAux(), i32(31));
  }
  pf(): Node {
    const low = op("i32.xor", op("i32.wrap_i64", this.flagResult()), op("i32.shr_u", this.flagAux(), i32(8)));
    return op("i32.eqz", op("i32.and", op("i32.popcnt", op("i32.and", low, i32(0xff))), i32(1)));
  }
  af(): Node {
    return op("i32.and", op("i32.shr_u", this.flagAux(), i32(3)), i32(1));
  }
  zf(): Node {
    return op("i64.eqz", this.flagResult());
  }
  sf(): Node {
    const sign = op("i32.wrap_i64", op("i64.shr_u", this.flagResult(), i64(63n)));
    return op("i32.xor", sign, op("i32.and", this.flagAux(), i32(1)));
  }
  of(): Node {
    const aux = this.let(this.flagAux());
    return op("i32.shr_u", op("i32.xor", aux, op("i32.shl", aux, i32(1))), i32(31));
  }
  condition(code: Condition): Node {
    const positive = this.#positiveCondition((code >> 1) as 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7);
    return (code & 1) === 0 ? positive : this.isNot(positive);
  }
  #positiveCondition(pair: 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7): Node {
    switch (pair) {
      case 0:
        return this.of();
      case 1:
        return this.cf();
      case 2:
        return this.zf();
      case 3:
        return op("i32.or", this.cf(), this.zf());
      case 4:
        return this.sf();
      case 5:
        return this.pf();
      case 6:
        return op("i32.xor", this.sf(), this.of());
      case 7:
        return op("i32.or", op("i32.xor", this.sf(), this.of()), this.zf());
    }
  }

  /** Flags of a logical operation: CF = OF = AF = 0. */
  flagsLogic(result: Node, width: Width = this.width): void {
    this.setFlagWords(this.toI64Signed(result, width), i32(0));
  }
  /** Flags of a + b (+ carry) = r, all of `width`; r may be unmasked. */
  flagsAdd(a: Node, b: Node, r: Node, width: Width = this.width): void {
    this.setFlagWords(this.toI64Signed(r, width), this.#auxOf(this.#carryAdd(a, b, r), width));
  }
  /** Flags of a − b (− borrow) = r. */
  flagsSub(a: Node, b: Node, r: Node, width: Width = this.width): void {
    this.setFlagWords(this.toI64Signed(r, width), this.#auxOf(this.#carrySub(a, b, r), width));
  }
  /** INC and DEC: as an addition or subtraction of 1, but CF stays. */
  flagsStep(a: Node, r: Node, step: "inc" | "dec", width: Width = this.width): void {
    const one = this.k(1, width);
    const vector = step === "inc" ? this.#carryAdd(a, one, r) : this.#carrySub(a, one, r);
    const aux = this.let(this.#auxOf(vector, width));
    const carry = this.let(op("i32.and", this.flagAux(), i32(0x80000000)));
    // OF = aux31 ^ aux30 must survive the replacement of bit 31: bit 30 changes with it.
    const changed = op("i32.and", op("i32.xor", aux, carry), i32(0x80000000));
    const merged = op("i32.xor", op("i32.xor", aux, changed), op("i32.shr_u", changed, i32(1)));
    this.setFlagWords(this.toI64Signed(r, width), merged);
  }
  /** ZF, SF and PF from the result, CF and OF given (i32, 0 or 1), AF = 0. */
  flagsResult(result: Node, cf: Node, of: Node, width: Width = this.width): void {
    const carry = this.let(cf);
    this.setFlagWords(this.toI64Signed(result, width), this.#carryOverflow(carry, of));
  }
  /** Flags of a signed product of which only `low` is kept: CF = OF = the high half says something else. */
  flagsProduct(a: Node, b: Node, low: Node, width: Width = this.width): void {
    if (width === 64) {
      const over = this.let(this.compare("ne", this.highProduct(a, b, true), this.sar(low, i64(63n))));
      return this.flagsResult(low, over, over, 64);
    }
    const product = this.let(this.mul(this.toI64Signed(a, width), this.toI64Signed(b, width)));
    const over = this.let(this.compare("ne", product, this.sext(product, width)));
    this.flagsResult(low, over, over, width);
  }
  /** Replaces CF and OF (i32, 0 or 1); the other four stay. */
  flagsCarryOverflow(cf: Node, of: Node): void {
    const carry = this.let(cf);
    this.setFlagWords(
      null,
      op("i32.or", op("i32.and", this.flagAux(), i32(0x3fffffff)), this.#carryOverflow(carry, of)),
    );
  }
  /** Replaces CF alone. */
  flagsCarry(cf: Node): void {
    const of = this.let(this.of());
    this.flagsCarryOverflow(cf, of);
  }
  /** Sets all six from an image of RFLAGS' low byte and, in bit 11, OF. */
  flagsImage(image: Node): void {
    const value = this.let(image);
    const flag = (bit: number) => op("i32.and", op("i32.shr_u", value, i32(bit)), i32(1));
    const cf = this.let(flag(0));
    const kept = this.let(
      op(
        "i32.or",
        this.#carryOverflow(cf, flag(11)),
        op("i32.shr_u", op("i32.and", value, i32(0x10)), i32(1)),
      ),
    );
    this.#setZeroSignParity(this.let(flag(6)), this.let(flag(7)), this.let(flag(2)), kept);
  }
  /** The six flags at their places in RFLAGS. */
  flagsToImage(): Node {
    const at = (flag: Node, bit: number) => op("i32.shl", flag, i32(bit));
    const parts = [
      this.cf(),
      at(this.pf(), 2),
      at(this.af(), 4),
      at(this.zf(), 6),
      at(this.sf(), 7),
      at(this.of(), 11),
    ];
    return parts.reduce((sum, part) => op("i32.or", sum, part));
  }

  /** Result and sign/parity corrections that give any ZF, SF and PF: 0 has even parity, 1 odd. */
  #setZeroSignParity(zf: Node, sf: Node, pf: Node, kept: Node): void {
    const result = op("i32.eqz", zf);
    // ZF: parity byte must be odd for PF = 0. Not ZF (result 1): odd for PF = 1.
    const same = op("i32.eq", zf, pf);
    const delta = op("i32.or", op("i32.shl", op("i32.eqz", same), i32(8)), sf);
    this.setFlagWords(op("i64.extend_i32_u", result), op("i32.or", kept, delta));
  }
  #carryOverflow(cf: Node, of: Node): Node {
    return op("i32.or", op("i32.shl", cf, i32(31)), op("i32.shl", op("i32.xor", cf, of), i32(30)));
  }
  /** Bit i: the carry out of bit i. */
  #carryAdd(a: Node, b: Node, r: Node): Node {
    return this.or(this.and(a, b), this.and(this.or(a, b), this.not(r)));
  }
  #carrySub(a: Node, b: Node, r: Node): Node {
    const notA = this.not(a);
    return this.or(this.and(notA, b), this.and(this.or(notA, b), r));
  }
  #auxOf(vector: Node, width: Width): Node {
    if (width === 32) return op("i32.and", vector, i32(0xc0000008));
    const v = this.let(vector);
    const half = op("i32.and", this.low32(v), i32(8));
    const high =
      width === 64 ? op("i32.wrap_i64", op("i64.shr_u", v, i64(32n))) : op("i32.shl", v, i32(32 - width));
    return op("i32.or", half, op("i32.and", high, i32(0xc0000000)));
  }
}

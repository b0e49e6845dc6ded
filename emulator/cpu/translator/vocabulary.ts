/**
 * The translator's vocabulary: operands are known, registers are locals of the region, flags a recipe (`flags.ts`). One meaning written once yields here the
 * code of one instruction of a region.
 *
 * Invariant: an instruction that cannot be finished here leaves the region before its first effect (`leave`), with everything as it was; the interpreter then
 * executes it from scratch.
 * Elsewhere: blocks, budget and exits (`region.ts`).
 */
import { assert } from "../../assert.ts";
import {
  LOAD,
  Vocabulary,
  storeName,
  type Condition,
  type Place,
  type VectorBits,
  type Width,
} from "../../semantics/vocabulary.ts";
import {
  call,
  get,
  i32,
  i64,
  lane,
  load,
  mostly,
  op,
  seldom,
  set,
  store,
  tee,
  when,
  type Local,
  type Node,
} from "../../wasm/index.ts";
import { dataEntry, hostAddress, lastPage } from "../fast-path.ts";
import { MODE, RUN, SEG, SEGMENT, SEGMENT_BYTES, STATE, TLB, gprOffset } from "../layout.ts";
import { CR0, CR4 } from "../registers.ts";
import {
  END_STEP,
  FIRST_STEP,
  WORDS,
  isNegative,
  recipeNumber,
  type FlagOperation,
  type Recipe,
} from "./flags.ts";
import type { PlannedInstruction } from "./plan.ts";
import type { Frame } from "./frame.ts";

/** Where an instruction that changes the flow goes. */
export type Flow =
  | { readonly kind: "branch"; readonly condition: Node }
  | { readonly kind: "indirect"; readonly target: Node };

export class RegionVocabulary extends Vocabulary {
  readonly #frame: Frame;
  readonly #insn: PlannedInstruction;
  /** What a leaving instruction gives back to the budget: itself and what is behind it in its block. */
  readonly #refund: number;
  #place: Place | null = null;
  /** Host address of a vector in memory that is read and then written. */
  #vectorPlace: Local | null = null;
  readonly addressWidth: 16 | 32 | 64;
  readonly vectorBits = 128;
  /** How the instruction ends its block, if it does. */
  flow: Flow | null = null;

  constructor(frame: Frame, insn: PlannedInstruction, refund: number) {
    super(frame.f, insn.variant.width);
    this.#frame = frame;
    this.#insn = insn;
    this.#refund = refund;
    this.addressWidth = insn.variant.address;
  }

  translate(): void {
    const { family, variant } = this.#insn;
    assert(family.meaning !== null, "an operation is left to the interpreter", family.name);
    if (variant.operands.includes("x")) this.#requireVectors();
    family.meaning(this);
  }

  /** Guest registers change under the value: a copy is taken of them, too. */
  override let(value: Node): Node {
    if (value.kind !== "get" || !this.#frame.isGuest(value.local)) return this.f.let(value);
    const copy = this.f.local(value.type);
    this.f.emit(set(copy, value));
    return get(copy);
  }

  // --- leaving ----------------------------------------------------------------------------------------------------------------------------

  #leaving(): readonly Node[] {
    return this.#frame.leave(this.#insn.delta, this.#refund, true);
  }
  escape(condition: Node): void {
    this.f.emit(seldom(condition, this.#leaving()));
  }
  trap(): void {
    this.f.emit(...this.#leaving());
  }
  /** What only the host can do (`divide128`). */
  override call(): Node {
    this.f.emit(...this.#leaving());
    return i32(1);
  }
  checkTarget(target: Node): void {
    // Regions run only where the code segment's limit is no limit.
    if (this.width !== 64) return;
    const canonical = op("i64.shr_s", op("i64.shl", target, i64(16n)), i64(16n));
    this.f.emit(seldom(op("i64.ne", canonical, target), this.#leaving()));
  }
  repeat(): void {
    assert(false, "REP is left to the interpreter");
  }
  /** No iteration at once, which is always right. */
  bulk(): Node {
    return i32(0);
  }
  spend(): void {}
  emptyMmx(): void {
    assert(false, "MMX is left to the interpreter");
  }
  instantsLeft(): Node {
    return op("i32.add", get(this.#frame.budget), i32(this.#refund));
  }
  isFollowed(): Node {
    return i32(this.#refund > 1 ? 1 : 0);
  }

  // --- operands ---------------------------------------------------------------------------------------------------------------------------

  #kind(index: number): string {
    const kind = this.#insn.variant.operands[index];
    assert(kind !== undefined, "operand that the form does not have", index, this.#insn.family.name);
    return kind;
  }
  isMemory(index: number): boolean {
    return this.#kind(index) === "m";
  }

  read(index: number, width: Width = this.width): Node {
    switch (this.#kind(index)) {
      case "r":
        return this.#readAt(this.#insn.registers[index as 0 | 1 | 2], width);
      case "s":
        return load(LOAD[width], i32(0), this.#insn.registers[index as 0 | 1 | 2]);
      case "i":
        return this.immediate(width);
      case "1":
        return this.k(1, width);
      default:
        break;
    }
    if (this.#insn.family.access[index] !== "rw") return this.load(this.effective(), width);
    this.#place = this.probe(this.effective(), width, "modify");
    return this.loadFrom(this.#place);
  }
  write(index: number, value: Node, width: Width = this.width): void {
    if (this.#kind(index) === "r")
      return this.#writeAt(this.#insn.registers[index as 0 | 1 | 2], width, value);
    if (this.#place !== null) return this.storeTo(this.#place, value);
    this.store(this.effective(), width, value);
  }

  /** A register by its offset in the CPU's state. */
  #readAt(offset: number, width: Width): Node {
    const whole = get(this.#frame.read((offset - STATE.gpr) >> 3));
    if (width === 64) return whole;
    const low = op("i32.wrap_i64", whole);
    if (width === 32) return low;
    const shifted = (offset & 7) === 1 ? op("i32.shr_u", low, i32(8)) : low;
    return op("i32.and", shifted, i32(width === 16 ? 0xffff : 0xff));
  }
  #writeAt(offset: number, width: Width, value: Node): void {
    const number = (offset - STATE.gpr) >> 3;
    const local = this.#frame.write(number);
    const wide = value.type === "i64" ? value : op("i64.extend_i32_u", value);
    if (width === 64) return this.f.emit(set(local, wide));
    if (width === 32) {
      const cut = value.type === "i64" ? op("i64.and", value, i64(0xffffffffn)) : wide;
      return this.f.emit(set(local, cut));
    }
    const shift = (offset & 7) === 1 ? 8n : 0n;
    const mask = (width === 16 ? 0xffffn : 0xffn) << shift;
    const part = op("i64.and", op("i64.shl", wide, i64(shift)), i64(mask));
    this.f.emit(set(local, op("i64.or", op("i64.and", get(local), i64(~mask)), part)));
  }
  register(number: number, width: Width): Node {
    return this.#readAt(gprOffset(number, width), width);
  }
  setRegister(number: number, width: Width, value: Node): void {
    this.#writeAt(gprOffset(number, width), width, value);
  }
  immediate(width: Width = this.width): Node {
    return this.k(this.#insn.immediate, width);
  }
  nextRip(): Node {
    return this.#frame.rip(this.#insn.delta + this.#insn.length);
  }

  // --- addresses --------------------------------------------------------------------------------------------------------------------------

  effective(): Node {
    const { base, index, shift, displacement, addressSize, ripRelative, variant } = this.#insn;
    const size = variant.memory === "m32" ? 32 : addressSize;
    const part = (offset: number): Node | null =>
      offset === RUN.zero ? null : this.#readAt(offset, size === 64 ? 64 : 32);
    if (ripRelative) {
      const address = this.#frame.rip(
        this.#insn.delta + this.#insn.length + Number(BigInt.asIntN(32, displacement)),
      );
      return this.let(size === 64 ? address : op("i64.and", address, i64(0xffffffffn)));
    }
    const k = (value: bigint): Node => (size === 64 ? i64(value) : i32(Number(BigInt.asIntN(32, value))));
    const type = size === 64 ? "i64" : "i32";
    const from = part(base);
    const scaled = part(index);
    let sum: Node | null = from;
    if (scaled !== null) {
      const moved = op(`${type}.shl`, scaled, k(BigInt(shift)));
      sum = sum === null ? moved : op(`${type}.add`, sum, moved);
    }
    sum = sum === null ? k(displacement) : op(`${type}.add`, sum, k(displacement));
    return this.let(size === 64 ? sum : op("i64.extend_i32_u", sum));
  }

  /** Linear address of an offset: only FS and GS move it. */
  #linear(offset: Node, segment: number = this.#insn.segment): Node {
    if (this.#insn.variant.memory !== "ms" || segment < SEG.fs) return this.let(offset);
    const base = load("i64.load", i32(0), STATE.segments + segment * SEGMENT_BYTES + SEGMENT.base);
    return this.let(op("i64.add", offset, base));
  }

  /** Host address of an access: through the TLB, or by the MMU's refill; or the region is left. */
  #host(linear: Node, bytes: number, access: "read" | "write"): Local {
    const { f } = this;
    const entry = this.let(dataEntry(linear));
    const user = (this.#frame.mode & MODE.user) !== 0;
    const field = user
      ? access === "read"
        ? TLB.readUser
        : TLB.writeUser
      : access === "read"
        ? TLB.readSystem
        : TLB.writeSystem;
    const host = f.local("i32");
    const refill = call(access === "read" ? "refillRead" : "refillWrite", "i32", linear, i32(bytes));
    const slow = [seldom(op("i32.eqz", tee(host, refill)), this.#leaving()), get(host)];
    f.emit(
      set(
        host,
        mostly(
          op("i64.eq", load("i64.load", entry, TLB.base + field), lastPage(linear, bytes)),
          [hostAddress(entry, linear)],
          slow,
          "i32",
        ),
      ),
    );
    return host;
  }

  load(offset: Node, width: Width): Node {
    return this.#load(this.#linear(offset), width);
  }
  #load(linear: Node, width: Width): Node {
    return this.let(load(LOAD[width], get(this.#host(linear, width / 8, "read"))));
  }
  store(offset: Node, width: Width, value: Node): void {
    const place = this.probe(offset, width);
    this.storeTo(place, value);
  }
  probe(offset: Node, width: Width, _access: "write" | "modify" = "write"): Place {
    return { host: this.#host(this.#linear(offset), width / 8, "write"), width };
  }
  loadFrom(place: Place): Node {
    return this.let(load(LOAD[place.width], get(place.host)));
  }
  storeTo(place: Place, value: Node): void {
    this.f.emit(store(storeName(value, place.width), get(place.host), 0, value));
  }
  loadSource(offset: Node, width: Width): Node {
    return this.load(offset, width);
  }
  loadDestination(offset: Node, width: Width): Node {
    return this.#load(this.#linear(offset, SEG.es), width);
  }
  storeDestination(offset: Node, width: Width, value: Node): void {
    const host = this.#host(this.#linear(offset, SEG.es), width / 8, "write");
    this.storeTo({ host, width }, value);
  }

  // --- stack ------------------------------------------------------------------------------------------------------------------------------

  #pointer(distance: Node, from: Node): Node {
    const moved = op("i64.add", from, distance);
    return this.let(this.#insn.variant.stack === "s64" ? moved : op("i64.and", moved, i64(0xffffffffn)));
  }
  push(value: Node, width: Width, check?: () => void): void {
    const kept = this.let(value);
    const pointer = this.#pointer(i64(BigInt(-width / 8)), this.register(4, 64));
    const host = this.#host(pointer, width / 8, "write");
    // Before the store here: where the check fails, the interpreter does the whole instruction again, the store included.
    check?.();
    this.storeTo({ host, width }, kept);
    this.setRegister(4, 64, pointer);
  }
  top(width: Width, depth = 0): Node {
    return this.#load(this.#pointer(i64(BigInt(depth)), this.register(4, 64)), width);
  }
  release(bytes: Node): void {
    this.setRegister(4, 64, this.#pointer(bytes, this.register(4, 64)));
  }
  popInto(value: Node): void {
    const before = this.let(this.register(4, 64));
    this.release(i64(BigInt(this.width / 8)));
    const after = this.let(this.register(4, 64));
    const offset = this.effective();
    // The store may make us leave: rSP is put back first and moved again when it is sure.
    this.setRegister(4, 64, before);
    const place = this.probe(offset, this.width);
    this.setRegister(4, 64, after);
    this.storeTo(place, value);
  }
  leaveFrame(): void {
    const frame = this.let(this.register(5, 64));
    const value = this.#load(this.#pointer(i64(0n), frame), this.width);
    this.setRegister(4, 64, this.#pointer(i64(BigInt(this.width / 8)), frame));
    this.setRegister(5, this.width, value);
  }

  // --- control ----------------------------------------------------------------------------------------------------------------------------

  jump(rip: Node, width: Width): void {
    this.flow = { kind: "indirect", target: this.let(width === 64 ? rip : this.zext(rip, width)) };
  }
  relativeTarget(): Node {
    return this.#frame.rip(this.#insn.delta + this.#insn.length + Number(this.#insn.immediate));
  }
  branch(condition: Node): void {
    // Nothing comes between the last instruction of a block and the branch, so the condition can stay as it is.
    this.flow = { kind: "branch", condition };
  }

  // --- vectors ----------------------------------------------------------------------------------------------------------------------------

  /** The bits do not change while a region runs: once a block is enough. */
  #requireVectors(): void {
    if (this.#frame.vectorsChecked) return;
    this.#frame.vectorsChecked = true;
    const cr0 = op("i32.and", this.stateWord(STATE.cr0), i32(CR0.EM | CR0.TS));
    const cr4 = op("i32.and", this.stateWord(STATE.cr4), i32(CR4.OSFXSR));
    this.escape(op("i32.or", cr0, op("i32.xor", cr4, i32(CR4.OSFXSR))));
  }
  readVector(index: number, bits: VectorBits = this.vectorBits): Node {
    if (this.#kind(index) === "x") return get(this.#frame.readVector(this.#vectorNumber(index)));
    const name = bits === 32 ? "v128.load32_zero" : bits === 64 ? "v128.load64_zero" : "v128.load";
    if (this.#insn.family.access[index] !== "rw")
      return this.let(load(name, get(this.#vectorHost(bits, "read"))));
    this.#vectorPlace = this.#vectorHost(bits, "write");
    return this.let(load(name, get(this.#vectorPlace)));
  }
  writeVector(index: number, value: Node, bits: VectorBits = this.vectorBits): void {
    if (this.#kind(index) === "x")
      return this.f.emit(set(this.#frame.writeVector(this.#vectorNumber(index)), value));
    const host = get(this.#vectorPlace ?? this.#vectorHost(bits, "write"));
    if (bits === 32) this.f.emit(store("i32.store", host, 0, lane("i32x4.extract_lane", value, 0)));
    else if (bits === 64) this.f.emit(store("i64.store", host, 0, lane("i64x2.extract_lane", value, 0)));
    else this.f.emit(store("v128.store", host, 0, value));
  }
  #vectorNumber(index: number): number {
    return (this.#insn.registers[index as 0 | 1 | 2] - STATE.xmm) >> 4;
  }
  #vectorHost(bits: VectorBits, access: "read" | "write"): Local {
    const linear = this.#linear(this.effective());
    if (bits === 128) this.escape(op("i32.and", op("i32.wrap_i64", linear), i32(15)));
    return this.#host(linear, (bits === "unaligned" ? 128 : bits) / 8, access);
  }
  xmm(number: number): Node {
    return get(this.#frame.readVector(number));
  }

  // --- flags ------------------------------------------------------------------------------------------------------------------------------

  /** Notes what set the flags. @param r the result; of a product the second factor */
  #record(operation: FlagOperation, width: Width, a: Node | null, b: Node | null, r: Node): void {
    const frame = this.#frame;
    const { f } = this;
    if (frame.flagsUnseen) return;
    if (a !== null) f.emit(set(frame.a, this.#whole(a)));
    if (b !== null) f.emit(set(frame.b, this.#whole(b)));
    f.emit(set(frame.r, this.#whole(r)));
    frame.setRecipe({ operation, width });
  }
  /** A value as the locals have it. */
  #whole(value: Node): Node {
    return value.type === "i64" ? value : op("i64.extend_i32_u", value);
  }
  override flagsLogic(result: Node, width: Width = this.width): void {
    if (width === 64) this.#record("logic", 64, null, null, result);
    else this.#record("logic", 32, null, null, this.sext(this.low32(result), width));
  }
  override flagsAdd(a: Node, b: Node, r: Node, width: Width = this.width): void {
    const withCarry = this.#insn.family.name === "adc";
    if (withCarry) this.#carriedIn(this.sub(this.sub(r, a), b));
    this.#record(withCarry ? "adc" : "add", width, a, b, r);
  }
  override flagsSub(a: Node, b: Node, r: Node, width: Width = this.width): void {
    const withCarry = this.#insn.family.name === "sbb";
    if (withCarry) this.#carriedIn(this.sub(this.sub(a, b), r));
    this.#record(withCarry ? "sbb" : "sub", width, a, b, r);
  }
  /** Notes the carry that came in, the lowest bit of a difference. */
  #carriedIn(difference: Node): void {
    if (this.#frame.flagsUnseen) return;
    this.f.emit(set(this.#frame.carry, op("i32.and", this.low32(difference), i32(1))));
  }
  override flagsStep(_a: Node, r: Node, step: "inc" | "dec", width: Width = this.width): void {
    const frame = this.#frame;
    if (frame.flagsUnseen) return;
    // CF stays: it moves to its local, unless it is there already.
    const { recipe } = frame;
    if (recipe === null) {
      const there = op(
        "i32.lt_u",
        op("i32.sub", get(frame.recipeLocal), i32(FIRST_STEP)),
        i32(END_STEP - FIRST_STEP),
      );
      const words = this.f.collect(() => {
        this.#makeWords();
        this.f.emit(set(frame.carry, op("i32.shr_u", get(frame.carry), i32(31))));
      });
      this.f.emit(when(op("i32.eqz", there), words));
      frame.recipe = null;
    } else if (recipe.operation !== "inc" && recipe.operation !== "dec") {
      this.f.emit(set(frame.carry, this.cf()));
    }
    this.#record(step, width, null, null, r);
  }
  override flagsProduct(a: Node, b: Node, _low: Node, width: Width = this.width): void {
    this.#record("product", width, a, null, b);
  }
  /** The recipe known in this place; if there is none, the words are made and are it. */
  #known(): Recipe {
    const frame = this.#frame;
    if (frame.recipe !== null && frame.recipe.operation !== "product") return frame.recipe;
    return this.#words();
  }
  /** Makes the flag words, unless they are what there is: from here on they are the recipe. */
  #words(): Recipe {
    const frame = this.#frame;
    if (frame.recipe?.operation === "words") return frame.recipe;
    // Words have the number 0.
    const isOther = frame.recipe === null ? get(frame.recipeLocal) : i32(1);
    this.f.emit(
      when(
        isOther,
        this.f.collect(() => this.#makeWords()),
      ),
    );
    return (frame.recipe = WORDS);
  }
  #makeWords(): void {
    const frame = this.#frame;
    this.f.emit(
      frame.callFlagWords(),
      set(frame.r, load("i64.load", i32(0), STATE.lazyResult)),
      set(frame.carry, load("i32.load", i32(0), STATE.lazyAux)),
      set(frame.recipeLocal, i32(recipeNumber(WORDS))),
    );
  }
  #operands(recipe: Recipe): { a: Node; b: Node; r: Node } {
    const [a, b, r] = [this.#frame.a, this.#frame.b, this.#frame.r].map((local) =>
      recipe.width === 64 ? get(local) : op("i32.wrap_i64", get(local)),
    ) as [Node, Node, Node];
    return { a, b, r };
  }

  override cf(): Node {
    const recipe = this.#known();
    const { operation, width } = recipe;
    const { a, b, r } = this.#operands(recipe);
    const below = (x: Node, y: Node): Node => this.compare("lt_u", this.zext(x, width), this.zext(y, width));
    switch (operation) {
      case "words":
      case "product":
        return super.cf();
      case "logic":
        return i32(0);
      case "add":
        return below(r, a);
      case "sub":
        return below(a, b);
      case "adc":
        return this.signBit(this.or(this.and(a, b), this.and(this.or(a, b), this.not(r))), width);
      case "sbb":
        return this.signBit(this.or(this.and(this.not(a), b), this.and(this.or(this.not(a), b), r)), width);
      case "inc":
      case "dec":
        return get(this.#frame.carry);
    }
  }
  override zf(): Node {
    const recipe = this.#known();
    const { operation, width } = recipe;
    if (operation === "words") return super.zf();
    const { a, b, r } = this.#operands(recipe);
    if (operation === "sub") return this.compare("eq", this.zext(a, width), this.zext(b, width));
    return this.isZero(this.zext(r, width));
  }
  override sf(): Node {
    const recipe = this.#known();
    if (recipe.operation === "words") return super.sf();
    return isNegative(this.sext(this.#operands(recipe).r, recipe.width));
  }
  override pf(): Node {
    const recipe = this.#known();
    if (recipe.operation === "words") return super.pf();
    const low = op("i32.and", this.low32(this.#operands(recipe).r), i32(0xff));
    return op("i32.eqz", op("i32.and", op("i32.popcnt", low), i32(1)));
  }
  override of(): Node {
    const recipe = this.#known();
    const { operation, width } = recipe;
    const { a, b, r } = this.#operands(recipe);
    switch (operation) {
      case "words":
      case "product":
        return super.of();
      case "logic":
        return i32(0);
      case "add":
      case "adc":
        return this.signBit(this.and(this.xor(a, r), this.xor(b, r)), width);
      case "sub":
      case "sbb":
        return this.signBit(this.and(this.xor(a, b), this.xor(a, r)), width);
      case "inc":
        return this.compare(
          "eq",
          this.zext(r, width),
          this.zext(this.k(-(2n ** BigInt(width - 1)), width), width),
        );
      case "dec":
        return this.compare("eq", this.zext(r, width), this.k(2n ** BigInt(width - 1) - 1n, width));
    }
  }
  override condition(code: Condition): Node {
    const recipe = this.#known();
    const { a, b } = this.#operands(recipe);
    const pair = code >> 1;
    if (recipe.operation === "sub" && (pair === 3 || pair >= 6)) {
      const signed = pair >= 6;
      const [x, y] = signed
        ? [this.sext(a, recipe.width), this.sext(b, recipe.width)]
        : [this.zext(a, recipe.width), this.zext(b, recipe.width)];
      const orEqual = pair === 3 || pair === 7;
      const name = `${orEqual ? ((code & 1) === 0 ? "le" : "gt") : (code & 1) === 0 ? "lt" : "ge"}_${signed ? "s" : "u"}`;
      return this.compare(name as "lt_s", x, y);
    }
    return super.condition(code);
  }

  flagResult(): Node {
    this.#words();
    return get(this.#frame.r);
  }
  flagAux(): Node {
    this.#words();
    return get(this.#frame.carry);
  }
  setFlagWords(result: Node | null, aux: Node): void {
    const frame = this.#frame;
    if (result === null) this.#words();
    const kept = this.let(aux);
    if (frame.flagsUnseen && result !== null) return;
    if (result !== null) this.f.emit(set(frame.r, result));
    this.f.emit(set(frame.carry, kept));
    frame.setRecipe(WORDS);
  }
  systemFlags(): Node {
    return this.stateWord(STATE.eflags);
  }
  setSystemFlags(value: Node): void {
    this.setStateWord(STATE.eflags, value);
  }

  /** What an arm does to the flags is not known behind it. */
  override if(condition: Node, then: () => void, otherwise?: () => void): void {
    const frame = this.#frame;
    const before = frame.recipe;
    const arm = (write: () => void): readonly Node[] => {
      frame.recipe = before;
      return this.f.collect(write);
    };
    // What the condition asks of the flags has been emitted when it was made.
    const yes = arm(then);
    const afterYes = frame.recipe;
    const no = otherwise === undefined ? [] : arm(otherwise);
    const afterNo = otherwise === undefined ? before : frame.recipe;
    frame.recipe = afterYes === before && afterNo === before ? before : null;
    this.f.emit(when(condition, yes, no));
  }
}

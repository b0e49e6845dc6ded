/**
 * The decoder: bytes to the fields of a record. Tables come from `isa/`; prefixes, ModRM, SIB and immediates are the manual's (SDM 2A chapter 2).
 *
 * One decoder object is reused for every instruction: `decode` fills its fields. Elsewhere: what a trace is made of (`traces.ts`).
 */
import { assert } from "../assert.ts";
import { families, type Family, type Form } from "../isa/index.ts";
import { missingName } from "../isa/missing.ts";
import type { Instruction } from "./instruction.ts";
import { MODE, RUN, SEG, SEGMENT, SEGMENT_BYTES, STATE, type SegmentNumber } from "./layout.ts";
import { handlerNumber, widthFor, type Variant } from "./interpreter/variant.ts";
import {
  IS,
  PREFIX,
  TAKE,
  hasModrm,
  recipes,
  type Known,
  type Recipe,
  type Take,
  type TakeImmediate,
  type Taking,
} from "./recipe.ts";
import { x87Name } from "./x87/index.ts";

/** What `decode` found. "short": the bytes ended before the instruction did. "invalid": #UD. "long": more than 15 bytes, #GP(0). */
export type Decoded = "handler" | "operation" | "invalid" | "missing" | "short" | "long";

export const INSTRUCTION_BYTES_MAX = 15;
/**
 * What prefixes, opcode and ModRM say of an instruction that a handler alone executes, where only a memory operand by ModRM and an immediate are left to read:
 * its shape. Instructions of a shape come again and again, so shapes are remembered by a hash of their keys, each in four words:
 *
 *     0  the key: `Decoder.#key`, all that decides but the mode
 *     1  bits 4:0 what of the mode decides, 5 used, 6 has a memory operand, 8:7 operand size / 32, 13:9 the immediate (TAKE; `one`: none), 16:14 segment,
 *        17 and 18 the family's traits `ends` and `repeats`
 *     2  number of the handler u16, register of operand 0 u16
 *     3  registers of operands 1 and 2, u16 each
 */
const SHAPE = { entries: 1 << 14, used: 0x20, memory: 0x40, ends: 1 << 17, repeats: 1 << 18 } as const;

const repeatFamilies = new Map<string, Family>();
for (const family of families) if (family.traits.repeats === true) repeatFamilies.set(family.name, family);

/** Families executed in TypeScript whose REP prefix repeats them. */
const REPEATED_OPERATIONS = new Set(["insb", "insw", "insd", "outsb", "outsw", "outsd"]);
const SEGMENT_OF_PUSH: Record<number, SegmentNumber> = {
  0x06: SEG.es,
  0x07: SEG.es,
  0x0e: SEG.cs,
  0x16: SEG.ss,
  0x17: SEG.ss,
  0x1e: SEG.ds,
  0x1f: SEG.ds,
  0xa0: SEG.fs,
  0xa1: SEG.fs,
  0xa8: SEG.gs,
  0xa9: SEG.gs,
};

const CONTROL_REGISTERS: Record<number, number> = {
  0: STATE.cr0,
  2: STATE.cr2,
  3: STATE.cr3,
  4: STATE.cr4,
  8: STATE.cr8,
};

/** How memory and stack are addressed: `MemoryKind` and `StackKind` of `variant.ts` as numbers. */
const KIND = { none: 0, flat64: 1, flat32: 2, segmented: 3 } as const;
type Kind = (typeof KIND)[keyof typeof KIND];

/** 16-bit addressing (SDM 2A table 2-1): base and index register by ModRM.rm; 16 = none. */
const BASE16 = [3, 3, 5, 5, 6, 7, 5, 3] as const;
const INDEX16 = [6, 7, 6, 7, 16, 16, 16, 16] as const;
const NONE = 16;
const RIP = 17;

/** 1: a prefix in every mode; 2: REX, in 64-bit mode. */
const PREFIXES = new Uint8Array(256);
for (const byte of [0x66, 0x67, 0xf0, 0xf2, 0xf3, 0x64, 0x65, 0x26, 0x2e, 0x36, 0x3e]) PREFIXES[byte] = 1;
PREFIXES.fill(2, 0x40, 0x50);

const registerOffset = (number: number): number =>
  number === NONE ? RUN.zero : number === RIP ? RUN.traceRip : STATE.gpr + number * 8;

export class Decoder {
  readonly #absent: ReadonlySet<Form>;
  #bytes: Uint8Array = new Uint8Array(0);
  #at = 0;
  #start = 0;
  #end = 0;
  #short = false;

  // Results
  #form: Form | null = null;
  #known: Known | null = null;
  length = 0;
  handler = 0;
  /** Traits of `family`, if a handler executes the instruction. */
  ends = false;
  repeats = false;
  /** Register fields of operands 0 … 2, as offsets into linear memory. */
  readonly registers: [number, number, number] = [0, 0, 0];
  base: number = RUN.zero;
  index: number = RUN.zero;
  shift = 0;
  /** A RIP-relative displacement still counts from the next instruction. */
  ripRelative = false;
  displacement = 0;
  immediate = 0;
  /** An immediate or offset of more than 32 bits with its sign; takes the place of the field it belongs to. */
  wide: bigint | null = null;
  segment: SegmentNumber = SEG.ds;
  addressSize: 16 | 32 | 64 = 64;
  hasMemory = false;
  relative = false;
  instruction: Instruction | null = null;
  missing = "";

  // Prefixes and parts of the instruction under way
  #mode = 0;
  #operandPrefix = false;
  #repeat: "" | "rep" | "repne" = "";
  #lock = false;
  #rex = 0;
  #override = -1;
  #operandSize: 16 | 32 | 64 = 32;
  #modrm = -1;
  #map: 0 | 1 | 2 | 3 = 0;
  #opcode = 0;
  /** An operand is a register that there is not. */
  #nonexistent = false;
  #immediate2 = 0;
  /** SHAPE, and beside it what its handler stands for. */
  readonly #shapes = new Int32Array(SHAPE.entries * 4);
  readonly #shapeKnown = Array<Known | null>(SHAPE.entries).fill(null);
  /** Shape of the instruction under way if it was remembered, else −1. */
  #shape = -1;

  /** @param absent forms that the processor does not know: they are no instructions */
  constructor(absent: ReadonlySet<Form> = new Set()) {
    this.#absent = absent;
  }

  /** Decodes at `bytes[at]`; bytes from `end` on are not known. `mode` is STATE.mode. */
  decode(bytes: Uint8Array, at: number, end: number, mode: number): Decoded {
    this.#bytes = bytes;
    this.#at = this.#start = at;
    this.#end = end;
    this.#short = false;
    this.#mode = mode;
    this.hasMemory = this.ripRelative = this.relative = false;
    this.base = this.index = RUN.zero;
    this.shift = 0;
    this.displacement = this.immediate = 0;
    this.wide = null;
    this.#immediate2 = 0;
    this.#nonexistent = false;
    this.#modrm = -1;
    this.instruction = null;
    this.#form = this.#known = null;
    this.#shape = -1;
    this.ends = this.repeats = false;
    const result = this.#decode();
    this.length = this.#at - at;
    if (this.length > INSTRUCTION_BYTES_MAX) return "long";
    return this.#short ? "short" : result;
  }

  /** The form found, if any. */
  get form(): Form | null {
    return this.#shape < 0 ? this.#form : this.#shapeKnown[this.#shape]!.form;
  }
  /** The form's family, or the repeating one of it. Null unless there is a handler. */
  get family(): Family | null {
    return this.#handled?.family ?? null;
  }
  /** Of what the handler with that number is one. */
  get variant(): Variant | null {
    return this.#handled?.variant ?? null;
  }
  get #handled(): Known | null {
    return this.#shape < 0 ? this.#known : this.#shapeKnown[this.#shape]!;
  }

  get #is64(): boolean {
    return (this.#mode & MODE.codeSize) === 2;
  }

  #byte(): number {
    const value = this.#at < this.#end ? this.#bytes[this.#at] : undefined;
    this.#at++;
    if (value === undefined) {
      this.#short = true;
      return 0;
    }
    return value;
  }
  #signed8(): number {
    return (this.#byte() << 24) >> 24;
  }
  #unsigned16(): number {
    const low = this.#byte();
    return low | (this.#byte() << 8);
  }
  #signed16(): number {
    return (this.#unsigned16() << 16) >> 16;
  }
  #signed32(): number {
    const at = this.#at;
    const bytes = this.#bytes;
    if (at + 4 <= this.#end && at + 4 <= bytes.length) {
      this.#at = at + 4;
      return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    }
    const low = this.#unsigned16();
    return low | (this.#unsigned16() << 16);
  }
  /** An immediate of two bytes if the operand size is 16, else of four. */
  #sized(): number {
    return this.#operandSize === 16 ? this.#signed16() : this.#signed32();
  }
  #sizedUnsigned(): number {
    return this.#operandSize === 16 ? this.#unsigned16() : this.#signed32() >>> 0;
  }
  /** Eight bytes; if no i32 holds them, to `wide`, and the field itself stays 0. */
  #quad(): number {
    const low = this.#signed32();
    const high = this.#signed32();
    if (high === low >> 31) return low;
    this.wide = BigInt(low >>> 0) | (BigInt(high >>> 0) << 32n);
    return 0;
  }

  #decode(): Decoded {
    this.#prefixes();
    let opcode = this.#byte();
    this.#map = 0;
    if (opcode === 0x0f) {
      opcode = this.#byte();
      this.#map = 1;
      if (opcode === 0x38 || opcode === 0x3a) {
        this.#map = opcode === 0x38 ? 2 : 3;
        opcode = this.#byte();
      }
    } else if (this.#isVector(opcode)) {
      return this.#missing(opcode === 0x62 ? "EVEX" : "VEX");
    }
    this.#opcode = opcode;
    if (hasModrm[this.#map * 256 + opcode] === 1) this.#modrm = this.#byte();
    const key = this.#key();
    const kind = (this.#is64 ? 2 : this.#mode & (MODE.codeSize | MODE.flat | MODE.stack32)) | SHAPE.used;
    const shape = Math.imul(key ^ kind, 0x9e3779b1) >>> (32 - Math.log2(SHAPE.entries));
    const shapes = this.#shapes;
    if (shapes[shape * 4] === key && (shapes[shape * 4 + 1]! & 0x3f) === kind) return this.#follow(shape);
    this.registers[0] = this.registers[1] = this.registers[2] = 0;
    this.segment = SEG.ds;
    const recipe = this.#find(opcode);
    if (recipe === null) return this.#missing("");
    this.#form = recipe.form;
    const result = this.#operands(recipe);
    if (result === "handler" && this.instruction === null) this.#remember(shape, key, kind, recipe);
    return result;
  }

  /** Bit 0 66, bit 1 LOCK, 3:2 F3 or F2, 5:4 address size / 32, 8:6 segment override + 1, 13:9 REX, 21:14 ModRM, 29:22 opcode, 31:30 map. */
  #key(): number {
    const prefixes =
      (this.#operandPrefix ? 1 : 0) |
      (this.#lock ? 2 : 0) |
      (this.#repeat === "" ? 0 : this.#repeat === "rep" ? 4 : 8) |
      ((this.addressSize >> 5) << 4) |
      ((this.#override + 1) << 6) |
      ((this.#rex === 0 ? 0 : this.#rex - 0x30) << 9);
    return prefixes | ((this.#modrm & 0xff) << 14) | (this.#opcode << 22) | (this.#map << 30);
  }

  /** Reads the rest of an instruction of a known shape. */
  #follow(shape: number): Decoded {
    this.#shape = shape;
    const bits = this.#shapes[shape * 4 + 1]!;
    const first = this.#shapes[shape * 4 + 2]!;
    const others = this.#shapes[shape * 4 + 3]!;
    this.handler = first & 0xffff;
    this.registers[0] = first >>> 16;
    this.registers[1] = others & 0xffff;
    this.registers[2] = others >>> 16;
    this.ends = (bits & SHAPE.ends) !== 0;
    this.repeats = (bits & SHAPE.repeats) !== 0;
    const size = (bits >> 7) & 3;
    this.#operandSize = size === 2 ? 64 : size === 1 ? 32 : 16;
    this.segment = ((bits >> 14) & 7) as SegmentNumber;
    if ((bits & SHAPE.memory) !== 0) this.#memory();
    const immediate = ((bits >> 9) & 31) as TakeImmediate | typeof TAKE.one;
    if (immediate !== TAKE.one) this.#immediate(immediate);
    return "handler";
  }

  /** Keeps the shape of the instruction under way, if it has one. */
  #remember(shape: number, key: number, kind: number, { operands }: Recipe): void {
    let immediate: Take = TAKE.one;
    for (const { take } of operands) {
      if (take === TAKE.offset || take === TAKE.pointer) return;
      if (take >= TAKE.byteSigned && take <= TAKE.far) immediate = take;
    }
    const sizes = ((this.#operandSize >> 5) << 7) | (immediate << 9) | (this.segment << 14);
    const memory = this.hasMemory ? SHAPE.memory : 0;
    const traits = (this.ends ? SHAPE.ends : 0) | (this.repeats ? SHAPE.repeats : 0);
    const [first, second, third] = this.registers;
    const shapes = this.#shapes;
    shapes[shape * 4] = key;
    shapes[shape * 4 + 1] = kind | memory | sizes | traits;
    shapes[shape * 4 + 2] = this.handler | (first << 16);
    shapes[shape * 4 + 3] = second | (third << 16);
    this.#shapeKnown[shape] = this.#known;
  }

  #prefixes(): void {
    this.#operandPrefix = this.#lock = false;
    this.#repeat = "";
    this.#rex = 0;
    this.#override = -1;
    let addressPrefix = false;
    const is64 = this.#is64;
    const first = this.#bytes[this.#at];
    const isBare = first !== undefined && this.#at < this.#end && PREFIXES[first] === 0;
    while (!isBare) {
      const byte = this.#byte();
      if (this.#short) break;
      const kind = PREFIXES[byte];
      if (kind === 0 || (kind === 2 && !is64)) {
        this.#at--;
        break;
      }
      if (byte === 0x66) this.#operandPrefix = true;
      else if (byte === 0x67) addressPrefix = true;
      else if (byte === 0xf0) this.#lock = true;
      else if (byte === 0xf2) this.#repeat = "repne";
      else if (byte === 0xf3) this.#repeat = "rep";
      else if (byte === 0x64) this.#override = SEG.fs;
      else if (byte === 0x65) this.#override = SEG.gs;
      else if (byte === 0x26 || byte === 0x2e || byte === 0x36 || byte === 0x3e) {
        // In 64-bit mode these are ignored altogether; an earlier FS or GS stays in force.
        if (!is64) this.#override = (byte >> 3) & 3;
      } else {
        // REX counts only directly before the opcode.
        const next = this.#bytes[this.#at];
        if (this.#at < this.#end && next !== undefined && PREFIXES[next] !== 0) continue;
        this.#rex = byte;
        break;
      }
      if (this.#at > this.#end + INSTRUCTION_BYTES_MAX) break;
    }
    const size = this.#mode & MODE.codeSize;
    this.addressSize = size === 2 ? (addressPrefix ? 32 : 64) : (size === 1) !== addressPrefix ? 32 : 16;
    this.#operandSize = (this.#rex & 8) !== 0 ? 64 : (size === 0) === this.#operandPrefix ? 32 : 16;
  }

  /** In 64-bit mode VEX and EVEX have the bytes of LES, LDS and BOUND to themselves; elsewhere they are register forms of those, invalid without AVX. */
  #isVector(opcode: number): boolean {
    return this.#is64 && (opcode === 0xc4 || opcode === 0xc5 || opcode === 0x62);
  }

  #find(opcode: number): Recipe | null {
    const candidates = recipes(this.#map * 256 + opcode);
    for (let i = 0; i < candidates.length; i++) {
      const recipe = candidates[i]!;
      if ((recipe.bits & IS.modrm) !== 0 && this.#modrm < 0) this.#modrm = this.#byte();
      if (this.#matches(recipe) && !this.#absent.has(recipe.form)) return recipe;
    }
    return null;
  }
  #matches({ bits, prefix, digit, exact }: Recipe): boolean {
    if ((bits & (this.#is64 ? IS.not64 : IS.only64)) !== 0) return false;
    if (digit >= 0 && ((this.#modrm >> 3) & 7) !== digit) return false;
    if (exact >= 0 && this.#modrm !== exact) return false;
    if (prefix !== PREFIX[""] && prefix !== this.#mandatory()) return false;
    if ((bits & IS.nop) !== 0) return (this.#rex & 1) === 0;
    if ((bits & IS.addressed) === 0) return true;
    return (bits & (this.#modrm >= 0xc0 ? IS.memoryOnly : IS.registerOnly)) === 0;
  }
  #mandatory(): number {
    if (this.#repeat === "rep") return PREFIX.f3;
    if (this.#repeat === "repne") return PREFIX.f2;
    return this.#operandPrefix ? PREFIX["66"] : PREFIX.np;
  }

  #missing(vector: "" | "VEX" | "EVEX"): Decoded {
    const name = missingName(this.#map, this.#opcode, vector, this.#modrm);
    if (name === null) return "invalid";
    this.missing = name;
    return "missing";
  }

  #operands(recipe: Recipe): Decoded {
    const { bits, form, operands } = recipe;
    if ((bits & IS.size32) !== 0) this.#operandSize = (this.#rex & 8) !== 0 ? 64 : 32;
    if (this.#is64) {
      if ((bits & IS.size64) !== 0) this.#operandSize = 64;
      else if ((bits & IS.default64) !== 0)
        this.#operandSize = this.#operandPrefix && (this.#rex & 8) === 0 ? 16 : 64;
    }
    if ((bits & (IS.addressed | IS.modIgnored)) === IS.addressed && this.#modrm < 0xc0) this.#memory();
    // LOCK needs a form that allows it, with memory as its destination.
    if (this.#lock && !((bits & IS.lockable) !== 0 && this.hasMemory)) return "invalid";
    for (let i = 0; i < operands.length; i++) this.#operand(operands[i]!, i as 0 | 1 | 2);
    if ((bits & IS.enter) !== 0) this.#immediate2 = this.#byte();
    if (this.#short) return "short";
    if (this.#nonexistent) return "invalid";
    if (form.family.meaning === null) return this.#operation(form);
    return this.#emitted(recipe);
  }

  #operand(operand: Taking, slot: 0 | 1 | 2): void {
    const size = operand.size === 0 ? this.#operandSize : operand.size;
    const rm = this.#modrm & 7;
    const reg = (this.#modrm >> 3) & 7;
    switch (operand.take) {
      case TAKE.rm:
        if (!this.hasMemory) this.registers[slot] = this.#register(rm | ((this.#rex & 1) << 3), size);
        return;
      case TAKE.reg:
        this.registers[slot] = this.#register(reg | ((this.#rex & 4) << 1), size);
        return;
      case TAKE.opcode:
        this.registers[slot] = this.#register((this.#opcode & 7) | ((this.#rex & 1) << 3), size);
        return;
      case TAKE.accumulator:
        this.registers[slot] = STATE.gpr;
        return;
      case TAKE.counter:
        this.registers[slot] = STATE.gpr + 8;
        return;
      case TAKE.one:
        return;
      case TAKE.offset:
        this.hasMemory = true;
        this.segment = this.#override >= 0 ? (this.#override as SegmentNumber) : SEG.ds;
        this.displacement =
          this.addressSize === 64
            ? this.#quad()
            : this.addressSize === 32
              ? this.#signed32() >>> 0
              : this.#unsigned16();
        return;
      case TAKE.pointer:
        this.immediate = this.#sizedUnsigned();
        this.#immediate2 = this.#unsigned16();
        return;
      case TAKE.xmm1:
        this.registers[slot] = STATE.xmm + (reg | ((this.#rex & 4) << 1)) * 16;
        return;
      case TAKE.xmm2:
        if (!this.hasMemory) this.registers[slot] = STATE.xmm + (rm | ((this.#rex & 1) << 3)) * 16;
        return;
      // REX does not reach MMX registers.
      case TAKE.mm1:
        this.registers[slot] = STATE.fpuRegisters + reg * 16;
        return;
      case TAKE.mm2:
        if (!this.hasMemory) this.registers[slot] = STATE.fpuRegisters + rm * 16;
        return;
      case TAKE.segment:
        this.registers[slot] = this.#segmentRegister(reg);
        return;
      case TAKE.segmentOpcode:
        this.registers[slot] = this.#segmentRegister(SEGMENT_OF_PUSH[this.#opcode] ?? SEG.es);
        return;
      case TAKE.control:
        this.registers[slot] = this.#controlRegister(reg | ((this.#rex & 4) << 1));
        return;
      case TAKE.implicit:
        assert(false, "string operands are implicit", this.#form?.family.name ?? "");
      case TAKE.byteSigned:
      case TAKE.byte:
      case TAKE.word:
      case TAKE.sized:
      case TAKE.full:
      case TAKE.near:
      case TAKE.far:
        this.#immediate(operand.take);
    }
  }

  #immediate(take: TakeImmediate): void {
    switch (take) {
      case TAKE.byteSigned:
        this.immediate = this.#signed8();
        return;
      case TAKE.byte:
        this.immediate = this.#byte();
        return;
      case TAKE.word:
        this.immediate = this.#unsigned16();
        return;
      case TAKE.sized:
        this.immediate = this.#sized();
        return;
      case TAKE.full:
        this.immediate = this.#operandSize === 64 ? this.#quad() : this.#sizedUnsigned();
        return;
      case TAKE.near:
        this.relative = true;
        this.immediate = this.#signed8();
        return;
      case TAKE.far:
        this.relative = true;
        this.immediate = this.#sized();
        return;
    }
  }

  /** REX.R does not reach segment registers; 6 and 7 do not exist. */
  #segmentRegister(number: number): number {
    if (number > SEG.gs) this.#nonexistent = true;
    return STATE.segments + number * SEGMENT_BYTES + SEGMENT.selector;
  }
  #controlRegister(number: number): number {
    const offset = CONTROL_REGISTERS[number];
    if (offset === undefined) this.#nonexistent = true;
    return offset ?? RUN.zero;
  }

  /** Without REX, byte registers 4 … 7 are AH CH DH BH: the second byte of registers 0 … 3. */
  #register(number: number, size: number): number {
    if (size === 8 && this.#rex === 0 && number >= 4) return STATE.gpr + (number - 4) * 8 + 1;
    return STATE.gpr + number * 8;
  }

  #memory(): void {
    this.hasMemory = true;
    const mod = this.#modrm >> 6;
    const rm = this.#modrm & 7;
    let base: number = NONE;
    let index: number = NONE;
    if (this.addressSize === 16) {
      const absolute = mod === 0 && rm === 6;
      base = absolute ? NONE : (BASE16[rm] ?? NONE);
      index = absolute ? NONE : (INDEX16[rm] ?? NONE);
      if (mod === 2 || absolute) this.displacement = this.#signed16();
    } else {
      base = rm | ((this.#rex & 1) << 3);
      if (rm === 4) {
        const sib = this.#byte();
        index = ((sib >> 3) & 7) | ((this.#rex & 2) << 2);
        if (index === 4) index = NONE;
        this.shift = sib >> 6;
        base = (sib & 7) | ((this.#rex & 1) << 3);
        if (mod === 0 && (sib & 7) === 5) base = NONE;
      } else if (mod === 0 && rm === 5) {
        base = this.#is64 ? RIP : NONE;
      }
      const relativeOrAbsolute = mod === 0 && (base === NONE || base === RIP);
      if (mod === 2 || relativeOrAbsolute) this.displacement = this.#signed32();
    }
    if (mod === 1) this.displacement = this.#signed8();
    this.ripRelative = base === RIP;
    this.base = registerOffset(base);
    this.index = registerOffset(index);
    const usesStack = base === 4 || base === 5;
    this.segment = this.#override >= 0 ? (this.#override as SegmentNumber) : usesStack ? SEG.ss : SEG.ds;
  }

  #operation(form: Form): Decoded {
    let mnemonic = form.family.name;
    if (mnemonic === "ud") return "invalid";
    let reg = this.#modrm < 0 ? 0 : ((this.#modrm >> 3) & 7) | ((this.#rex & 4) << 1);
    if (mnemonic === "x87") {
      const name = x87Name(this.#opcode, this.#modrm);
      if (name === null) return "invalid";
      mnemonic = name;
    } else if ((mnemonic === "insw" || mnemonic === "outsw") && this.#operandSize !== 16) {
      mnemonic = mnemonic === "insw" ? "insd" : "outsd";
    } else if (mnemonic === "pop_sreg") {
      reg = SEGMENT_OF_PUSH[this.#opcode] ?? 0;
    } else if (mnemonic === "mov_sreg") {
      reg &= 7;
      if (reg === SEG.cs) return "invalid";
    }
    let rm = this.hasMemory || this.#modrm < 0 ? -1 : (this.#modrm & 7) | ((this.#rex & 1) << 3);
    for (const { kind } of form.operands) {
      // REX does not reach MMX registers.
      if (kind === "mm1") reg &= 7;
      else if ((kind === "mm2" || kind === "mm2/m") && rm >= 0) rm &= 7;
    }
    if (!this.hasMemory) this.segment = this.#override >= 0 ? (this.#override as SegmentNumber) : SEG.ds;
    this.instruction = {
      mnemonic,
      length: this.#at - this.#start,
      operandSize: this.#operandSize,
      addressSize: this.addressSize,
      reg,
      rm,
      segment: this.segment,
      immediate: BigInt(this.immediate),
      immediate2: this.#immediate2,
      rep: REPEATED_OPERATIONS.has(mnemonic) ? this.#repeat : "",
      lock: this.#lock,
      rex: this.#rex !== 0,
    };
    return "operation";
  }

  #emitted(recipe: Recipe): Decoded {
    const { bits } = recipe;
    if ((bits & IS.escapes) !== 0 && this.#operation(recipe.form) === "invalid") return "invalid";
    const isString = (bits & IS.string) !== 0;
    if (isString && !this.hasMemory)
      this.segment = this.#override >= 0 ? (this.#override as SegmentNumber) : SEG.ds;
    const stack = (bits & IS.stack) !== 0 ? this.#stackKind() : KIND.none;
    // A slow stack and a fast memory operand do not occur together.
    const memory =
      !this.hasMemory && !isString ? KIND.none : stack === KIND.segmented ? stack : this.#memoryKind();
    // The same few variants of a form come again and again, so each form remembers them.
    const repeat = !isString || this.#repeat === "" ? 0 : this.#repeat === "rep" ? 1 : 2;
    const sizes = (this.#operandSize >> 5) | ((this.addressSize >> 5) << 2);
    const key = sizes | (memory << 4) | (stack << 6) | (repeat << 8) | (this.hasMemory ? 1 << 10 : 0);
    let known = recipe.known.get(key);
    if (known === undefined) recipe.known.set(key, (known = this.#variant(recipe, memory, stack)));
    this.#known = known;
    this.handler = known.number;
    this.ends = known.ends;
    this.repeats = known.repeats;
    return "handler";
  }

  #variant({ form, operands: taken }: Recipe, memory: Kind, stack: Kind): Known {
    let { family } = form;
    if (family.traits.string === true && this.#repeat !== "") {
      const compares = family.name === "cmps" || family.name === "scas";
      const prefix = compares && this.#repeat === "repne" ? "repne" : "rep";
      family = repeatFamilies.get(`${prefix}_${family.name}`) ?? family;
    }
    const operands = taken
      .map(({ letter, mayBeMemory }) => (mayBeMemory && this.hasMemory ? "m" : letter))
      .join("");
    const variant: Variant = {
      family,
      width: widthFor(form, this.#operandSize),
      operands,
      memory: (["", "m64", "m32", "ms"] as const)[memory],
      stack: (["", "s64", "s32", "ss"] as const)[stack],
      address: this.addressSize,
    };
    const { ends, repeats } = family.traits;
    return {
      form,
      family,
      variant,
      number: handlerNumber(variant),
      ends: ends === true,
      repeats: repeats === true,
    };
  }

  #memoryKind(): Kind {
    if (this.#is64) {
      // Records of the fast variants have no room for offsets of 64 bits.
      if (this.segment >= SEG.fs || this.wide !== null) return KIND.segmented;
      return this.addressSize === 64 ? KIND.flat64 : KIND.flat32;
    }
    const flat =
      (this.#mode & MODE.flat) !== 0 &&
      (this.segment === SEG.ds || this.segment === SEG.es || this.segment === SEG.ss);
    return flat && this.addressSize === 32 ? KIND.flat32 : KIND.segmented;
  }
  #stackKind(): Kind {
    if (this.#is64) return KIND.flat64;
    const flat32 = MODE.flat | MODE.stack32;
    return (this.#mode & flat32) === flat32 ? KIND.flat32 : KIND.segmented;
  }
}

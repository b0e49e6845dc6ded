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
import {
  handlerNumber,
  widthFor,
  type MemoryKind,
  type StackKind,
  type Variant,
} from "./interpreter/variant.ts";
import { x87Name } from "./x87/index.ts";

/** What `decode` found. "short": the bytes ended before the instruction did. "invalid": #UD. "long": more than 15 bytes, #GP(0). */
export type Decoded = "handler" | "operation" | "invalid" | "missing" | "short" | "long";

const INSTRUCTION_BYTES_MAX = 15;

/** Candidate forms by map × 256 + opcode, most specific first. */
const table: Form[][] = Array.from({ length: 4 * 256 }, () => []);
for (const family of families) {
  for (const form of family.forms) {
    const last = form.opcodeRegister ? 7 : 0;
    for (let i = 0; i <= last; i++) table[form.map * 256 + form.opcode + i]?.push(form);
  }
}
const specificity = (form: Form): number =>
  (form.exact >= 0 ? 4 : 0) +
  (form.prefix === "" ? 0 : 2) +
  (form.digit >= 0 ? 1 : 0) +
  (form.family.name === "nop" ? 1 : 0);
for (const forms of table) forms.sort((a, b) => specificity(b) - specificity(a));

const MEMORY_KINDS: readonly MemoryKind[] = ["", "m64", "m32", "ms"];
const STACK_KINDS: readonly StackKind[] = ["", "s64", "s32", "ss"];
const handlersOfForms = new Map<Form, Map<number, number>>();

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

/** 16-bit addressing (SDM 2A table 2-1): base and index register by ModRM.rm; 16 = none. */
const BASE16 = [3, 3, 5, 5, 6, 7, 5, 3] as const;
const INDEX16 = [6, 7, 6, 7, 16, 16, 16, 16] as const;
const NONE = 16;
const RIP = 17;

const registerOffset = (number: number): number =>
  number === NONE ? RUN.zero : number === RIP ? RUN.traceRip : STATE.gpr + number * 8;

export class Decoder {
  readonly #absent: ReadonlySet<Form>;
  #bytes: Uint8Array = new Uint8Array(0);
  #at = 0;
  #end = 0;
  #short = false;

  // Results
  form: Form | null = null;
  /** The form's family, or the repeating one of it. */
  family: Family | null = null;
  length = 0;
  handler = 0;
  /** Of what the handler with that number is one. */
  variant: Variant | null = null;
  /** Register fields of operands 0 … 2, as offsets into linear memory. */
  readonly registers: [number, number, number] = [0, 0, 0];
  base: number = RUN.zero;
  index: number = RUN.zero;
  shift = 0;
  /** A RIP-relative displacement still counts from the next instruction. */
  ripRelative = false;
  displacement = 0;
  immediate = 0;
  /** An immediate or offset of 64 bits, which no number holds; takes the place of the field it belongs to. */
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

  /** @param absent forms that the processor does not know: they are no instructions */
  constructor(absent: ReadonlySet<Form> = new Set()) {
    this.#absent = absent;
  }

  /** Decodes at `bytes[at]`; bytes from `end` on are not known. `mode` is STATE.mode. */
  decode(bytes: Uint8Array, at: number, end: number, mode: number): Decoded {
    this.#bytes = bytes;
    this.#at = at;
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
    this.form = this.family = null;
    const result = this.#decode();
    this.length = this.#at - at;
    if (this.length > INSTRUCTION_BYTES_MAX) return "long";
    return this.#short ? "short" : result;
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
  #signed(bytes: 1 | 2 | 4): number {
    let value = 0;
    for (let i = 0; i < bytes; i++) value |= this.#byte() << (8 * i);
    const unused = 32 - 8 * bytes;
    return (value << unused) >> unused;
  }
  #unsigned(bytes: 1 | 2 | 4): number {
    const value = this.#signed(bytes);
    return bytes === 4 ? value >>> 0 : value & ((1 << (8 * bytes)) - 1);
  }
  /** Eight bytes, to `wide`; the field itself stays 0. */
  #quad(): number {
    const low = BigInt(this.#unsigned(4));
    this.wide = low | (BigInt(this.#unsigned(4)) << 32n);
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
    const form = this.#find(opcode);
    if (form === null) return this.#missing("");
    this.form = form;
    return this.#operands(form);
  }

  #prefixes(): void {
    this.#operandPrefix = this.#lock = false;
    this.#repeat = "";
    this.#rex = 0;
    this.#override = -1;
    let addressPrefix = false;
    const is64 = this.#is64;
    for (;;) {
      const byte = this.#byte();
      if (this.#short) break;
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
      } else if (is64 && (byte & 0xf0) === 0x40) {
        // REX counts only directly before the opcode.
        const next = this.#bytes[this.#at];
        if (this.#at < this.#end && next !== undefined && isPrefix(next, is64)) continue;
        this.#rex = byte;
        break;
      } else {
        this.#at--;
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

  #find(opcode: number): Form | null {
    const candidates = table[this.#map * 256 + opcode] as Form[];
    for (const form of candidates) {
      if (form.hasModrm && this.#modrm < 0) this.#modrm = this.#byte();
      if (this.#matches(form) && !this.#absent.has(form)) return form;
    }
    return null;
  }
  #matches(form: Form): boolean {
    const { traits } = form;
    const is64 = this.#is64;
    if (traits.has("i64") && is64) return false;
    if (traits.has("o64") && !is64) return false;
    if (form.digit >= 0 && ((this.#modrm >> 3) & 7) !== form.digit) return false;
    if (form.exact >= 0 && this.#modrm !== form.exact) return false;
    if (form.prefix !== "" && form.prefix !== this.#mandatory()) return false;
    // 90 is XCHG with REX.B; F3 90 is PAUSE even then, as on processors.
    if (form.family.name === "nop" && form.map === 0) return (this.#rex & 1) === 0;
    if (form.hasModrm && form.exact < 0) {
      const isRegister = this.#modrm >= 0xc0;
      const onlyMemory = form.operands.some((operand) => operand.kind === "m");
      if (onlyMemory && isRegister) return false;
      if (!isRegister && form.operands.some(({ kind }) => kind === "xmm2" || kind === "mm2")) return false;
      // MOV to and from control and debug registers ignores ModRM.mod.
      if (traits.has("nomem") && !isRegister && !form.family.name.startsWith("mov_")) return false;
    }
    return true;
  }
  #mandatory(): Form["prefix"] {
    if (this.#repeat === "rep") return "f3";
    if (this.#repeat === "repne") return "f2";
    return this.#operandPrefix ? "66" : "np";
  }

  #missing(vector: "" | "VEX" | "EVEX"): Decoded {
    const name = missingName(this.#map, this.#opcode, vector, this.#modrm);
    if (name === null) return "invalid";
    this.missing = name;
    return "missing";
  }

  #operands(form: Form): Decoded {
    const { family, traits } = form;
    if (form.isVector || traits.has("x32")) this.#operandSize = (this.#rex & 8) !== 0 ? 64 : 32;
    if (this.#is64) {
      if (traits.has("f64")) this.#operandSize = 64;
      else if (traits.has("d64")) this.#operandSize = this.#operandPrefix && (this.#rex & 8) === 0 ? 16 : 64;
    }
    const registerMode = traits.has("nomem") && family.name.startsWith("mov_");
    if (form.hasModrm && form.exact < 0 && this.#modrm < 0xc0 && !registerMode) this.#memory();
    // LOCK needs a form that allows it, with memory as its destination.
    if (this.#lock && !(traits.has("lock") && this.hasMemory)) return "invalid";
    let letters = "";
    form.operands.forEach((operand, index) => {
      letters += this.#operand(form, operand, index);
    });
    if (family.name === "enter") this.#immediate2 = this.#byte();
    if (this.#short) return "short";
    if (this.#nonexistent) return "invalid";
    if (family.meaning === null) return this.#operation(form);
    return this.#emitted(form, letters);
  }

  /** Decodes one operand and says of which kind it is for the handler: general, XMM (x) or MMX (y) register, memory, immediate or the constant 1. */
  #operand(form: Form, operand: Form["operands"][number], index: number): string {
    const size = operand.size === 0 ? this.#operandSize : operand.size;
    const slot = index as 0 | 1 | 2;
    switch (operand.kind) {
      case "rm":
      case "m":
        if (this.hasMemory) return "m";
        this.registers[slot] = this.#register((this.#modrm & 7) | ((this.#rex & 1) << 3), size);
        return "r";
      case "sreg":
        this.registers[slot] = this.#segmentRegister((this.#modrm >> 3) & 7);
        return "s";
      case "osreg":
        this.registers[slot] = this.#segmentRegister(SEGMENT_OF_PUSH[this.#opcode] ?? SEG.es);
        return "s";
      case "creg":
        this.registers[slot] = this.#controlRegister(((this.#modrm >> 3) & 7) | ((this.#rex & 4) << 1));
        return "s";
      case "r":
        this.registers[slot] = this.#register(((this.#modrm >> 3) & 7) | ((this.#rex & 4) << 1), size);
        return "r";
      case "o":
        this.registers[slot] = this.#register((this.#opcode & 7) | ((this.#rex & 1) << 3), size);
        return "r";
      case "a":
        this.registers[slot] = STATE.gpr;
        return "r";
      case "c":
        this.registers[slot] = STATE.gpr + 8;
        return "r";
      case "one":
        return "1";
      case "imm":
        this.immediate = this.#immediateOf(operand);
        return "i";
      case "rel":
        this.relative = true;
        this.immediate =
          operand.encoded === "b" ? this.#signed(1) : this.#signed(this.#operandSize === 16 ? 2 : 4);
        return "i";
      case "moffs":
        this.hasMemory = true;
        this.segment = this.#override >= 0 ? (this.#override as SegmentNumber) : SEG.ds;
        this.displacement =
          this.addressSize === 64 ? this.#quad() : this.#unsigned(this.addressSize === 32 ? 4 : 2);
        return "m";
      case "far":
        this.immediate = this.#unsigned(this.#operandSize === 16 ? 2 : 4);
        this.#immediate2 = this.#unsigned(2);
        return "i";
      case "xmm1":
        this.registers[slot] = STATE.xmm + (((this.#modrm >> 3) & 7) | ((this.#rex & 4) << 1)) * 16;
        return "x";
      case "xmm2":
      case "xmm2/m":
        if (this.hasMemory) return "m";
        this.registers[slot] = STATE.xmm + ((this.#modrm & 7) | ((this.#rex & 1) << 3)) * 16;
        return "x";
      // REX does not reach MMX registers.
      case "mm1":
        this.registers[slot] = STATE.fpuRegisters + ((this.#modrm >> 3) & 7) * 16;
        return "y";
      case "mm2":
      case "mm2/m":
        if (this.hasMemory) return "m";
        this.registers[slot] = STATE.fpuRegisters + (this.#modrm & 7) * 16;
        return "y";
      case "si":
      case "di":
        assert(false, "string operands are implicit", form.family.name);
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

  #immediateOf(operand: Form["operands"][number]): number {
    switch (operand.encoded) {
      case "b":
        return operand.signed ? this.#signed(1) : this.#unsigned(1);
      case "w":
        return this.#unsigned(2);
      case "z":
        return this.#signed(this.#operandSize === 16 ? 2 : 4);
      case "v":
      case "":
        return this.#operandSize === 64 ? this.#quad() : this.#unsigned((this.#operandSize / 8) as 2 | 4);
    }
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
      if (mod === 2 || absolute) this.displacement = this.#signed(2);
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
      if (mod === 2 || relativeOrAbsolute) this.displacement = this.#signed(4);
    }
    if (mod === 1) this.displacement = this.#signed(1);
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
      length: 0,
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

  #emitted(form: Form, operands: string): Decoded {
    let { family } = form;
    if (family.traits.escapes === true && this.#operation(form) === "invalid") return "invalid";
    if (family.traits.string === true && this.#repeat !== "") {
      const compares = family.name === "cmps" || family.name === "scas";
      const repeated = repeatFamilies.get(
        `${compares && this.#repeat === "repne" ? "repne" : "rep"}_${family.name}`,
      );
      if (repeated !== undefined) family = repeated;
    }
    this.family = family;
    const width = widthFor(form, this.#operandSize);
    const isString = family.traits.string === true;
    if (isString && !this.hasMemory)
      this.segment = this.#override >= 0 ? (this.#override as SegmentNumber) : SEG.ds;
    const stack = family.traits.stack === true ? this.#stackKind() : "";
    const usesMemory = this.hasMemory || isString;
    // A slow stack and a fast memory operand do not occur together.
    const memory = !usesMemory ? "" : stack === "ss" ? "ms" : this.#memoryKind();
    this.variant = { family, width, operands, memory, stack, address: this.addressSize };
    this.handler = this.#handler(form, this.variant);
    return "handler";
  }

  /** The variant's number. The same few variants of a form come again and again, so each form remembers them. */
  #handler(form: Form, variant: Variant): number {
    const shape = (MEMORY_KINDS.indexOf(variant.memory) << 2) | STACK_KINDS.indexOf(variant.stack);
    const repeat = this.#repeat === "" ? 0 : this.#repeat === "rep" ? 1 : 2;
    const key =
      (((variant.width << 4) | shape) << 8) | variant.address | (this.hasMemory ? 1 : 0) | (repeat << 1);
    let numbers = handlersOfForms.get(form);
    if (numbers === undefined) handlersOfForms.set(form, (numbers = new Map()));
    let number = numbers.get(key);
    if (number === undefined) numbers.set(key, (number = handlerNumber(variant)));
    return number;
  }

  #memoryKind(): MemoryKind {
    if (this.#is64) {
      if (this.segment >= SEG.fs) return "ms";
      return this.addressSize === 64 ? "m64" : "m32";
    }
    const flat =
      (this.#mode & MODE.flat) !== 0 &&
      (this.segment === SEG.ds || this.segment === SEG.es || this.segment === SEG.ss);
    return flat && this.addressSize === 32 ? "m32" : "ms";
  }
  #stackKind(): StackKind {
    if (this.#is64) return "s64";
    const flat32 = MODE.flat | MODE.stack32;
    return (this.#mode & flat32) === flat32 ? "s32" : "ss";
  }
}

function isPrefix(byte: number, is64: boolean): boolean {
  if (is64 && (byte & 0xf0) === 0x40) return true;
  return [0x66, 0x67, 0xf0, 0xf2, 0xf3, 0x64, 0x65, 0x26, 0x2e, 0x36, 0x3e].includes(byte);
}

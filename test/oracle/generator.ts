/**
 * Makes random cases from `forms.ts`: prefixes, operands, registers and memory so chosen that most accesses hit the arena, and the others its edges.
 *
 * Invariant: a case is a function of the random numbers alone, and never leaves what the native program can survive: no system calls, no loads of
 * selectors outside `segments.ts`, no endless loops but those the watchdog ends.
 */
import { ARENA, background, type Case, type Quad, type Selectors } from "./case.ts";
import { ALL_FLAGS, FLAGS, type Form, FORMS, type Option } from "./forms.ts";
import type { Random } from "./random.ts";
import { randomVectors, vectorValue } from "./vector-operands.ts";
import { CODE_SELECTORS, type Mode, MODES, segmentOf, SELECTORS } from "./segments.ts";

/** A case of an integer instruction, with what a comparison must know. */
export interface IntegerCase extends Case {
  readonly form: Form;
  readonly mode: Mode;
  /** RFLAGS bits that the manual leaves undefined for it. */
  readonly undefinedFlags: number;
}

const EDGES = [
  0n, 1n, 2n, 3n, 0x7fn, 0x80n, 0xffn, 0x100n, 0x7fffn, 0x8000n, 0xffffn, 0x10000n, 0x7fff_ffffn, 0x8000_0000n, 0xffff_ffffn, 0x1_0000_0000n,
  0x7fff_ffff_ffff_ffffn, 0x8000_0000_0000_0000n, 0xffff_ffff_ffff_ffffn, 0xffff_ffff_8000_0000n, 0x5555_5555_5555_5555n, 0x0102_0408_1020_4080n,
]; // oxfmt-ignore

const BACKGROUND = new DataView(background().buffer);
const TF = 0x100;
const IF = 0x200;
const DF = 0x400;
const AC = 0x4_0000;
const RSP = 4;
const RBP = 5;
const RSI = 6;
const RDI = 7;
const RCX = 1;

const mask = (bits: number): bigint => (1n << BigInt(bits)) - 1n;
const bytesOf = (value: bigint, count: number): number[] =>
  Array.from({ length: count }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn));

export function interesting(random: Random): bigint {
  const kind = random.below(8);
  if (kind < 3) return random.pick(EDGES);
  if (kind === 3) return BigInt(random.below(64));
  if (kind === 4) return BigInt.asUintN(64, -BigInt(random.below(64)));
  return random.bits64();
}

const total = MODES.reduce((sum, mode) => sum + mode.weight, 0);
function randomMode(random: Random): Mode {
  let rest = random.below(total);
  for (const mode of MODES) {
    if (rest < mode.weight) return mode;
    rest -= mode.weight;
  }
  return MODES[0]!;
}

/** A linear address for data: mostly inside the two data pages, sometimes across or beyond an edge. */
function dataTarget(random: Random): number {
  const kind = random.below(32);
  if (kind === 0)
    return ARENA + random.pick([0x3fff, 0x4000, 0x5ff8, 0x5ffc, 0x5ffe, 0x5fff, 0x5ff9, 0x3ffc, 0x6000]);
  if (kind === 1) return ARENA + 0x5000 - 16 + random.below(20);
  if (kind === 2) return ARENA + 0x7000 + random.below(0xff0);
  if (kind === 3) return ARENA + random.pick([0xfff8, 0xfffe, 0xffff, 0xf000, 0x8000, 0x1100]);
  return ARENA + 0x4010 + random.below(0x1fd0);
}

type Register = number;

/** Everything that is being put together for one case. */
class Builder {
  readonly random: Random;
  readonly form: Form;
  readonly mode: Mode;
  readonly gpr: bigint[];
  readonly memory = new Map<number, number>();
  readonly prefixes: number[] = [];
  rex = 0;
  readonly tail: number[] = [];
  /** Where in `tail` the displacement is that is relative to the end of the instruction, and the linear target. */
  relative: { at: number; size: number; target: number } | null = null;
  operandSize: 16 | 32 | 64;
  addressSize: 16 | 32 | 64;
  segment: keyof Selectors = "ds";
  /** Linear address of the memory operand, null without one. */
  operand: number | null = null;
  readonly codeOffset: number;
  fsBase = 0n;
  gsBase = 0n;

  constructor(random: Random, form: Form, mode: Mode) {
    this.random = random;
    this.form = form;
    this.mode = mode;
    this.gpr = Array.from({ length: 16 }, () => interesting(random));
    this.operandSize = mode.bits === 64 ? 32 : mode.bits;
    this.addressSize = mode.bits;
    const place = random.below(64);
    this.codeOffset =
      place === 0
        ? 0x2ff0 + random.below(16)
        : place < 4
          ? 0x1ff4 + random.below(12)
          : 0x1800 + random.below(0xc00);
  }

  has(option: Option): boolean {
    return this.form.options.has(option);
  }
  base(segment: keyof Selectors): number {
    if (this.mode.bits === 64)
      return segment === "fs" ? Number(this.fsBase) : segment === "gs" ? Number(this.gsBase) : 0;
    return segmentOf(this.mode.selectors[segment])?.base ?? 0;
  }
  /** The offset in `segment` of a linear address, as an unsigned value of the address size. */
  offset(linear: number, segment: keyof Selectors): bigint {
    return BigInt.asUintN(this.addressSize, BigInt(linear) - BigInt(this.base(segment)));
  }
  poke(linear: number, value: bigint, size: number): void {
    bytesOf(value, size).forEach((byte, i) => this.memory.set(linear - ARENA + i, byte));
  }
  /** Sets the low `bits` of a register. */
  setLow(register: Register, value: bigint, bits: number): void {
    this.gpr[register] = (this.gpr[register]! & ~mask(bits) & mask(64)) | (value & mask(bits));
  }

  codeTarget(): number {
    const { random } = this;
    const kind = random.below(24);
    if (kind === 0) return ARENA + random.pick([0xfff, 0x3000, 0x4100, 0x8000, 0x2fff, 0x1000]);
    return ARENA + 0x1000 + random.below(0x2000);
  }
  /** The same as an offset in the code segment. */
  codeOffsetOf(linear: number): bigint {
    return (
      BigInt(linear) - BigInt(this.mode.bits === 64 ? 0 : (segmentOf(this.mode.selectors.cs)?.base ?? 0))
    );
  }

  quads(): Quad[] {
    const offsets = new Set([...this.memory.keys()].map((at) => at & ~7));
    return [...offsets]
      .filter((offset) => isData(offset))
      .map((offset) => {
        const bytes = Array.from(
          { length: 8 },
          (_, i) => this.memory.get(offset + i) ?? BACKGROUND.getUint8(offset + i),
        );
        return { offset, value: bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n) };
      });
  }
}

const isData = (offset: number): boolean =>
  (offset >= 0x4000 && offset < 0x6000) ||
  (offset >= 0x9000 && offset < 0xa000) ||
  (offset >= 0xf000 && offset < 0x10000);

const SEGMENT_PREFIXES = { es: 0x26, cs: 0x2e, ss: 0x36, ds: 0x3e, fs: 0x64, gs: 0x65 } as const;
const SEGMENT_NAMES = ["es", "cs", "ss", "ds", "fs", "gs"] as const;

function choosePrefixes(b: Builder): void {
  const { random, form, mode } = b;
  const np = b.has("np");
  if (mode.bits === 64) {
    if (random.oneIn(2)) b.rex = 0x40 | random.below(16);
  }
  if (!np && !b.has("no16") && random.oneIn(4)) {
    b.prefixes.push(0x66);
    b.operandSize = mode.bits === 16 ? 32 : 16;
  } else if (b.has("no16") && mode.bits === 16) {
    b.prefixes.push(0x66);
    b.operandSize = 32;
  }
  if (form.opcode[0] === 0x66) b.operandSize = mode.bits === 16 ? 32 : 16;
  if ((b.rex & 8) !== 0) b.operandSize = 64;
  else if (mode.bits === 64 && (b.has("d64") || b.has("f64")))
    b.operandSize = b.has("d64") && b.operandSize === 16 ? 16 : 64;
  if (random.oneIn(8)) {
    b.prefixes.push(0x67);
    b.addressSize = mode.bits === 64 ? 32 : mode.bits === 32 ? 16 : 32;
  }
  if (random.oneIn(6)) {
    const segment = random.pick(SEGMENT_NAMES);
    b.prefixes.push(SEGMENT_PREFIXES[segment]);
    if (mode.bits !== 64 || segment === "fs" || segment === "gs") b.segment = segment;
    else b.segment = "ds";
  }
  if (
    b.has("rep")
      ? random.oneIn(2)
      : !np && form.opcode[0] !== 0x0f && form.opcode[0] !== 0x90 && random.oneIn(24)
  ) {
    b.prefixes.push(random.pick([0xf2, 0xf3]));
  }
  // Of several mandatory prefixes, F2 and F3 win.
  if (b.has("vec") && (form.opcode[0] === 0xf2 || form.opcode[0] === 0xf3) && random.oneIn(8))
    b.prefixes.push(0x66);
  if (b.has("lock") ? random.oneIn(6) : random.oneIn(100)) b.prefixes.push(0xf0);
  for (let i = b.prefixes.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [b.prefixes[i], b.prefixes[j]] = [b.prefixes[j]!, b.prefixes[i]!];
  }
}

/** The default segment of a memory operand unless a prefix said otherwise. */
function withDefaultSegment(b: Builder, throughStack: boolean): keyof Selectors {
  return b.segment === "ds" && throughStack && !b.prefixes.includes(SEGMENT_PREFIXES.ds) ? "ss" : b.segment;
}

function chooseTarget(b: Builder, size: number): number {
  let target = dataTarget(b.random);
  // A locked access across a cache line would be a split lock, which hosts may punish.
  if (b.has("vec") && !b.random.oneIn(4)) target &= ~15;
  if (size > 0 && (b.prefixes.includes(0xf0) || b.form.name === "xchg") && (target & 63) + size > 64)
    target &= ~63;
  return target;
}

function addModrm16(b: Builder, reg: number, target: number): void {
  const { random } = b;
  const mod = random.below(3);
  const rm = random.below(8);
  const bx = 3;
  const direct = mod === 0 && rm === 6;
  const registers = ([[bx, RSI], [bx, RDI], [RBP, RSI], [RBP, RDI], [RSI], [RDI], [RBP], [bx]] as const)[rm]!; // oxfmt-ignore
  const segment = withDefaultSegment(b, !direct && (registers as readonly number[]).includes(RBP));
  const offset = b.offset(target, segment);
  b.tail.push((mod << 6) | (reg << 3) | rm);
  if (direct) {
    b.tail.push(...bytesOf(offset, 2));
    return;
  }
  const displacement =
    mod === 0 ? 0n : mod === 1 ? BigInt.asIntN(8, random.bits64()) : BigInt.asIntN(16, random.bits64());
  let rest = offset - displacement;
  if (registers.length === 2) rest -= b.gpr[registers[1]]! & 0xffffn;
  b.setLow(registers[0], BigInt.asUintN(16, rest), 16);
  b.tail.push(...bytesOf(displacement, mod));
}

function addModrm32(b: Builder, reg: number, target: number): void {
  const { random, mode } = b;
  const bits = b.addressSize;
  const mod = random.below(3);
  const rm = random.below(8);
  let base: Register | null = rm | ((b.rex & 1) << 3);
  let index: Register | null = null;
  let scale = 0;
  b.tail.push((mod << 6) | ((reg & 7) << 3) | rm);
  let ripRelative = false;
  if (rm === 4) {
    const sib = random.below(256);
    b.tail.push(sib);
    scale = sib >>> 6;
    const indexNumber = ((sib >>> 3) & 7) | ((b.rex & 2) << 2);
    index = indexNumber === 4 ? null : indexNumber;
    base = (sib & 7) | ((b.rex & 1) << 3);
    if ((sib & 7) === 5 && mod === 0) base = null;
  } else if (rm === 5 && mod === 0) {
    base = null;
    ripRelative = mode.bits === 64;
  }
  const segment = withDefaultSegment(b, base === RSP || base === RBP);
  const offset = b.offset(target, segment);
  const dispSize = mod === 1 ? 1 : mod === 2 || base === null ? 4 : 0;
  if (ripRelative) {
    b.relative = { at: b.tail.length, size: 4, target: Number(BigInt.asUintN(53, offset)) };
    b.tail.push(0, 0, 0, 0);
    return;
  }
  let displacement =
    dispSize === 0
      ? 0n
      : BigInt.asIntN(
          dispSize * 8,
          dispSize === 4 && random.oneIn(2) ? BigInt(random.below(4096)) : random.bits64(),
        );
  const factor = 1n << BigInt(scale);
  if (base === null && index === null) displacement = BigInt.asIntN(32, offset);
  else if (base === null && index !== null)
    b.setLow(index, BigInt.asUintN(bits, (offset - displacement) / factor), bits);
  else if (base !== null && base === index)
    b.setLow(base, BigInt.asUintN(bits, (offset - displacement) / (factor + 1n)), bits);
  else if (base !== null) {
    const scaled = index === null ? 0n : BigInt.asUintN(bits, b.gpr[index]! * factor);
    b.setLow(base, BigInt.asUintN(bits, offset - displacement - scaled), bits);
  }
  b.tail.push(...bytesOf(displacement, dispSize));
}

/** ModRM with everything behind it. `size`: bytes of the operand. */
function addModrm(b: Builder, size: number): void {
  const { random, form } = b;
  const reg = form.modrm === 8 ? random.below(8) : form.modrm;
  // Where the other kind of operand would make it another instruction (0F 01, 0F AE, VEX), there is only the one.
  const strict = (form.opcode.length > 1 && [0x01, 0xae].includes(form.opcode.at(-1)!)) || b.has("i64");
  const rarely = !strict && random.oneIn(50);
  const memory = b.has("mem") ? !rarely : b.has("reg") ? rarely : random.oneIn(2);
  if (!memory) {
    b.tail.push(0xc0 | (reg << 3) | random.below(8));
    return;
  }
  const target = chooseTarget(b, size);
  b.operand = target;
  if (b.addressSize === 16) addModrm16(b, reg, target);
  else addModrm32(b, reg, target);
}

/** The number of the register in ModRM.rm, when the operand is one. */
const rmRegister = (b: Builder): Register => (b.tail[0]! & 7) | ((b.rex & 1) << 3);

function setOperand(b: Builder, value: bigint, size: number): void {
  if (b.operand !== null) b.poke(b.operand, value, size);
  else if (b.form.modrm >= 0) b.setLow(rmRegister(b), value, size * 8);
}

function addImmediates(b: Builder): void {
  const { random, form } = b;
  const wide = b.operandSize === 16 ? 2 : 4;
  for (const immediate of form.immediates) {
    switch (immediate) {
      case "ib":
        b.tail.push(form.name === "int" ? randomVector(random) : Number(interesting(random) & 0xffn));
        break;
      case "iw":
        b.tail.push(
          ...bytesOf(
            form.name === "enter"
              ? BigInt(random.below(64))
              : BigInt(random.below(random.oneIn(4) ? 0x10000 : 64)),
            2,
          ),
        );
        break;
      case "iz":
        b.tail.push(...bytesOf(interesting(random), wide));
        break;
      case "iv":
        b.tail.push(...bytesOf(interesting(random), b.has("b") ? 1 : b.operandSize / 8));
        break;
      case "rel8":
        b.tail.push(random.pick([random.bits32() & 0xff, random.below(64), 0x80, 0x7f]));
        break;
      case "relz": {
        const size = b.operandSize === 16 && b.mode.bits !== 64 ? 2 : 4;
        b.relative = { at: b.tail.length, size, target: b.codeTarget() };
        b.tail.push(...bytesOf(0n, size));
        break;
      }
      case "moffs": {
        b.operand = chooseTarget(b, b.has("b") ? 1 : b.operandSize / 8);
        b.tail.push(...bytesOf(b.offset(b.operand, b.segment), b.addressSize / 8));
        break;
      }
      case "far":
        b.tail.push(...farPointer(b, wide));
        break;
    }
  }
}

/** INT n: the vectors with gates of their own, and any other but the system call and what would look like INT3. */
function randomVector(random: Random): number {
  const vector = random.oneIn(4) ? random.pick([3, 4, 1, 0, 8, 14]) : random.bits32() & 0xff;
  return vector === 0x80 ? 0x81 : vector;
}

/** Offset (of `size` bytes) and selector, most of them to code in the arena. */
function farPointer(b: Builder, size: number): number[] {
  const { random } = b;
  const code = !random.oneIn(4);
  const picked = random.pick(code ? CODE_SELECTORS : SELECTORS);
  // Far calls and returns between 64-bit code and others use the stack as the new code would: the manual does not say so, and only a 16-bit stack or a
  // pointer beyond 4 GiB tells the difference.
  const selector = (picked & ~3) === 0x30 && stackBits(b) === 16 ? 0x23 : picked;
  const target = BigInt(b.codeTarget()) - BigInt(segmentOf(selector)?.base ?? 0);
  return [
    ...bytesOf(BigInt.asUintN(64, random.oneIn(32) ? random.bits64() : target), size),
    selector & 0xff,
    selector >>> 8,
  ];
}

/** Bytes on the stack from its pointer up. */
function putStack(b: Builder, bytes: readonly number[]): void {
  const at = stackLinear(b);
  bytes.forEach((byte, i) => b.memory.set(at + i - ARENA, byte));
}

/** Bits of the stack pointer that are in use. */
function stackBits(b: Builder): 16 | 32 | 64 {
  if (b.mode.bits === 64) return 64;
  return ((segmentOf(b.mode.selectors.ss)?.attributes ?? 0) & 0x4000) !== 0 ? 32 : 16;
}
function stackLinear(b: Builder): number {
  return b.base("ss") + Number(b.gpr[RSP]! & mask(stackBits(b)) & mask(52));
}

/** Puts the stack pointer into the stack page, or now and then at one of its ends. */
function chooseStack(b: Builder): void {
  const { random } = b;
  // How many bytes of a selector's slot POP, RET and IRET read is the processor's affair, so they are all there.
  const readsSelector = /^(pop_sreg|ret_far|iret)$/.test(b.form.name);
  const atEdge = !readsSelector && random.oneIn(24);
  const top = atEdge
    ? random.pick([0x9000, 0x9002, 0x9004, 0x9008, 0xa000, 0x9ffe, 0x9ffc, 0x9ff8, 0x9ff9])
    : 0x9200 + random.below(0xc00);
  const aligned = random.oneIn(4) && b.form.name !== "pop_sreg" ? top : top & ~7;
  const bits = stackBits(b);
  b.setLow(RSP, BigInt.asUintN(bits, BigInt(ARENA + aligned - b.base("ss"))), bits);
  if (bits === 64 && !/^(call_far|enter)$/.test(b.form.name) && random.oneIn(60))
    b.gpr[RSP] = random.pick([
      0x8000_0000_0000n,
      0x7fff_ffff_ffffn + 1n,
      0x8000_0000_0000n + 4n,
      interesting(random),
    ]);
}

/** A flags image for POPF and IRET: anything but TF, which is set in its own cases. */
const flagsImage = (random: Random): bigint => BigInt((random.bits32() & 0x0034_7ed7 & ~0x100) | 0x202);

function prepareStack(b: Builder): void {
  const { random } = b;
  const size = b.operandSize / 8;
  if (b.has("popf") || b.has("iret") || b.has("retf") || b.has("enter") || b.has("leave")) chooseStack(b);
  if (b.form.name === "ret") putStack(b, bytesOf(b.codeOffsetOf(b.codeTarget()), size));
  // The upper half of a pushed selector is written or left alone, as the processor likes (SDM 2B, PUSH): with zeros there both look the same.
  if (b.form.name === "push_sreg") for (let i = 1; i <= 8; i++) b.memory.set(stackLinear(b) - i - ARENA, 0);
  if (b.has("popf")) putStack(b, bytesOf(flagsImage(random), size));
  if (b.has("retf") || b.has("iret")) {
    const far = farPointer(b, size);
    const frame = [...far, ...bytesOf(0n, size - 2)];
    // AC would count for the rest of the frame already, and Linux takes that #AC for a split lock.
    if (b.has("iret")) frame.push(...bytesOf(flagsImage(random) & ~0x4_0000n, size));
    else if (random.oneIn(2)) frame.push(...bytesOf(random.bits64(), (b.tail[0] ?? 0) & ~1));
    frame.push(
      ...bytesOf(BigInt(ARENA + 0x9800), size),
      ...bytesOf(BigInt(random.pick([0x2b, 0x1f, 0x27, random.pick(SELECTORS)])), size),
    );
    putStack(b, frame);
  }
  if (b.has("sel") && b.has("pop")) putStack(b, bytesOf(BigInt(random.pick(SELECTORS)), size));
  if (b.has("leave") || b.has("enter")) {
    const bits = stackBits(b);
    const frame = BigInt.asUintN(bits, BigInt(ARENA + 0x9400 + random.below(0x800) - b.base("ss")));
    if (!random.oneIn(16)) b.setLow(RBP, frame, bits);
  }
}

function prepareOperands(b: Builder): void {
  const { random } = b;
  const size = b.has("b") ? 1 : b.operandSize / 8;
  if (b.has("jump")) setOperand(b, BigInt.asUintN(64, b.codeOffsetOf(b.codeTarget())), size);
  if (b.has("sel") && !b.has("pop")) {
    setOperand(b, BigInt(random.pick(SELECTORS)), 2);
    if (b.form.name === "arpl") b.setLow((b.tail[0]! >>> 3) & 7, BigInt(random.pick(SELECTORS)), 16);
  }
  if (b.has("farmem") && b.operand !== null) {
    if (b.has("load")) {
      bytesOf(interesting(random), size).forEach((byte, i) => b.memory.set(b.operand! - ARENA + i, byte));
      b.poke(b.operand + size, BigInt(random.pick(SELECTORS)), 2);
    } else farPointer(b, size).forEach((byte, i) => b.memory.set(b.operand! - ARENA + i, byte));
  }
  if (b.has("bits") && b.operand !== null && random.oneIn(2) === false) {
    // Keep most bit strings in the arena: the index reaches up to 2^63 bytes away otherwise.
    const register = ((b.tail[0]! >>> 3) & 7) | ((b.rex & 4) << 1);
    const span = BigInt(random.below(4096) - 2048);
    if (register !== RSP) b.setLow(register, BigInt.asUintN(b.operandSize, span), b.operandSize);
  }
  if (b.has("divide") && !random.oneIn(4)) {
    const bits = size * 8;
    const divisor = random.oneIn(2) ? BigInt(random.below(200) + 1) : interesting(random);
    setOperand(b, divisor, size);
    // The upper half of the dividend is small, so that the quotient fits.
    const high = random.pick([0n, 0n, -1n, BigInt(random.below(16))]);
    if (bits === 8) b.setLow(0, BigInt.asUintN(16, (high << 8n) | (b.gpr[0]! & 0xffn)), 16);
    else b.setLow(2, BigInt.asUintN(bits, high), bits);
  }
  if (b.has("pair") && b.operand !== null && random.oneIn(2)) {
    const half = b.operandSize === 64 ? 8 : 4;
    const bits = half * 8;
    b.poke(b.operand, b.gpr[0]! & mask(bits), half);
    b.poke(b.operand + half, b.gpr[2]! & mask(bits), half);
  }
  if (b.form.name === "cmpxchg" && random.oneIn(2)) setOperand(b, b.gpr[0]! & mask(size * 8), size);
  if (b.has("bound") && b.operand !== null && random.oneIn(2)) {
    const register = (b.tail[0]! >>> 3) & 7;
    const index = BigInt.asIntN(b.operandSize, b.gpr[register]!);
    b.poke(b.operand, BigInt.asUintN(b.operandSize, index - BigInt(random.below(3))), size);
    b.poke(b.operand + size, BigInt.asUintN(b.operandSize, index + BigInt(random.below(4) - 1)), size);
  }
}

function prepareVectors(b: Builder): void {
  const { random } = b;
  if (b.operand !== null && !random.oneIn(4)) vectorValue(random).forEach((byte, i) => b.memory.set(b.operand! - ARENA + i, byte));
  if (b.has("maskmov")) b.setLow(RDI, b.offset(chooseTarget(b, 0), b.segment), b.addressSize);
} // oxfmt-ignore

function prepareStrings(b: Builder): void {
  const { random } = b;
  const bits = b.addressSize;
  const place = (register: Register, segment: keyof Selectors): void =>
    b.setLow(register, b.offset(chooseTarget(b, 0), segment), bits);
  if (b.has("si")) place(RSI, b.segment);
  if (b.has("di")) place(RDI, "es");
  if (b.has("rep")) {
    b.setLow(RCX, BigInt(random.below(random.oneIn(4) ? 60 : 6)), bits);
    // Something equal to compare, so that REPE and REPNE go on for a while.
    if (random.oneIn(2)) {
      const byte = random.below(256);
      const cells = [RSI, RDI].map(
        (register) =>
          Number(b.gpr[register]! & mask(bits) & mask(32)) +
          (register === RSI ? b.base(b.segment) : b.base("es")),
      );
      for (const cell of cells)
        for (let i = -64; i < 64; i++) if (!random.oneIn(12)) b.memory.set(cell + i - ARENA, byte);
      b.gpr[0] = BigInt.asUintN(64, BigInt(byte) * 0x0101_0101_0101_0101n);
    }
  }
  if (b.has("xlat"))
    b.setLow(3, BigInt.asUintN(bits, b.offset(chooseTarget(b, 1), b.segment) - (b.gpr[0]! & 0xffn)), bits);
  if (b.form.name.startsWith("loop") || b.form.name === "jcxz") b.setLow(RCX, BigInt(random.below(4)), bits);
}

/** Flags the manual leaves undefined after a shift by `count` (already masked) of an operand of `bits`. */
function shiftUndefined(b: Builder, count: number, bits: number): number {
  if (count === 0) return 0;
  if (b.has("rotate")) return count === 1 ? 0 : FLAGS.of;
  if (b.has("double")) return count > bits ? ALL_FLAGS : FLAGS.af | (count === 1 ? 0 : FLAGS.of);
  return FLAGS.af | (count === 1 ? 0 : FLAGS.of) | (count >= bits && b.form.modrm !== 7 ? FLAGS.cf : 0);
}

function undefinedFlags(b: Builder): number {
  const { form } = b;
  if (!b.has("shift") && !b.has("rotate") && !b.has("double")) return form.undefinedFlags;
  const last = form.opcode.at(-1)!;
  const byOne = last === 0xd0 || last === 0xd1;
  const immediate = form.immediates.length > 0;
  const bits = b.has("b") ? 8 : b.operandSize;
  const raw = byOne ? 1 : immediate ? b.tail.at(-1)! : Number(b.gpr[RCX]! & 0xffn);
  return shiftUndefined(b, raw & (bits === 64 ? 63 : 31), bits);
}

/**
 * Whether a case may run with AC set: not where a fault of another kind competes with #AC, and not where the width of an access is the processor's
 * affair (ENTER's last probe, the slot of a pushed selector).
 */
function alignmentMatters(b: Builder): boolean {
  return !/^(enter|push_sreg|pop_sreg)$/.test(b.form.name) && b.gpr[RSP]! >> 47n === 0n;
}

function fits(form: Form, mode: Mode): boolean {
  if (mode.bits === 64) return !form.options.has("i64");
  return !form.options.has("o64");
}

/** Puts displacements and branch distances in that count from the end of the instruction. */
function resolveRelative(b: Builder, length: number): void {
  if (b.relative === null) return;
  const { at, size, target } = b.relative;
  const from = b.codeOffsetOf(ARENA + b.codeOffset + length);
  const to = b.form.immediates.includes("relz") ? b.codeOffsetOf(target) : BigInt(target);
  bytesOf(BigInt.asUintN(64, to - from), size).forEach((byte, i) => (b.tail[at + i] = byte));
}

/** One instruction of `form` in `mode`, or null if the two do not go together. */
function build(random: Random, form: Form, mode: Mode): IntegerCase | null {
  if (!fits(form, mode)) return null;
  const b = new Builder(random, form, mode);
  if (mode.bits === 64) {
    b.fsBase = random.oneIn(4) ? 0n : BigInt(random.pick([ARENA, ARENA + 0x4000, 0x1000]));
    b.gsBase = random.oneIn(4) ? 0n : BigInt(random.pick([ARENA, ARENA + 0x5000, 0x800]));
  }
  choosePrefixes(b);
  const operandBytes = b.has("b") ? 1 : b.operandSize / 8;
  if (b.has("push") || b.has("pop")) chooseStack(b);
  if (b.has("lengths") && !random.oneIn(8))
    for (const register of [0, 2]) b.gpr[register] = BigInt.asUintN(64, BigInt(random.below(40) - 20));
  // INS and OUTS at CPL 3 must fault; a mandatory prefix is the opcode's first byte.
  if (form.modrm >= 0) addModrm(b, b.has("pair") ? Math.max(operandBytes, 4) * 2 : operandBytes);
  addImmediates(b);
  if (b.has("vec")) prepareVectors(b);
  prepareStrings(b);
  prepareStack(b);
  prepareOperands(b);
  const mandatory =
    form.opcode.length > 1 && [0x66, 0xf2, 0xf3].includes(form.opcode[0]!) ? [form.opcode[0]!] : [];
  const opcode = form.opcode.slice(mandatory.length);
  if (form.opcodeRegister) opcode[opcode.length - 1]! |= random.below(8);
  const head = [...b.prefixes, ...mandatory, ...(b.rex !== 0 ? [b.rex] : []), ...opcode];
  resolveRelative(b, head.length + b.tail.length);
  const code = Uint8Array.from([...head, ...b.tail]);
  if (b.codeOffset + code.length > 0x3000) return null;
  // See `farPointer`: beyond 4 GiB the stack of a far call is where no manual tells.
  if (mode.bits === 64 && form.name === "call_far" && b.gpr[RSP]! >= 1n << 32n) return null;
  const step = random.oneIn(10) ? TF : 0;
  const optional = (random.oneIn(4) ? DF : 0) | (random.oneIn(40) && alignmentMatters(b) ? AC : 0);
  const flags = (random.bits32() & (ALL_FLAGS | optional)) | IF | 2 | step;
  return {
    name: form.name,
    form,
    mode,
    gpr: b.gpr.map((value) => (mode.bits === 64 ? value : value & mask(32))),
    rip: BigInt.asUintN(64, b.codeOffsetOf(ARENA + b.codeOffset)),
    rflags: flags,
    fsBase: b.fsBase,
    gsBase: b.gsBase,
    selectors: mode.selectors,
    code,
    codeOffset: b.codeOffset,
    pokes: b.quads(),
    fx: b.has("vec") ? randomVectors(random) : null,
    undefinedFlags: undefinedFlags(b),
  };
}

/** The next case: any of the forms in any mode, or of `name` only. */
export function randomCase(
  random: Random,
  name: string | null = null,
  forms: readonly Form[] = FORMS,
): IntegerCase {
  for (;;) {
    const form = random.pick(forms);
    if (name !== null && form.name !== name) continue;
    const item = build(random, form, randomMode(random));
    if (item !== null) return item;
  }
}

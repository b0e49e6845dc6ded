/**
 * Decodes instructions to steps.
 *
 * Beside `disassembly/decoder.ts` the only file that knows iced-x86. Its facts about an instruction's registers and memory cost a microsecond each, so the
 * mnemonics that most code is made of are described here, by their operands, and only the others are asked about.
 */
import * as iced from "iced-x86";
import {
  NONE,
  RIP,
  RSP,
  type Action,
  type Bits,
  type Condition,
  type Flow,
  type Operand,
  type Step,
} from "./step.ts";

const NOTHING: Action = { kind: "none" };
const NO_OPERANDS: readonly Operand[] = [];

/** How the operands of a common mnemonic are used: the first is written, read and written, or all are only read. */
const USE = { write: 1, update: 2, read: 3 } as const;

interface Tables {
  /** By mnemonic; 0 for those that have to be asked about. */
  readonly use: Uint8Array;
  /** By register: its number, or 255. */
  readonly number: Uint8Array;
  /** By register: bytes. */
  readonly size: Uint8Array;
  /** Numbers of iced-x86 that are compared with for every instruction, where they are found quickest. */
  readonly mnemonics: ReturnType<typeof mnemonics>;
  readonly kinds: ReturnType<typeof kinds>;
  /** What `x op n` changes nothing with. */
  readonly neutral: ReadonlyMap<number, number>;
  readonly factory: iced.InstructionInfoFactory;
}

function mnemonics() {
  const M = iced.Mnemonic;
  return {
    Add: M.Add,
    And: M.And,
    Cdqe: M.Cdqe,
    Cmp: M.Cmp,
    Dec: M.Dec,
    Endbr64: M.Endbr64,
    Enter: M.Enter,
    Inc: M.Inc,
    Int3: M.Int3,
    Jmp: M.Jmp,
    Lea: M.Lea,
    Leave: M.Leave,
    Mov: M.Mov,
    Movsxd: M.Movsxd,
    Nop: M.Nop,
    Pop: M.Pop,
    Push: M.Push,
    Sub: M.Sub,
    Xor: M.Xor,
    Test: M.Test,
    Xabort: M.Xabort,
    Xend: M.Xend,
  };
}

function kinds() {
  const K = iced.OpKind;
  const { Register, Memory, Immediate8, Immediate32, Immediate32to64 } = K;
  return { Register, Memory, Immediate8, Immediate32, Immediate32to64 };
}

let tables: Tables | null = null;

/** Made when the first instruction is decoded: nothing of iced-x86 is touched before. */
function load(): Tables {
  const { Mnemonic: M, Register: R, RegisterExt } = iced;
  const use = new Uint8Array(4096);
  for (const mnemonic of [
    M.Mov, M.Lea, M.Movzx, M.Movsx, M.Movsxd, M.Movaps, M.Movups, M.Movdqa, M.Movdqu, M.Movss, M.Movsd, M.Movq, M.Movd,
    M.Sete, M.Setne, M.Seta, M.Setae, M.Setb, M.Setbe, M.Setg, M.Setge, M.Setl, M.Setle, M.Sets, M.Setns,
    M.Cmove, M.Cmovne, M.Cmova, M.Cmovae, M.Cmovb, M.Cmovbe, M.Cmovg, M.Cmovge, M.Cmovl, M.Cmovle, M.Cmovs, M.Cmovns,
  ]) use[mnemonic] = USE.write; // oxfmt-ignore
  for (const mnemonic of [
    M.Add, M.Sub, M.And, M.Or, M.Xor, M.Adc, M.Sbb, M.Inc, M.Dec, M.Neg, M.Not, M.Shl, M.Shr, M.Sar, M.Rol, M.Ror, M.Bts, M.Btr,
  ]) use[mnemonic] = USE.update; // oxfmt-ignore
  for (const mnemonic of [M.Cmp, M.Test, M.Bt, M.Jmp, M.Call]) use[mnemonic] = USE.read;
  const number = new Uint8Array(512).fill(255);
  const size = new Uint8Array(512);
  const first = R.RAX;
  for (let register = R.AL as number; register <= R.R15; register++) {
    const full = RegisterExt.fullRegister(register);
    if (full < first || full > R.R15) continue;
    number[register] = full - first;
    size[register] = RegisterExt.size(register);
  }
  const neutral = new Map<number, number>([
    [M.Add, 0], [M.Sub, 0], [M.Or, 0], [M.Xor, 0], [M.And, -1],
  ]); // oxfmt-ignore
  return {
    use,
    number,
    size,
    mnemonics: mnemonics(),
    kinds: kinds(),
    neutral,
    factory: new iced.InstructionInfoFactory(),
  };
}

/** Decodes the instructions of one stretch of code; made for a function and given back after it (`free`). */
export class InstructionReader {
  readonly #decoder: iced.Decoder;
  readonly #instruction = new iced.Instruction();
  readonly #tables = (tables ??= load());
  readonly #bits: Bits;
  readonly #length: number;
  readonly #base: bigint;
  readonly #word: number;
  readonly #start: number;

  /** @param base the linear address that steps are relative to, @param start of `bytes`, from there. */
  constructor(bytes: Uint8Array, base: bigint, start: number, bits: Bits) {
    this.#decoder = new iced.Decoder(bits, bytes, iced.DecoderOptions.None);
    this.#bits = bits;
    this.#word = bits / 8;
    this.#base = base;
    this.#start = start;
    this.#length = bytes.length;
  }

  free(): void {
    this.#decoder.free();
    this.#instruction.free();
  }

  /** The instruction at an offset from the base; "bad" if there is none, or it does not end within the bytes. */
  at(at: number): Step {
    const instruction = this.#instruction;
    const position = at - this.#start;
    if (position < 0 || position >= this.#length) return bad(at);
    this.#decoder.position = position;
    this.#decoder.ip = BigInt.asUintN(this.#bits, this.#base + BigInt(at));
    this.#decoder.decodeOut(instruction);
    const { length } = instruction;
    if (instruction.isInvalid || length === 0) return bad(at);
    const flow = this.#flow(instruction.flowControl, position + length);
    const isNear = flow === "branch" || flow === "conditional" || flow === "call";
    const target = isNear ? this.#relative(instruction.nearBranchTarget) : null;
    return this.#step(at, length, flow, target);
  }

  #relative(address: bigint): number {
    return Number(BigInt.asIntN(this.#bits, address - this.#base));
  }

  #flow(control: iced.FlowControl, next: number): Flow {
    const { FlowControl: F } = iced;
    const { mnemonics: M } = this.#tables;
    const instruction = this.#instruction;
    switch (control) {
      case F.Next:
        return "next";
      case F.UnconditionalBranch:
        return instruction.isJmpFar ? "stop" : "branch";
      case F.IndirectBranch:
        return "indirect-branch";
      case F.ConditionalBranch:
      case F.XbeginXabortXend:
        return instruction.mnemonic === M.Xabort || instruction.mnemonic === M.Xend ? "next" : "conditional";
      case F.Return:
        return "return";
      case F.Call:
        // VMCALL and the like count as calls; a far call comes back.
        return instruction.isCallNear ? "call" : "next";
      case F.IndirectCall:
        return "indirect-call";
      case F.Interrupt:
        // INT3 between functions is padding that traps; inside one it is a breakpoint, which is gone on from.
        return instruction.mnemonic === M.Int3 && next >= this.#length ? "stop" : "next";
      case F.Exception:
        return "stop";
    }
  }

  #step(at: number, length: number, flow: Flow, target: number | null): Step {
    const instruction = this.#instruction;
    const { mnemonics: M } = this.#tables;
    const { mnemonic } = instruction;
    const step = (
      action: Action,
      operands: readonly Operand[] = NO_OPERANDS,
      clobbers = 0,
      isRepeated = false,
    ): Step => ({
      at,
      length,
      flow,
      target,
      condition: flow === "conditional" ? conditionOf(instruction.conditionCode) : null,
      action,
      operands,
      clobbers,
      isRepeated,
    });
    if (flow === "branch" || flow === "conditional" || flow === "call") {
      // LOOP counts in RCX.
      const counts = flow === "conditional" && (instruction.isLoop || instruction.isLoopcc);
      return step(NOTHING, NO_OPERANDS, counts ? 1 << 1 : 0);
    }
    if (mnemonic === M.Nop || mnemonic === M.Endbr64) return step(NOTHING);
    if (mnemonic === M.Push) {
      const bytes = -instruction.stackPointerIncrement;
      const isRegister = instruction.op0Kind === this.#tables.kinds.Register;
      const from = isRegister ? this.#number(instruction.op0Register) : NONE;
      return step({ kind: "push", from, bytes }, this.#explicit(true, false));
    }
    if (mnemonic === M.Pop) {
      const bytes = instruction.stackPointerIncrement;
      const isRegister = instruction.op0Kind === this.#tables.kinds.Register;
      const to = isRegister ? this.#number(instruction.op0Register) : NONE;
      // An operand relative to RSP counts from where RSP is afterwards.
      const operands = this.#explicit(false, true).map((each) =>
        each.base === RSP ? { ...each, displacement: each.displacement + bytes } : each,
      );
      return step({ kind: "pop", to, bytes }, operands);
    }
    if (mnemonic === M.Leave) return step({ kind: "leave" });
    if (mnemonic === M.Enter)
      return step({ kind: "enter", bytes: -instruction.stackPointerIncrement - this.#word });
    if (flow === "return") return step(NOTHING);
    const use = this.#tables.use[mnemonic] ?? 0;
    if (use !== 0 && !instruction.isStringInstruction) return this.#common(use, step);
    const increment = instruction.stackPointerIncrement;
    if (instruction.isStackInstruction && increment !== 0) {
      // PUSHF, POPF, PUSHA and their like.
      const clobbers = this.#asked().clobbers & ~(1 << RSP);
      if (increment < 0) return step({ kind: "push", from: NONE, bytes: -increment }, NO_OPERANDS, clobbers);
      return step({ kind: "pop", to: NONE, bytes: increment }, NO_OPERANDS, clobbers);
    }
    const { operands, clobbers } = this.#asked();
    const isRepeated = instruction.hasRepPrefix || instruction.hasRepnePrefix;
    if (mnemonic === M.Cdqe) return step({ kind: "extend", to: 0, from: 0 });
    return step(NOTHING, operands, clobbers, isRepeated && instruction.isStringInstruction);
  }

  #number(register: iced.Register): number {
    const number = this.#tables.number[register] ?? 255;
    return number === 255 || this.#tables.size[register] !== this.#word ? NONE : number;
  }

  /** Bit of the general register that a register is part of. */
  #bit(register: iced.Register): number {
    const number = this.#tables.number[register] ?? 255;
    return number === 255 ? 0 : 1 << number;
  }

  /** An instruction all of whose effect is on its first operand, or none. */
  #common(
    use: number,
    step: (action: Action, operands?: readonly Operand[], clobbers?: number) => Step,
  ): Step {
    const instruction = this.#instruction;
    const { mnemonics: M, kinds: K } = this.#tables;
    const { mnemonic, op0Kind, op1Kind } = instruction;
    if (mnemonic === M.Lea) return this.#lea(step);
    const memoryFirst = op0Kind === K.Memory;
    const operands = memoryFirst
      ? this.#explicit(use !== USE.write, use !== USE.read)
      : op1Kind === K.Memory || instruction.op2Kind === K.Memory
        ? this.#explicit(true, false)
        : NO_OPERANDS;
    // LOCK ORL $0, -4(%rsp) is how a barrier is made and a stack probed: nothing is kept there.
    if (memoryFirst && use === USE.update && this.#immediate() === this.#tables.neutral.get(mnemonic))
      return step(NOTHING);
    const first = op0Kind === K.Register ? instruction.op0Register : 0;
    const second = op1Kind === K.Register ? instruction.op1Register : 0;
    const to = first === 0 ? NONE : this.#number(first);
    const from = second === 0 ? NONE : this.#number(second);
    if (use === USE.read) {
      if (mnemonic === M.Jmp && to !== NONE) return step({ kind: "go", to });
      const isTest = mnemonic === M.Test && first !== 0 && first === second;
      if (mnemonic !== M.Cmp && !isTest) return step(NOTHING, operands);
      const isHalf = this.#tables.size[first] === 4 && this.#word === 8;
      const left = isHalf ? (this.#tables.number[first] ?? NONE) : to;
      const value = isTest ? 0 : this.#immediate();
      return step({ kind: "compare", left, right: isTest ? NONE : from, value, isHalf }, operands);
    }
    if (memoryFirst) {
      if (mnemonic === M.Mov && from !== NONE) return step({ kind: "store", from }, operands);
      const value = operands[0]?.sizeBytes === this.#word ? this.#change() : null;
      return step(value === null ? NOTHING : { kind: "adjust", add: value }, operands);
    }
    const clobbers = first === 0 ? 0 : this.#bit(first);
    if (clobbers === 0) return step(NOTHING, operands);
    if (op1Kind === K.Memory) {
      const number = this.#tables.number[first] ?? 255;
      if (mnemonic === M.Mov && (to !== NONE || this.#tables.size[first] === 4))
        return step({ kind: "load", to: number, isWhole: to !== NONE }, operands);
      if (mnemonic === M.Movsxd) return step({ kind: "load", to: number, isWhole: false }, operands);
      // What is subtracted from RSP, or added, is some number.
      return step(NOTHING, operands, clobbers);
    }
    if (mnemonic === M.Movsxd && to !== NONE && second !== 0) {
      const source = this.#tables.number[second] ?? 255;
      return step({ kind: "extend", to, from: source });
    }
    if (mnemonic === M.Xor && first === second && clobbers !== 0) {
      const number = this.#tables.number[first] ?? 255;
      if ((this.#tables.size[first] ?? 0) >= 4) return step({ kind: "constant", to: number, value: 0n });
    }
    if (to === NONE) {
      // MOV r32, imm32 is how code that is not position-independent has the address of a table.
      const value = mnemonic === M.Mov && this.#tables.size[first] === 4 ? this.#immediate() : null;
      if (value === null) return step(NOTHING, operands, clobbers);
      const number = this.#tables.number[first] ?? 255;
      return step({ kind: "constant", to: number, value: BigInt(value >>> 0) });
    }
    if (from !== NONE) {
      if (mnemonic === M.Mov) return step({ kind: "move", to, from, add: 0 });
      if (mnemonic === M.Add) return step({ kind: "sum", to, from });
      if (mnemonic === M.Sub) return step({ kind: "difference", to, from });
      return step(NOTHING, operands, clobbers);
    }
    const change = this.#change();
    if (change !== null) return step({ kind: "move", to, from: to, add: change, flags: true });
    const value = this.#immediate();
    if (value !== null) {
      if (mnemonic === M.And && value < 0 && (-value & (-value - 1)) === 0)
        return step({ kind: "align", to, bytes: -value });
      if (mnemonic === M.Mov) return step({ kind: "constant", to, value: BigInt.asUintN(64, BigInt(value)) });
    }
    return step(NOTHING, operands, clobbers);
  }

  #lea(step: (action: Action, operands?: readonly Operand[], clobbers?: number) => Step): Step {
    const instruction = this.#instruction;
    const to = this.#number(instruction.op0Register);
    const clobbers = this.#bit(instruction.op0Register);
    if (to === NONE) return step(NOTHING, NO_OPERANDS, clobbers);
    if (instruction.isIpRelMemoryOperand)
      return step({ kind: "address", to, at: this.#relative(instruction.ipRelMemoryAddress) });
    const { memoryBase, memoryIndex } = instruction;
    const base = memoryBase === 0 ? NONE : this.#number(memoryBase);
    const index = memoryIndex === 0 ? NONE : this.#number(memoryIndex);
    const add = Number(BigInt.asIntN(64, instruction.memoryDisplacementU64));
    if (memoryBase === 0 && memoryIndex === 0)
      return step({ kind: "constant", to, value: BigInt.asUintN(64, BigInt(add)) });
    if (base !== NONE && memoryIndex === 0) return step({ kind: "move", to, from: base, add });
    // Of the two registers of a sum the pointer is, nearly always, the base; with a factor of 1 it may be either.
    if (base !== NONE) return step({ kind: "derive", to, from: base, add });
    if (index !== NONE && instruction.memoryIndexScale === 1)
      return step({ kind: "move", to, from: index, add });
    return step(NOTHING, NO_OPERANDS, clobbers);
  }

  /** What INC, DEC, ADD and SUB with a number add to their operand. */
  #change(): number | null {
    const { mnemonics: M } = this.#tables;
    const { mnemonic } = this.#instruction;
    if (mnemonic === M.Inc) return 1;
    if (mnemonic === M.Dec) return -1;
    if (mnemonic !== M.Add && mnemonic !== M.Sub) return null;
    const value = this.#immediate();
    return value === null ? null : mnemonic === M.Add ? value : -value;
  }

  /** The last operand, if it is a number. */
  #immediate(): number | null {
    const instruction = this.#instruction;
    const { kinds: K } = this.#tables;
    const kind = instruction.op1Kind;
    if (kind < K.Immediate8 || kind > K.Immediate32to64) return null;
    const value = BigInt.asIntN(64, instruction.immediate(1));
    const signed = kind === K.Immediate32 ? BigInt.asIntN(32, value) : value;
    const number = Number(signed);
    return Number.isSafeInteger(number) ? number : null;
  }

  /** The explicit memory operand, if there is one. */
  #explicit(reads: boolean, writes: boolean): readonly Operand[] {
    const instruction = this.#instruction;
    const { kinds: K } = this.#tables;
    if (
      instruction.op0Kind !== K.Memory &&
      (instruction.opCount < 2 || (instruction.op1Kind !== K.Memory && instruction.op2Kind !== K.Memory))
    )
      return NO_OPERANDS;
    return this.#operand(
      instruction.memorySegment,
      instruction.isIpRelMemoryOperand ? RIP : instruction.memoryBase,
      instruction.memoryIndex,
      instruction.memoryIndexScale,
      instruction.memoryDisplacementU64,
      instruction.memorySize,
      reads,
      writes,
      false,
    );
  }

  #operand(
    segment: iced.Register,
    base: number,
    index: number,
    scale: number,
    displacement: bigint,
    size: iced.MemorySize,
    reads: boolean,
    writes: boolean,
    isOpen: boolean,
  ): readonly Operand[] {
    const { Register: R } = iced;
    if (segment === R.FS || segment === R.GS) return NO_OPERANDS;
    const isRelative = base === RIP || base === R.RIP;
    const operand: Operand = {
      base: isRelative ? RIP : base === 0 ? NONE : this.#number(base),
      index: index === 0 ? NONE : this.#number(index),
      scale,
      displacement: isRelative
        ? this.#relative(displacement)
        : Number(BigInt.asIntN(this.#bits, displacement)),
      sizeBytes: iced.MemorySizeExt.size(size),
      reads,
      writes,
      isOpen,
    };
    return [operand];
  }

  /** What iced-x86 knows of the instruction. */
  #asked(): { readonly operands: readonly Operand[]; readonly clobbers: number } {
    const instruction = this.#instruction;
    const { OpAccess: A } = iced;
    const info = this.#tables.factory.info(instruction);
    let clobbers = 0;
    const operands: Operand[] = [];
    for (const register of info.usedRegisters() as iced.UsedRegister[]) {
      const { access } = register;
      if (access !== A.Read && access !== A.CondRead && access !== A.NoMemAccess && access !== A.None)
        clobbers |= this.#bit(register.register);
      register.free();
    }
    for (const memory of info.usedMemory() as iced.UsedMemory[]) {
      const { access } = memory;
      const reads =
        access === A.Read || access === A.CondRead || access === A.ReadWrite || access === A.ReadCondWrite;
      const writes =
        access === A.Write || access === A.CondWrite || access === A.ReadWrite || access === A.ReadCondWrite;
      if (reads || writes) {
        operands.push(
          ...this.#operand(
            memory.segment,
            memory.base,
            memory.index,
            memory.scale,
            memory.displacement,
            memory.memorySize,
            reads,
            writes,
            instruction.isStringInstruction,
          ),
        );
      }
      memory.free();
    }
    info.free();
    return { operands, clobbers };
  }
}

const bad = (at: number): Step => ({
  at,
  length: 1,
  flow: "bad",
  target: null,
  condition: null,
  action: NOTHING,
  operands: NO_OPERANDS,
  clobbers: 0,
  isRepeated: false,
});

function conditionOf(code: iced.ConditionCode): Condition | null {
  const { ConditionCode: C } = iced;
  if (code === C.e) return "equal";
  if (code === C.ne) return "not-equal";
  if (code === C.a) return "above";
  if (code === C.ae) return "above-or-equal";
  if (code === C.b) return "below";
  if (code === C.be) return "below-or-equal";
  if (code === C.g) return "greater";
  if (code === C.ge) return "greater-or-equal";
  if (code === C.l) return "less";
  if (code === C.le) return "less-or-equal";
  if (code === C.s) return "sign";
  return code === C.ns ? "not-sign" : null;
}

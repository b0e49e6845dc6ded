/**
 * Executes functions in the emulator, an instruction at a time, and keeps what each did to memory: the truth that the analysis is compared with.
 *
 * What an instruction accesses is asked of iced-x86's own description of operands, with the registers as they are: none of it passes through the analysis.
 */
import {
  Decoder,
  DecoderOptions,
  Instruction,
  InstructionInfoFactory,
  OpAccess,
  Register,
  RegisterExt,
  MemorySizeExt,
} from "iced-x86";
import type { UsedMemory } from "iced-x86";
import {
  CR0,
  CR4,
  createMachine,
  EFER,
  physical,
  SEG,
  type Core,
  type Machine,
} from "../../emulator/index.ts";
import type { Program } from "../../debug-adapter/analysis/index.ts";

export interface Access {
  readonly address: number;
  readonly bytes: number;
  readonly reads: boolean;
  readonly writes: boolean;
  /** A push, a pop, a call's or a return's. */
  readonly isStack: boolean;
}

export interface Executed {
  readonly rip: bigint;
  readonly rsp: number;
  readonly accesses: readonly Access[];
}

const STACK = 0x18_0000;
const RETURN = 0x1f_f000n;
const STEPS_MAX = 20_000;
const LONGEST = 15;

/** A CPU in 64-bit mode with the first GiB mapped to itself and a linked program in it. */
export class Runner {
  readonly #machine: Machine;
  readonly #core: Core;

  constructor(program: Program) {
    const machine = createMachine({ ramBytes: 16 << 20 });
    const core = machine.cpus[0]!;
    const put = (address: number, value: bigint): void => {
      const bytes = new Uint8Array(8);
      new DataView(bytes.buffer).setBigUint64(0, value, true);
      machine.memory.poke(physical(address), bytes);
    };
    put(0x1000, 0x2003n);
    put(0x2000, 0x3003n);
    for (let i = 0; i < 512; i++) put(0x3000 + i * 8, (BigInt(i) << 21n) | 0x83n);
    const { elf } = program.image.file;
    for (const segment of elf.segments) {
      if (segment.type !== 1 || segment.fileSize === 0) continue;
      machine.memory.poke(
        physical(Number(segment.virtualAddress)),
        elf.reader.read(segment.offset, segment.fileSize),
      );
    }
    core.setCr3(0x1000n);
    core.setCr4(CR4.PAE | CR4.OSFXSR | CR4.OSXMMEXCPT);
    core.setEfer(EFER.LME | EFER.LMA);
    core.setCr0((CR0.PE | CR0.PG | CR0.WP | CR0.MP | CR0.NE) >>> 0);
    core.setSegment(SEG.cs, { selector: 8, base: 0n, limit: 0xffff_ffff, attributes: 0xa09b });
    this.#machine = machine;
    this.#core = core;
  }

  /** Calls a function with arguments in RDI, RSI, RDX, RCX … and returns what its instructions did. */
  call(entry: bigint, parameters: readonly bigint[]): Executed[] {
    const core = this.#core;
    const machine = this.#machine;
    const order = [7, 6, 2, 1, 8, 9];
    for (const [i, value] of parameters.entries()) core.setGpr(order[i]!, BigInt.asUintN(64, value));
    core.setGpr(4, BigInt(STACK - 8));
    const address = new Uint8Array(8);
    new DataView(address.buffer).setBigUint64(0, RETURN, true);
    machine.memory.poke(physical(STACK - 8), address);
    core.rip = entry;
    const factory = new InstructionInfoFactory();
    const executed: Executed[] = [];
    while (core.rip !== RETURN && executed.length < STEPS_MAX) {
      const { rip } = core;
      const before = executed.length;
      executed.push({ rip, rsp: Number(core.gpr(4)), accesses: this.#accesses(factory, rip) });
      const stop = machine.run({ instants: 1 });
      if (stop.kind !== "limit") throw new Error(`${stop.kind} at 0x${rip.toString(16)} after ${before}`);
    }
    factory.free();
    if (core.rip !== RETURN) throw new Error(`it does not return within ${STEPS_MAX} instructions`);
    return executed;
  }

  #accesses(factory: InstructionInfoFactory, rip: bigint): Access[] {
    const decoder = new Decoder(64, this.#core.peek(rip, LONGEST), DecoderOptions.None);
    decoder.ip = rip;
    const instruction = new Instruction();
    decoder.decodeOut(instruction);
    const info = factory.info(instruction);
    const found: Access[] = [];
    for (const memory of info.usedMemory() as UsedMemory[]) {
      const { access } = memory;
      const reads = access === OpAccess.Read || access === OpAccess.CondRead || access === OpAccess.ReadWrite;
      const writes =
        access === OpAccess.Write || access === OpAccess.CondWrite || access === OpAccess.ReadWrite;
      const address = Number(
        BigInt.asUintN(
          64,
          this.#value(memory.base) + this.#value(memory.index) * BigInt(memory.scale) + memory.displacement,
        ),
      );
      // A pushed word is an operand at RSP - 8 here; what the instruction itself names is another register, or another place.
      const isStack =
        instruction.isStackInstruction && memory.base === Register.RSP && memory.index === Register.None;
      if (reads || writes)
        found.push({ address, bytes: MemorySizeExt.size(memory.memorySize), reads, writes, isStack });
      memory.free();
    }
    info.free();
    instruction.free();
    decoder.free();
    return found;
  }

  #value(register: Register): bigint {
    if (register === Register.None || register === Register.RIP) return 0n;
    const full = RegisterExt.fullRegister(register);
    return full >= Register.RAX && full <= Register.R15 ? this.#core.gpr(full - Register.RAX) : 0n;
  }
}

/**
 * What an instruction does to registers, by its bytes: which it reads and writes, how wide the memory is that it uses, whether control goes on behind it.
 *
 * Invariant: the disassembler says so, nothing here is a table of our own. Nothing of it is loaded before the first instruction is asked for.
 */
import {
  ConditionCode,
  Decoder,
  DecoderOptions,
  FlowControl,
  Instruction,
  InstructionInfoFactory,
  MemorySizeExt,
  OpAccess,
  Register,
} from "iced-x86";

export interface Effect {
  /** Lower case, widest part that is used; in the order the disassembler has them. */
  readonly reads: readonly string[];
  /** Written for certain and as a whole. */
  readonly writes: readonly string[];
  /** Written perhaps, or in part: what they held before is gone all the same. */
  readonly touches: readonly string[];
  /** Of `jcc`, `setcc`, `cmovcc`: what is true when the condition holds, in C, of `$eflags`; null for others. */
  readonly condition: string | null;
  /** Of the memory operand; null if it has none or its size depends on the machine. */
  readonly memoryBits: number | null;
  /** An address only, as `lea` and `invlpg` use it: nothing is read there. */
  readonly isAddressOnly: boolean;
  /** Whether the instruction behind it is the only one that can be next, or one of two (a conditional jump). */
  readonly goesOn: boolean;
}

export function effectOf(bytes: Uint8Array, bits: 16 | 32 | 64): Effect | null {
  const decoder = new Decoder(bits, bytes, DecoderOptions.None);
  const instruction = new Instruction();
  const factory = new InstructionInfoFactory();
  try {
    decoder.decodeOut(instruction);
    return instruction.isInvalid || instruction.length !== bytes.length
      ? null
      : described(instruction, factory);
  } finally {
    factory.free();
    instruction.free();
    decoder.free();
  }
}

function described(instruction: Instruction, factory: InstructionInfoFactory): Effect {
  const reads: string[] = [];
  const writes: string[] = [];
  const touches: string[] = [];
  const info = factory.info(instruction);
  try {
    for (const used of info.usedRegisters()) {
      const name = (Register[used.register] ?? "").toLowerCase();
      const { access } = used;
      used.free();
      if (readAccess.has(access)) reads.push(name);
      if (access === OpAccess.Write || access === OpAccess.ReadWrite) writes.push(name);
      if (writeAccess.has(access)) touches.push(name);
    }
    const memory = info.usedMemory();
    const isAddressOnly = memory.some(({ access }) => access === OpAccess.NoMemAccess);
    for (const used of memory) used.free();
    const size = MemorySizeExt.size(instruction.memorySize);
    const { flowControl } = instruction;
    return {
      reads,
      writes,
      touches,
      condition: conditionText(instruction.conditionCode),
      memoryBits: size > 0 ? size * 8 : null,
      isAddressOnly,
      goesOn: flowControl === FlowControl.Next || flowControl === FlowControl.ConditionalBranch,
    };
  } finally {
    info.free();
  }
}

/** Manual volume 1, appendix B: "EFLAGS Condition Codes". */
function conditionText(code: ConditionCode): string | null {
  const flag = (bit: number): string => `($eflags & 0x${bit.toString(16)}) != 0`;
  const [carry, parity, zero, sign, overflow] = [1, 4, 0x40, 0x80, 0x800].map(flag);
  const less = `(${sign}) != (${overflow})`;
  const texts = new Map<ConditionCode, string | undefined>([
    [ConditionCode.o, overflow],
    [ConditionCode.no, `!(${overflow})`],
    [ConditionCode.b, carry],
    [ConditionCode.ae, `!(${carry})`],
    [ConditionCode.e, zero],
    [ConditionCode.ne, `!(${zero})`],
    [ConditionCode.be, `($eflags & 0x41) != 0`],
    [ConditionCode.a, `($eflags & 0x41) == 0`],
    [ConditionCode.s, sign],
    [ConditionCode.ns, `!(${sign})`],
    [ConditionCode.p, parity],
    [ConditionCode.np, `!(${parity})`],
    [ConditionCode.l, less],
    [ConditionCode.ge, `(${sign}) == (${overflow})`],
    [ConditionCode.le, `${zero} || (${less})`],
    [ConditionCode.g, `!(${zero} || (${less}))`],
  ]);
  return texts.get(code) ?? null;
}

const readAccess: ReadonlySet<OpAccess> = new Set([
  OpAccess.Read,
  OpAccess.CondRead,
  OpAccess.ReadWrite,
  OpAccess.ReadCondWrite,
]);
const writeAccess: ReadonlySet<OpAccess> = new Set([
  OpAccess.Write,
  OpAccess.CondWrite,
  OpAccess.ReadWrite,
  OpAccess.ReadCondWrite,
]);

export const bytesOfHex = (text: string): Uint8Array =>
  Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));

/** The 64-bit register that a part belongs to ("al", "ah", "r8d"), or the name itself. */
export function wholeRegister(name: string): string {
  const letter = /^[re]?([abcd])[xlh]$/.exec(name)?.[1];
  if (letter !== undefined) return `r${letter}x`;
  const index = /^[re]?(si|di|bp|sp)l?$/.exec(name)?.[1];
  if (index !== undefined) return `r${index}`;
  return /^(r\d+)[dwbl]$/.exec(name)?.[1] ?? name;
}

/**
 * x87 instructions that control the unit, most of them without waiting for pending exceptions: FNINIT FNCLEX FLDCW FNSTCW FNSTSW, FWAIT, and the
 * environment and state images of FNSTENV FLDENV FNSAVE FRSTOR.
 *
 * An environment (SDM 1 §8.1.10, figures 8-9 to 8-12) in 16-bit form is seven words, in 32-bit form seven doublewords of which control, status and
 * tag use the lower halves and the upper ones are ones:
 *
 *     protected  control  status  tag  ip          opcode<<16 | cs                    dp          ds
 *     real, V86  control  status  tag  ip[15:0]    ip[31:16]<<12 | opcode             dp[15:0]    dp[31:16]<<12
 *
 * In the 16-bit form there is no opcode beside cs, and the real-mode form has only four upper bits of each pointer.
 */
import type { Core } from "../core.ts";
import { CR0 } from "../core.ts";
import { Fault, VECTOR } from "../event.ts";
import type { Instruction, Operation } from "../instruction.ts";
import { MODE } from "../layout.ts";
import { loadImage, loadInteger, storeBytes, storeImage } from "./access.ts";
import { checkAvailable, checkPending, Unit } from "./unit.ts";

const nonWaiting =
  (change: (unit: Unit, insn: Instruction) => void): Operation =>
  (core, insn) => {
    checkAvailable(core);
    change(new Unit(core), insn);
  };

const wordBytes = (value: number): Uint8Array => Uint8Array.of(value & 0xff, value >>> 8);

const isProtected = (core: Core): boolean =>
  (core.mode & (MODE.protected | MODE.virtual8086)) === MODE.protected;

const REGISTERS_BYTES = 80;
const environmentBytes = (insn: Instruction): number => (insn.operandSize === 16 ? 14 : 28);

/** The environment, followed by room for `extra` bytes. */
function environment(unit: Unit, insn: Instruction, extra: number): Uint8Array {
  const narrow = insn.operandSize === 16;
  const step = narrow ? 2 : 4;
  const image = new Uint8Array(environmentBytes(insn) + extra);
  const view = new DataView(image.buffer);
  const ip = Number(unit.ip & 0xffff_ffffn);
  const dp = Number(unit.dp & 0xffff_ffffn);
  const fields = isProtected(unit.core)
    ? [
        ip,
        narrow ? unit.cs : (unit.opcode * 0x1_0000 + unit.cs) >>> 0,
        dp,
        narrow ? unit.ds : 0xffff_0000 + unit.ds,
      ]
    : realFields(ip, dp, unit.opcode, narrow);
  [unit.control, unit.status, unit.computedTag()].forEach((field, i) => {
    if (narrow) view.setUint16(i * step, field, true);
    else view.setUint32(i * step, 0xffff_0000 + field, true);
  });
  fields.forEach((field, i) => {
    if (narrow) view.setUint16((i + 3) * step, field, true);
    else view.setUint32((i + 3) * step, field, true);
  });
  return image;
}

function realFields(ip: number, dp: number, opcode: number, narrow: boolean): number[] {
  const high = (pointer: number): number => (pointer >>> 16) << 12;
  if (narrow) return [ip & 0xffff, (high(ip) & 0xf000) | opcode, dp & 0xffff, high(dp) & 0xf000];
  return [
    (0xffff_0000 | (ip & 0xffff)) >>> 0,
    (high(ip) | opcode) >>> 0,
    (0xffff_0000 | (dp & 0xffff)) >>> 0,
    high(dp) >>> 0,
  ];
}

function loadEnvironment(unit: Unit, insn: Instruction, image: DataView): void {
  const narrow = insn.operandSize === 16;
  const field = (i: number): number => (narrow ? image.getUint16(i * 2, true) : image.getUint32(i * 4, true));
  // Tags come as they are: only "empty" is believed, the rest follows from the registers when it is asked for.
  unit.tag = field(2) & 0xffff;
  unit.status = field(1) & 0xffff;
  unit.control = field(0) & 0xffff;
  const [ip, selector, dp, segment] = [field(3), field(4), field(5), field(6)];
  if (isProtected(unit.core)) {
    unit.ip = BigInt(ip);
    unit.dp = BigInt(dp);
    unit.cs = selector & 0xffff;
    unit.ds = segment & 0xffff;
    unit.opcode = narrow ? 0 : selector >>> 16;
  } else {
    const high = narrow ? 0xf000 : 0x0fff_f000;
    unit.ip = BigInt((ip & 0xffff) + ((selector & high) >>> 12) * 0x1_0000);
    unit.dp = BigInt((dp & 0xffff) + ((segment & high) >>> 12) * 0x1_0000);
    unit.cs = unit.ds = 0;
    unit.opcode = selector & 0x7ff;
  }
}

const fnsave = nonWaiting((unit, insn) => {
  const { core } = unit;
  const image = environment(unit, insn, REGISTERS_BYTES);
  for (let i = 0; i < 8; i++)
    image.set(core.fpuRegister((unit.top + i) & 7).subarray(0, 10), environmentBytes(insn) + i * 10);
  storeImage(core, insn, image, insn.operandSize / 8);
  unit.initialize();
});

const frstor: Operation = (core, insn) => {
  checkAvailable(core);
  const unit = new Unit(core);
  checkPending(unit, insn);
  const start = environmentBytes(insn);
  const image = loadImage(core, insn, start + REGISTERS_BYTES, insn.operandSize / 8);
  loadEnvironment(unit, insn, image);
  for (let i = 0; i < 8; i++) {
    const bytes = core.fpuRegister((unit.top + i) & 7);
    bytes.fill(0, 10);
    bytes.set(new Uint8Array(image.buffer, start + i * 10, 10));
  }
};

const fldenv: Operation = (core, insn) => {
  checkAvailable(core);
  const unit = new Unit(core);
  checkPending(unit, insn);
  loadEnvironment(unit, insn, loadImage(core, insn, environmentBytes(insn), insn.operandSize / 8));
};

const fwait: Operation = (core, insn) => {
  if ((core.cr0 & (CR0.MP | CR0.TS)) === (CR0.MP | CR0.TS))
    throw new Fault(VECTOR.NM, null, "WAIT while CR0.MP and CR0.TS are set");
  checkPending(new Unit(core), insn);
};

const fldcw: Operation = (core, insn) => {
  checkAvailable(core);
  const unit = new Unit(core);
  checkPending(unit, insn);
  unit.control = Number(loadInteger(core, insn, 16) & 0xffffn);
};

const ignored = nonWaiting(() => undefined);

export const controlOperations: Record<string, Operation> = {
  fninit: nonWaiting((unit) => unit.initialize()),
  fnclex: nonWaiting((unit) => {
    unit.status &= 0x7f00;
  }),
  fnstcw: nonWaiting((unit, insn) => storeBytes(unit.core, insn, wordBytes(unit.control))),
  fnstsw_m16: nonWaiting((unit, insn) => storeBytes(unit.core, insn, wordBytes(unit.status))),
  fnstsw_ax: nonWaiting((unit) => unit.core.setGpr16(0, unit.status)),
  fnstenv: nonWaiting((unit, insn) => {
    storeImage(unit.core, insn, environment(unit, insn, 0), insn.operandSize / 8);
    unit.control |= 0x3f;
  }),
  fldcw,
  fldenv,
  fnsave,
  frstor,
  fwait,
  // Instructions of the 8087 and 80287 that do nothing since the 80387.
  fneni: ignored,
  fndisi: ignored,
  fnsetpm: ignored,
};

/**
 * PUSHF, POPF, CLI, STI, with IOPL, the virtual interrupt flag of VME and PVI, and STI's shadow (SDM 2).
 */
import type { Core } from "../core.ts";
import type { Operation } from "../instruction.ts";
import { CR4, FLAG, SHADOW } from "../registers.ts";
import { gp, inProtectedMode, inRealMode, inVirtual8086, operandBytes } from "./operand.ts";
import { replaceFlags, virtualImage } from "./return.ts";
import { Stack } from "./stack.ts";

const ALWAYS = FLAG.CF | FLAG.PF | FLAG.AF | FLAG.ZF | FLAG.SF | FLAG.TF | FLAG.DF | FLAG.OF | FLAG.NT;

const pushf: Operation = (core, insn) => {
  const size = operandBytes(insn);
  let image = core.eflags;
  if (inVirtual8086(core) && core.iopl < 3) {
    if ((core.cr4 & CR4.VME) === 0 || size !== 2) throw gp("PUSHF in virtual-8086 mode with IOPL below 3");
    image = virtualImage(core);
  }
  const stack = Stack.current(core);
  stack.push(size, BigInt(image & ~(FLAG.VM | FLAG.RF)));
  stack.commit();
};

const popf: Operation = (core, insn) => {
  const size = operandBytes(insn);
  const virtual = inVirtual8086(core);
  const trusted = core.iopl === 3;
  if (virtual && !trusted && ((core.cr4 & CR4.VME) === 0 || size !== 2)) throw gp("POPF in virtual-8086 mode with IOPL below 3");
  const stack = Stack.current(core);
  const image = Number(stack.pop(size) & 0xffffffffn);
  let mask = ALWAYS | (size === 2 ? 0 : FLAG.AC | FLAG.ID | FLAG.RF);
  if (virtual && !trusted) {
    if ((image & FLAG.TF) !== 0 || ((image & FLAG.IF) !== 0 && core.systemFlag(FLAG.VIP)))
      throw gp("POPF in virtual-8086 mode would set TF, or IF while VIP is set");
    core.setSystemFlag(FLAG.VIF, (image & FLAG.IF) !== 0);
  } else {
    const cpl = core.cpl;
    if (virtual || cpl <= core.iopl) mask |= FLAG.IF;
    if (cpl === 0) mask |= FLAG.IOPL;
  }
  stack.commit();
  // RF is cleared whatever the image says.
  replaceFlags(core, image & ~FLAG.RF, mask);
  if (core.cpl === 3) core.updateMode();
  else core.closePages();
}; // oxfmt-ignore

/** Whether CLI and STI act on IF, on VIF, or fault (SDM 2, tables of CLI and STI). */
function interruptFlag(core: Core, name: string): "IF" | "VIF" {
  if (inRealMode(core)) return "IF";
  const cpl = core.cpl;
  if (inVirtual8086(core)) {
    if (core.iopl === 3) return "IF";
    if ((core.cr4 & CR4.VME) !== 0) return "VIF";
  } else {
    if (cpl <= core.iopl) return "IF";
    if (inProtectedMode(core) && cpl === 3 && (core.cr4 & CR4.PVI) !== 0) return "VIF";
  }
  throw gp(`${name} at CPL ${cpl} with IOPL ${core.iopl}`);
}

const cli: Operation = (core) => core.setSystemFlag(FLAG[interruptFlag(core, "CLI")], false);

const sti: Operation = (core) => {
  if (interruptFlag(core, "STI") === "VIF") {
    if (core.systemFlag(FLAG.VIP)) throw gp("STI with VIP set");
    core.setSystemFlag(FLAG.VIF, true);
    return;
  }
  if (!core.systemFlag(FLAG.IF)) core.shadow |= SHADOW.interrupts;
  core.setSystemFlag(FLAG.IF, true);
};

export const flagOperations = { pushf, popf, cli, sti } satisfies Record<string, Operation>;

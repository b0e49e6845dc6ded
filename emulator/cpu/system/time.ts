/**
 * RDTSC and RDTSCP, RDPMC, HLT, PAUSE, RDRAND and RDSEED (SDM 2).
 */
import type { Core } from "../core.ts";
import type { Operation } from "../instruction.ts";
import { STATE } from "../layout.ts";
import { ACTIVITY, CR4, FLAG, STATUS_FLAGS } from "../registers.ts";
import { timeStampCounter } from "./msr.ts";
import { gp, requireCpl0, writeRegister } from "./operand.ts";

function readTimeStamp(core: Core): void {
  if ((core.cr4 & CR4.TSD) !== 0 && core.cpl !== 0) throw gp(`RDTSC at CPL ${core.cpl} with CR4.TSD set`);
  const value = timeStampCounter(core);
  core.setGpr(0, value & 0xffffffffn);
  core.setGpr(2, value >> 32n);
}

/** Seeded random bits; CF says that there are some, as always here. */
const random: Operation = (core, insn) => {
  writeRegister(core, insn.rm, insn.operandSize, core.environment.random());
  core.eflags = (core.eflags & ~STATUS_FLAGS) | FLAG.CF;
};

export const timeOperations = {
  rdtsc: readTimeStamp,
  rdtscp: (core) => {
    readTimeStamp(core);
    core.setGpr32(1, core.word(STATE.tscAux));
  },
  rdpmc: (core) => {
    if ((core.cr4 & CR4.PCE) === 0 && core.cpl !== 0) throw gp(`RDPMC at CPL ${core.cpl} with CR4.PCE clear`);
    throw gp(`RDPMC: performance counter ${core.gpr32(1)} does not exist`);
  },
  hlt: (core) => {
    requireCpl0(core, "HLT");
    core.activity = ACTIVITY.halted;
  },
  pause: (core) => core.environment.pause?.(),
  rdrand: random,
  rdseed: random,
} satisfies Record<string, Operation>;

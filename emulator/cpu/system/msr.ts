/**
 * Model-specific registers: the table of those this processor has, RDMSR and WRMSR (SDM 4).
 *
 * Invariant: an MSR that is not here, and a value with a reserved bit, is #GP(0).
 * Layout of STATE.msr, in u64 slots: 0 … 15 variable-range MTRRs, 16 … 26 fixed-range MTRRs, 27 IA32_MTRR_DEF_TYPE.
 */
import type { Core } from "../core.ts";
import { WATCH } from "../event.ts";
import type { Operation } from "../instruction.ts";
import { SEG, STATE } from "../layout.ts";
import { CR0, EFER } from "../registers.ts";
import { gp, requireCpl0 } from "./operand.ts";
import { isCanonical, PHYSICAL_BITS } from "./paging.ts";
import { flushAll } from "./tlb.ts";

interface Register {
  readonly name: string;
  readonly read: (core: Core) => bigint;
  /** Absent: read-only. Returns false if the value is not allowed. */
  readonly write?: (core: Core, value: bigint) => boolean;
}

const MASK64 = 0xffffffffffffffffn;
const PHYSICAL_MASK = (1n << BigInt(PHYSICAL_BITS)) - 1n;

const plain = (name: string, offset: number, allowed = MASK64): Register => ({
  name,
  read: (core) => core.quad(offset),
  write: (core, value) => {
    if ((value & ~allowed) !== 0n) return false;
    core.setQuad(offset, value);
    return true;
  },
});
const canonical = (name: string, offset: number): Register => ({
  name,
  read: (core) => core.quad(offset),
  write: (core, value) => {
    if (!isCanonical(core, value)) return false;
    core.setQuad(offset, value);
    return true;
  },
});
const segmentBase = (name: string, segment: number): Register => ({
  name,
  read: (core) => core.segmentBase(segment),
  write: (core, value) => {
    if (!isCanonical(core, value)) return false;
    core.setSegmentBase(segment, value);
    return true;
  },
});
const constant = (name: string, value: bigint): Register => ({ name, read: () => value });

const MEMORY_TYPES: ReadonlySet<bigint> = new Set([0n, 1n, 4n, 5n, 6n]);

/** Eight one-byte memory types. */
function typed(name: string, offset: number, allowed: ReadonlySet<bigint>): Register {
  return {
    name,
    read: (core) => core.quad(offset),
    write: (core, value) => {
      for (let n = 0n; n < 64n; n += 8n) if (!allowed.has((value >> n) & 0xffn)) return false;
      core.setQuad(offset, value);
      return true;
    },
  };
}

const slot = (n: number): number => STATE.msr + n * 8;

const efer: Register = {
  name: "IA32_EFER",
  read: (core) => BigInt(core.efer),
  write: (core, value) => {
    const allowed =
      (core.has("syscall") ? EFER.SCE : 0) |
      (core.has("lm") ? EFER.LME | EFER.LMA : 0) |
      (core.has("nx") ? EFER.NXE : 0);
    if ((value & ~BigInt(allowed)) !== 0n) return false;
    const before = core.efer;
    // LMA follows CR0.PG and is not written; LME cannot change while paging is on.
    const after = (Number(value) & ~EFER.LMA) | (before & EFER.LMA);
    if (((before ^ after) & EFER.LME) !== 0 && (core.cr0 & CR0.PG) !== 0) return false;
    core.setQuad(STATE.efer, BigInt(after));
    if (((before ^ after) & EFER.NXE) !== 0) flushAll(core);
    core.updateMode();
    return true;
  },
};

const timeStamp: Register = {
  name: "IA32_TIME_STAMP_COUNTER",
  read: timeStampCounter,
  write: (core, value) => {
    core.setQuad(STATE.tscOffset, BigInt.asUintN(64, value - core.environment.timestamp()));
    return true;
  },
};

/** The TSC now: virtual time in nanoseconds plus this processor's offset. */
export function timeStampCounter(core: Core): bigint {
  return BigInt.asUintN(64, core.environment.timestamp() + core.quad(STATE.tscOffset));
}

/** Bit 0 fast strings and bit 22 CPUID limit can be changed; BTS and PEBS are unavailable (bits 11 and 12). */
const miscEnable: Register = {
  name: "IA32_MISC_ENABLE",
  read: (core) => core.quad(STATE.miscEnable),
  write: (core, value) => {
    if (((value ^ core.quad(STATE.miscEnable)) & ~0x400001n) !== 0n) return false;
    core.setQuad(STATE.miscEnable, value);
    return true;
  },
};

/** The update signature: software writes 0 and executes CPUID before it reads. There is no microcode here. */
const microcode: Register = { name: "IA32_BIOS_SIGN_ID", read: () => 0n, write: () => true };

const defaultType: Register = {
  name: "IA32_MTRR_DEF_TYPE",
  read: (core) => core.quad(slot(27)),
  write: (core, value) => {
    if ((value & ~0xcffn) !== 0n || !MEMORY_TYPES.has(value & 0xffn)) return false;
    core.setQuad(slot(27), value);
    return true;
  },
};

/**
 * What the processor is not vulnerable to, as it does not speculate: RDCL_NO, SKIP_L1DFL_VMENTRY, SSB_NO, MDS_NO, PSCHANGE_MC_NO, TAA_NO, SBDR_SSDP_NO,
 * FBSDP_NO, PSDP_NO, BHI_NO, PBRSB_NO, GDS_NO, RFDS_NO, ITS_NO.
 */
const ARCH_CAPABILITIES = [0, 3, 4, 5, 6, 8, 13, 14, 15, 20, 24, 26, 27, 62].reduce(
  (bits, n) => bits | (1n << BigInt(n)),
  0n,
);

const registers = new Map<number, Register>([
  // The Pentium's machine check, which never happens.
  [0x00, constant("P5_MC_ADDR", 0n)],
  [0x01, constant("P5_MC_TYPE", 0n)],
  [0x10, timeStamp],
  [0x17, constant("IA32_PLATFORM_ID", 0n)],
  // Locked, with VMX off.
  [0x3a, constant("IA32_FEATURE_CONTROL", 1n)],
  [0x8b, microcode],
  // WC and fixed ranges supported, 8 variable ranges.
  [0xfe, constant("IA32_MTRRCAP", 0x508n)],
  [0x10a, constant("IA32_ARCH_CAPABILITIES", ARCH_CAPABILITIES)],
  [0x174, plain("IA32_SYSENTER_CS", STATE.sysenterCs, 0xffffffffn)],
  [0x175, canonical("IA32_SYSENTER_ESP", STATE.sysenterEsp)],
  [0x176, canonical("IA32_SYSENTER_EIP", STATE.sysenterEip)],
  // Machine check architecture without a bank: there is nothing that could report an error.
  [0x179, constant("IA32_MCG_CAP", 0n)],
  [
    0x17a,
    {
      name: "IA32_MCG_STATUS",
      read: () => 0n,
      write: (_core: Core, value: bigint) => value === 0n,
    },
  ],
  [0x1a0, miscEnable],
  // No last-branch records, no branch trace: nothing can be switched on.
  [0x1d9, { name: "IA32_DEBUGCTL", read: () => 0n, write: (_core: Core, value: bigint) => value === 0n }],
  [0x277, typed("IA32_PAT", STATE.pat, new Set([...MEMORY_TYPES, 7n]))],
  [0x2ff, defaultType],
  // XSAVES has no supervisor components to save.
  [0xda0, { name: "IA32_XSS", read: () => 0n, write: (_core: Core, value: bigint) => value === 0n }],
  [0xc0000080, efer],
  [0xc0000081, plain("IA32_STAR", STATE.star)],
  [0xc0000082, canonical("IA32_LSTAR", STATE.lstar)],
  [0xc0000083, canonical("IA32_CSTAR", STATE.cstar)],
  [0xc0000084, plain("IA32_FMASK", STATE.fmask, 0xffffffffn)],
  [0xc0000100, segmentBase("IA32_FS_BASE", SEG.fs)],
  [0xc0000101, segmentBase("IA32_GS_BASE", SEG.gs)],
  [0xc0000102, canonical("IA32_KERNEL_GS_BASE", STATE.kernelGsBase)],
  [0xc0000103, plain("IA32_TSC_AUX", STATE.tscAux, 0xffffffffn)],
]);

for (let n = 0; n < 8; n++) {
  const base = `IA32_MTRR_PHYSBASE${n}`;
  registers.set(0x200 + n * 2, {
    ...plain(base, slot(n * 2), PHYSICAL_MASK & ~0xf00n),
    write: (core, value) => {
      if ((value & ~(PHYSICAL_MASK & ~0xf00n)) !== 0n || !MEMORY_TYPES.has(value & 0xffn)) return false;
      core.setQuad(slot(n * 2), value);
      return true;
    },
  });
  registers.set(0x201 + n * 2, plain(`IA32_MTRR_PHYSMASK${n}`, slot(n * 2 + 1), PHYSICAL_MASK & ~0x7ffn));
}
const FIXED = [0x250, 0x258, 0x259, 0x268, 0x269, 0x26a, 0x26b, 0x26c, 0x26d, 0x26e, 0x26f];
FIXED.forEach((index, n) =>
  registers.set(index, typed(`IA32_MTRR_FIX_${index.toString(16)}`, slot(16 + n), MEMORY_TYPES)),
);

/** The MSRs that exist, by index. */
export const msrNames: ReadonlyMap<number, string> = new Map(
  [...registers].map(([index, { name }]) => [index, name]),
);

/** Value of an MSR for the debugger; null if there is none. */
export function readMsr(core: Core, index: number): bigint | null {
  const apic = core.environment.apic?.(core.index).readMsr(index);
  return apic === undefined ? (registers.get(index)?.read(core) ?? null) : apic;
}

/** Sets an MSR as WRMSR would; false if there is none, it is read-only, or the value is not allowed. */
export function writeMsr(core: Core, index: number, value: bigint): boolean {
  return (
    core.environment.apic?.(core.index).writeMsr(index, value) ??
    registers.get(index)?.write?.(core, value) ??
    false
  );
}

const rdmsr: Operation = (core) => {
  requireCpl0(core, "RDMSR");
  const index = core.gpr32(1);
  const value = readMsr(core, index);
  if (value === null) throw gp(`RDMSR: MSR 0x${index.toString(16)} does not exist`);
  core.setGpr(0, value & 0xffffffffn);
  core.setGpr(2, value >> 32n);
  if ((core.watched & WATCH.msr) !== 0) core.report({ kind: "msr", index, value, write: false });
};

const wrmsr: Operation = (core) => {
  requireCpl0(core, "WRMSR");
  const index = core.gpr32(1);
  const value = (BigInt(core.gpr32(2)) << 32n) | BigInt(core.gpr32(0));
  if (!writeMsr(core, index, value)) {
    const name = msrNames.get(index);
    throw gp(
      name === undefined
        ? `WRMSR: MSR 0x${index.toString(16)} does not exist, or does not take 0x${value.toString(16)}`
        : `WRMSR: ${name} does not take 0x${value.toString(16)}`,
    );
  }
  if ((core.watched & WATCH.msr) !== 0) core.report({ kind: "msr", index, value, write: true });
};

export const msrOperations = { rdmsr, wrmsr } satisfies Record<string, Operation>;

/**
 * The registers of a CPU by name, as gdb and the manual spell them: what expressions, variables, and the monitor read and write.
 *
 * Invariant: every write that the debugger makes goes through here and leaves the processor consistent (mode and TLB brought up to date), or is
 * refused with the reason that the hardware would have.
 * Elsewhere: the meaning of bits (`field.ts`), descriptors that selectors load (`descriptor.ts`), x87 numbers (`extended.ts`).
 */
import { FLAG, SEG, STATE, type Core, type SegmentNumber } from "../../emulator/index.ts";
import { registerRefused } from "../errors.ts";
import { littleEndian, littleEndianBytes } from "../memory/space.ts";
import { writeControl, writeSelector } from "./control.ts";
import {
  APIC_BASE_FIELDS,
  CR0_FIELDS,
  CR3_FIELDS,
  CR3_PCID_FIELDS,
  CR4_FIELDS,
  CR8_FIELDS,
  DR6_FIELDS,
  DR7_FIELDS,
  EFER_FIELDS,
  FCW_FIELDS,
  FSW_FIELDS,
  MXCSR_FIELDS,
  RFLAGS_FIELDS,
  SELECTOR_FIELDS,
  XCR0_FIELDS,
  type Field,
} from "./field.ts";

export { fieldValue, summary, withField, type Field } from "./field.ts";
export * from "./descriptor.ts";

export type RegisterGroup =
  | "General"
  | "Flags"
  | "Segments"
  | "Control"
  | "Tables"
  | "Debug"
  | "MSRs"
  | "x87"
  | "SSE";

export interface Register {
  /** Lower case, as `$name` in an expression. */
  readonly name: string;
  readonly group: RegisterGroup;
  readonly bits: number;
  /** How it is shown: an address, a number, flags, an 80-bit or a vector number. */
  readonly shape: "integer" | "address" | "flags" | "extended" | "vector";
  readonly fields?: (core: Core) => readonly Field[];
  read(core: Core): bigint;
  /** Throws `registerRefused`. */
  write(core: Core, value: bigint): void;
}

export const GPR_NAMES = [
  "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
] as const; // oxfmt-ignore
const GPR32 = ["eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"] as const;
const GPR16 = ["ax", "cx", "dx", "bx", "sp", "bp", "si", "di"] as const;
const LOW8 = ["al", "cl", "dl", "bl", "spl", "bpl", "sil", "dil"] as const;
const HIGH8 = ["ah", "ch", "dh", "bh"] as const;
export const SEGMENT_NAMES = ["es", "cs", "ss", "ds", "fs", "gs", "ldtr", "tr"] as const;

/** RFLAGS bits that exist in this processor. */
const RFLAGS_MASK = 0x3f7fd7n;

const integer = (
  name: string,
  group: RegisterGroup,
  size: number,
  read: (core: Core) => bigint,
  write: (core: Core, value: bigint) => void,
  fields?: (core: Core) => readonly Field[],
): Register => ({
  name,
  group,
  bits: size,
  shape: fields === undefined ? "integer" : "flags",
  read,
  write,
  ...(fields === undefined ? {} : { fields }),
});

const quad = (name: string, group: RegisterGroup, offset: number, fields?: readonly Field[]): Register =>
  integer(
    name,
    group,
    64,
    (core) => core.quad(offset),
    (core, value) => core.setQuad(offset, value),
    fields === undefined ? undefined : () => fields,
  );

function generalRegisters(): Register[] {
  const gpr = GPR_NAMES.map((name, n): Register => ({
    ...integer(
      name,
      "General",
      64,
      (core) => core.gpr(n),
      (core, value) => core.setGpr(n, BigInt.asUintN(64, value)),
    ),
    shape: name === "rsp" || name === "rbp" ? "address" : "integer",
  }));
  const rip: Register = {
    ...integer(
      "rip",
      "General",
      64,
      (core) => core.rip,
      (core, value) => {
        core.rip = BigInt.asUintN((core.mode & 3) === 2 ? 64 : 32, value);
        core.updateMode();
      },
    ),
    shape: "address",
  };
  return [...gpr, rip];
}

const flags: Register = integer(
  "rflags",
  "Flags",
  64,
  (core) => core.rflags,
  (core, value) => {
    if ((value & ~RFLAGS_MASK) !== 0n) throw registerRefused("RFLAGS", "reserved bits must be 0");
    core.rflags = value | 2n;
    core.updateMode();
  },
  () => RFLAGS_FIELDS,
);

const selectors: Register[] = SEGMENT_NAMES.map((name, n) =>
  integer(
    name,
    n < 6 ? "Segments" : "Tables",
    16,
    (core) => BigInt(core.selector(n)),
    (core, value) => writeSelector(core, n as SegmentNumber, value),
    () => SELECTOR_FIELDS,
  ),
);

const base = (name: string, n: SegmentNumber): Register => ({
  ...integer(
    name,
    n < 6 ? "Segments" : "Tables",
    64,
    (core) => core.segmentBase(n),
    (core, value) => {
      core.setSegmentBase(n, value);
      core.updateMode();
    },
  ),
  shape: "address",
});

const bases: Register[] = SEGMENT_NAMES.map((name, n) => base(`${name}_base`, n as SegmentNumber));

const tables: Register[] = (["gdtr", "idtr"] as const).flatMap((name) => [
  {
    ...integer(
      `${name}_base`,
      "Tables",
      64,
      (core) => core[name].base,
      (core, value) => {
        core[name] = { base: value, limit: core[name].limit };
      },
    ),
    shape: "address" as const,
  },
  integer(
    `${name}_limit`,
    "Tables",
    16,
    (core) => BigInt(core[name].limit),
    (core, value) => {
      if (value > 0xffffn) throw registerRefused(`${name.toUpperCase()}.limit`, "it has 16 bits");
      core[name] = { base: core[name].base, limit: Number(value) };
    },
  ),
]);

const control: Register[] = [
  integer(
    "cr0",
    "Control",
    64,
    (core) => BigInt(core.cr0),
    (core, value) => writeControl(core, "cr0", value),
    () => CR0_FIELDS,
  ),
  { ...quad("cr2", "Control", STATE.cr2), shape: "address" },
  integer(
    "cr3",
    "Control",
    64,
    (core) => core.cr3,
    (core, value) => writeControl(core, "cr3", value),
    (core) => ((core.cr4 & 0x20000) === 0 ? CR3_FIELDS : CR3_PCID_FIELDS),
  ),
  integer(
    "cr4",
    "Control",
    64,
    (core) => BigInt(core.cr4),
    (core, value) => writeControl(core, "cr4", value),
    () => CR4_FIELDS,
  ),
  integer(
    "cr8",
    "Control",
    64,
    (core) => BigInt(core.cr8),
    (core, value) => {
      if (value > 15n) throw registerRefused("CR8", "only bits 3:0 exist");
      core.cr8 = Number(value);
    },
    () => CR8_FIELDS,
  ),
  integer(
    "efer",
    "Control",
    64,
    (core) => BigInt(core.efer),
    (core, value) => writeControl(core, "efer", value),
    () => EFER_FIELDS,
  ),
  integer(
    "xcr0",
    "Control",
    64,
    (core) => core.xcr0,
    (core, value) => {
      if ((value & 1n) === 0n) throw registerRefused("XCR0", "the x87 bit must be 1");
      core.xcr0 = value;
    },
    () => XCR0_FIELDS,
  ),
];

const debug: Register[] = [0, 1, 2, 3, 6, 7].map((n) =>
  quad(`dr${n}`, "Debug", STATE.dr + n * 8, n === 6 ? DR6_FIELDS : n === 7 ? DR7_FIELDS : undefined),
);

const msrs: Register[] = [
  quad("star", "MSRs", STATE.star),
  quad("lstar", "MSRs", STATE.lstar),
  quad("cstar", "MSRs", STATE.cstar),
  quad("fmask", "MSRs", STATE.fmask, RFLAGS_FIELDS),
  quad("k_gs_base", "MSRs", STATE.kernelGsBase),
  quad("sysenter_cs", "MSRs", STATE.sysenterCs),
  quad("sysenter_esp", "MSRs", STATE.sysenterEsp),
  quad("sysenter_eip", "MSRs", STATE.sysenterEip),
  quad("pat", "MSRs", STATE.pat),
  quad("apic_base", "MSRs", STATE.apicBase, APIC_BASE_FIELDS),
  quad("tsc_aux", "MSRs", STATE.tscAux),
  quad("misc_enable", "MSRs", STATE.miscEnable),
];

const word = (name: string, offset: number, fields?: readonly Field[]): Register =>
  integer(
    name,
    "x87",
    16,
    (core) => BigInt(core.view.getUint16(offset, true)),
    (core, value) => {
      if (value > 0xffffn) throw registerRefused(name.toUpperCase(), "it has 16 bits");
      core.view.setUint16(offset, Number(value), true);
    },
    fields === undefined ? undefined : () => fields,
  );

/** TOP of the x87 status word. */
const top = (core: Core): number => (core.view.getUint16(STATE.fpu + 2, true) >>> 11) & 7;

const x87: Register[] = [
  word("fctrl", STATE.fpu, FCW_FIELDS),
  word("fstat", STATE.fpu + 2, FSW_FIELDS),
  word("ftag", STATE.fpu + 4),
  word("fop", STATE.fpu + 6),
  ...[0, 1, 2, 3, 4, 5, 6, 7].map((n): Register => ({
    name: `st${n}`,
    group: "x87",
    bits: 80,
    shape: "extended",
    read: (core) => littleEndian(core.fpuRegister((top(core) + n) & 7).subarray(0, 10)),
    write: (core, value) => core.fpuRegister((top(core) + n) & 7).set(littleEndianBytes(value, 10)),
  })),
];

const sse: Register[] = [
  ...Array.from({ length: 16 }, (_, n): Register => ({
    name: `xmm${n}`,
    group: "SSE",
    bits: 128,
    shape: "vector",
    read: (core) => littleEndian(core.xmm(n)),
    write: (core, value) => core.xmm(n).set(littleEndianBytes(value, 16)),
  })),
  integer(
    "mxcsr",
    "SSE",
    32,
    (core) => BigInt(core.mxcsr),
    (core, value) => {
      if (value > 0xffffn) throw registerRefused("MXCSR", "bits 31:16 must be 0");
      core.mxcsr = Number(value);
    },
    () => MXCSR_FIELDS,
  ),
];

/** Every register once, in the order in which they are shown. */
export const REGISTERS: readonly Register[] = [
  ...generalRegisters(),
  flags,
  ...selectors,
  ...bases,
  ...tables,
  ...control,
  ...debug,
  ...msrs,
  ...x87,
  ...sse,
];

/** Parts and other names of registers: "eax", "r8d", "st(0)", "eflags". Writing a part keeps the rest, as in gdb. */
const ALIASES: ReadonlyMap<string, { readonly of: string; readonly low: number; readonly bits: number }> =
  new Map([
    ...GPR32.map((name, n) => [name, { of: GPR_NAMES[n]!, low: 0, bits: 32 }] as const),
    ...GPR16.map((name, n) => [name, { of: GPR_NAMES[n]!, low: 0, bits: 16 }] as const),
    ...LOW8.map((name, n) => [name, { of: GPR_NAMES[n]!, low: 0, bits: 8 }] as const),
    ...HIGH8.map((name, n) => [name, { of: GPR_NAMES[n]!, low: 8, bits: 8 }] as const),
    ...GPR_NAMES.slice(8).flatMap((of) => [
      [`${of}d`, { of, low: 0, bits: 32 }] as const,
      [`${of}w`, { of, low: 0, bits: 16 }] as const,
      [`${of}b`, { of, low: 0, bits: 8 }] as const,
    ]),
    ["eip", { of: "rip", low: 0, bits: 32 }],
    ["ip", { of: "rip", low: 0, bits: 16 }],
    ["eflags", { of: "rflags", low: 0, bits: 32 }],
    ["flags", { of: "rflags", low: 0, bits: 16 }],
    ...Array.from({ length: 8 }, (_, n) => [`st(${n})`, { of: `st${n}`, low: 0, bits: 80 }] as const),
  ]);

const BY_NAME: ReadonlyMap<string, Register> = new Map([
  ...REGISTERS.map((register) => [register.name, register] as const),
  ["sp_linear", pointer("sp_linear", SEG.ss, (core) => core.rsp)],
  ["pc", pointer("pc", SEG.cs, (core) => core.rip)],
]);

/** Derived: a pointer with its segment's base, as a linear address. Writing sets the offset. */
function pointer(name: string, segment: SegmentNumber, offset: (core: Core) => bigint): Register {
  const mask = (core: Core): bigint => ((core.mode & 3) === 2 ? (1n << 64n) - 1n : 0xffff_ffffn);
  return {
    name,
    group: "General",
    bits: 64,
    shape: "address",
    read: (core) => (offset(core) + ((core.mode & 3) === 2 ? 0n : core.segmentBase(segment))) & mask(core),
    write(core, value) {
      const relative = (value - ((core.mode & 3) === 2 ? 0n : core.segmentBase(segment))) & mask(core);
      if (segment === SEG.cs) core.rip = relative;
      else core.rsp = relative;
      core.updateMode();
    },
  };
}

/** The register called `name` (any case), or null. */
export function findRegister(name: string): Register | null {
  const key = name.toLowerCase();
  const found = BY_NAME.get(key);
  if (found !== undefined) return found;
  const alias = ALIASES.get(key);
  const whole = alias === undefined ? undefined : BY_NAME.get(alias.of);
  if (alias === undefined || whole === undefined) return null;
  const low = BigInt(alias.low);
  const mask = (1n << BigInt(alias.bits)) - 1n;
  return {
    name: key,
    group: whole.group,
    bits: alias.bits,
    shape: whole.shape,
    ...(whole.fields === undefined ? {} : { fields: whole.fields }),
    read: (core) => (whole.read(core) >> low) & mask,
    write: (core, value) => whole.write(core, (whole.read(core) & ~(mask << low)) | ((value & mask) << low)),
  };
}

/** Names for completion. */
export const registerNames = (): readonly string[] => [...BY_NAME.keys(), ...ALIASES.keys()];

/** Linear address of the next instruction. */
export const programCounter = (core: Core): bigint => BY_NAME.get("pc")!.read(core);
/** Linear address of the top of the stack. */
export const stackPointer = (core: Core): bigint => BY_NAME.get("sp_linear")!.read(core);

/** Width of the code that a CPU is executing. */
export const codeBits = (core: Core): 16 | 32 | 64 => ([16, 32, 64, 64] as const)[core.mode & 3]!;

export const interruptsEnabled = (core: Core): boolean => core.systemFlag(FLAG.IF);

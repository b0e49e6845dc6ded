/**
 * The processor as GDB sees it: one x86-64 description whatever mode the guest is in, as QEMU's, because GDB cannot change it under way. In
 * 32-bit and 16-bit modes the registers have their upper halves zero.
 *
 * Invariant: numbers and sizes of registers are those of QEMU 7.2's i386-64bit.xml, so scripts that name them by number work with both.
 */
import type { Core } from "../../emulator/index.ts";
import { AdapterError } from "../errors.ts";
import { littleEndian, littleEndianBytes } from "../memory/space.ts";
import { findRegister, type Register } from "../registers/index.ts";

interface TargetRegister {
  readonly name: string;
  readonly bits: number;
  readonly type: string;
  readonly feature: string;
  /** Ours; null: GDB asks for it, and it reads as 0 (the x87 instruction and data pointers in 32-bit pieces). */
  readonly register: Register | null;
}

const CORE = "org.gnu.gdb.i386.core";
const SSE = "org.gnu.gdb.i386.sse";
const SEGMENTS = "org.gnu.gdb.i386.segments";
const SYSTEM = "redzone.system";

const words = (text: string): string[] => text.split(" ");

function row(name: string, bits: number, type: string, feature: string): TargetRegister {
  return { name, bits, type, feature, register: findRegister(name) };
}

const rows = (names: string, bits: number, type: string, feature: string): TargetRegister[] =>
  words(names).map((name) => row(name, bits, type, feature));

const TARGET: readonly TargetRegister[] = [
  ...rows("rax rbx rcx rdx rsi rdi", 64, "int64", CORE),
  ...rows("rbp rsp", 64, "data_ptr", CORE),
  ...rows("r8 r9 r10 r11 r12 r13 r14 r15", 64, "int64", CORE),
  row("rip", 64, "code_ptr", CORE),
  row("eflags", 32, "eflags", CORE),
  ...rows("cs ss ds es fs gs", 32, "int32", CORE),
  ...rows("fs_base gs_base", 64, "int64", SEGMENTS),
  row("k_gs_base", 64, "int64", SYSTEM),
  row("cr0", 64, "cr0", SYSTEM),
  row("cr2", 64, "int64", SYSTEM),
  row("cr3", 64, "int64", SYSTEM),
  row("cr4", 64, "cr4", SYSTEM),
  row("cr8", 64, "int64", SYSTEM),
  row("efer", 64, "efer", SYSTEM),
  ...rows("st0 st1 st2 st3 st4 st5 st6 st7", 80, "i387_ext", CORE),
  ...rows("fctrl fstat ftag fiseg fioff foseg fooff fop", 32, "int", CORE),
  ...rows(Array.from({ length: 16 }, (_, n) => `xmm${n}`).join(" "), 128, "vec128", SSE),
  row("mxcsr", 32, "int", SSE),
];

/** The register's value in GDB's bytes; null if there is no such number. */
export function readRegister(core: Core, number: number): Uint8Array | null {
  const target = TARGET[number];
  if (target === undefined) return null;
  return littleEndianBytes(target.register?.read(core) ?? 0n, target.bits / 8);
}

/** Bytes taken from `bytes` at `offset`; null if the value is refused or missing. */
export function writeRegister(core: Core, number: number, bytes: Uint8Array, offset = 0): number | null {
  const target = TARGET[number];
  if (target === undefined || bytes.length - offset < target.bits / 8) return null;
  const value = littleEndian(bytes.subarray(offset, offset + target.bits / 8));
  if (target.register !== null && target.register.read(core) !== value) {
    try {
      target.register.write(core, value);
    } catch (error) {
      if (error instanceof AdapterError) return null;
      throw error;
    }
  }
  return target.bits / 8;
}

export const REGISTER_COUNT = TARGET.length;

function flagsType(core: Core, id: string, name: string, bytes: number): string {
  const fields = (findRegister(name)?.fields?.(core) ?? []).map(
    (field) => `<field name="${field.name}" start="${field.low}" end="${field.high}"/>`,
  );
  return `<flags id="${id}" size="${bytes}">${fields.join("")}</flags>`;
}

const VECTOR = [
  ["v4f", "ieee_single", 4],
  ["v2d", "ieee_double", 2],
  ["v16i8", "int8", 16],
  ["v8i16", "int16", 8],
  ["v4i32", "int32", 4],
  ["v2i64", "int64", 2],
] as const;

const TYPES: { readonly [feature: string]: (core: Core) => string } = {
  [CORE]: (core) => flagsType(core, "eflags", "rflags", 4),
  [SYSTEM]: (core) =>
    flagsType(core, "cr0", "cr0", 8) + flagsType(core, "cr4", "cr4", 8) + flagsType(core, "efer", "efer", 8),
  [SSE]: () =>
    VECTOR.map(([id, type, count]) => `<vector id="${id}" type="${type}" count="${count}"/>`).join("") +
    `<union id="vec128">${VECTOR.map(([id]) => `<field name="${id}" type="${id}"/>`).join("")}` +
    `<field name="uint128" type="uint128"/></union>`,
};

/** target.xml */
export function targetDescription(core: Core): string {
  const features = new Map<string, string[]>();
  for (const [number, { name, bits, type, feature }] of TARGET.entries()) {
    const list = features.get(feature) ?? [];
    list.push(`<reg name="${name}" bitsize="${bits}" type="${type}" regnum="${number}"/>`);
    features.set(feature, list);
  }
  const texts = [...features].map(
    ([name, list]) => `<feature name="${name}">${TYPES[name]?.(core) ?? ""}${list.join("")}</feature>`,
  );
  return (
    `<?xml version="1.0"?><!DOCTYPE target SYSTEM "gdb-target.dtd">` +
    `<target><architecture>i386:x86-64</architecture>${texts.join("")}</target>`
  );
}

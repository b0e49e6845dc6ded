/**
 * Registers that are collections of bits, drawn once: name, position and meaning of each field, in the manual's words (SDM 1 §3.4.3, 3A §2.5,
 * 3B §17.2; AMD APM 2 for EFER). Variables, the Debug Console and explanations of faults read these tables.
 */
export interface Field {
  readonly name: string;
  /** Lowest and highest bit. */
  readonly low: number;
  readonly high: number;
  readonly meaning: string;
}

const bit = (name: string, low: number, meaning: string): Field => ({ name, low, high: low, meaning });
const bits = (name: string, low: number, high: number, meaning: string): Field => ({
  name,
  low,
  high,
  meaning,
});

export const RFLAGS_FIELDS: readonly Field[] = [
  bit("CF", 0, "carry"),
  bit("PF", 2, "parity"),
  bit("AF", 4, "auxiliary carry"),
  bit("ZF", 6, "zero"),
  bit("SF", 7, "sign"),
  bit("TF", 8, "trap: single-step"),
  bit("IF", 9, "interrupts enabled"),
  bit("DF", 10, "direction: strings go down"),
  bit("OF", 11, "overflow"),
  bits("IOPL", 12, 13, "I/O privilege level"),
  bit("NT", 14, "nested task"),
  bit("RF", 16, "resume: no instruction breakpoint"),
  bit("VM", 17, "virtual-8086 mode"),
  bit("AC", 18, "alignment check, SMAP override"),
  bit("VIF", 19, "virtual interrupt flag"),
  bit("VIP", 20, "virtual interrupt pending"),
  bit("ID", 21, "CPUID can be used"),
];

export const CR0_FIELDS: readonly Field[] = [
  bit("PE", 0, "protected mode"),
  bit("MP", 1, "monitor coprocessor: WAIT honours TS"),
  bit("EM", 2, "emulation: x87 and SSE raise an exception"),
  bit("TS", 3, "task switched: x87 and SSE raise #NM"),
  bit("ET", 4, "extension type, always 1"),
  bit("NE", 5, "x87 errors raise #MF"),
  bit("WP", 16, "read-only pages bind the supervisor too"),
  bit("AM", 18, "alignment mask"),
  bit("NW", 29, "not write-through"),
  bit("CD", 30, "caches disabled"),
  bit("PG", 31, "paging"),
];

export const CR3_FIELDS: readonly Field[] = [
  bit("PWT", 3, "write-through of the top table"),
  bit("PCD", 4, "no caching of the top table"),
  bits("base", 12, 51, "page frame of the top table"),
];
export const CR3_PCID_FIELDS: readonly Field[] = [
  bits("PCID", 0, 11, "process-context identifier"),
  bits("base", 12, 51, "page frame of the top table"),
];

export const CR4_FIELDS: readonly Field[] = [
  bit("VME", 0, "virtual-8086 extensions"),
  bit("PVI", 1, "protected-mode virtual interrupts"),
  bit("TSD", 2, "RDTSC only in ring 0"),
  bit("DE", 3, "debugging extensions"),
  bit("PSE", 4, "4 MiB pages"),
  bit("PAE", 5, "8-byte page-table entries"),
  bit("MCE", 6, "machine checks"),
  bit("PGE", 7, "global pages"),
  bit("PCE", 8, "RDPMC in any ring"),
  bit("OSFXSR", 9, "SSE enabled"),
  bit("OSXMMEXCPT", 10, "SSE errors raise #XM"),
  bit("UMIP", 11, "SGDT, SIDT, SLDT, SMSW, STR only in ring 0"),
  bit("LA57", 12, "5-level paging"),
  bit("VMXE", 13, "VMX"),
  bit("SMXE", 14, "SMX"),
  bit("FSGSBASE", 16, "RDFSBASE … WRGSBASE"),
  bit("PCIDE", 17, "process-context identifiers"),
  bit("OSXSAVE", 18, "XSAVE and XCR0"),
  bit("SMEP", 20, "supervisor must not execute user pages"),
  bit("SMAP", 21, "supervisor must not touch user pages"),
];

export const EFER_FIELDS: readonly Field[] = [
  bit("SCE", 0, "SYSCALL, SYSRET"),
  bit("LME", 8, "long mode enabled"),
  bit("LMA", 10, "long mode active"),
  bit("NXE", 11, "no-execute pages"),
  bit("SVME", 12, "SVM"),
  bit("FFXSR", 14, "fast FXSAVE"),
];

export const CR8_FIELDS: readonly Field[] = [bits("TPR", 0, 3, "task priority")];

export const DR6_FIELDS: readonly Field[] = [
  bit("B0", 0, "condition of DR0 met"),
  bit("B1", 1, "condition of DR1 met"),
  bit("B2", 2, "condition of DR2 met"),
  bit("B3", 3, "condition of DR3 met"),
  bit("BD", 13, "debug register accessed"),
  bit("BS", 14, "single step"),
  bit("BT", 15, "task switch"),
];

export const DR7_FIELDS: readonly Field[] = [
  ...[0, 1, 2, 3].flatMap((n) => [
    bit(`L${n}`, n * 2, `DR${n} enabled in this task`),
    bit(`G${n}`, n * 2 + 1, `DR${n} enabled globally`),
  ]),
  bit("GD", 13, "general detect"),
  ...[0, 1, 2, 3].flatMap((n) => [
    bits(`R/W${n}`, 16 + n * 4, 17 + n * 4, "0 execute, 1 write, 2 I/O, 3 access"),
    bits(`LEN${n}`, 18 + n * 4, 19 + n * 4, "0 one byte, 1 two, 2 eight, 3 four"),
  ]),
];

export const SELECTOR_FIELDS: readonly Field[] = [
  bits("RPL", 0, 1, "requested privilege level"),
  bit("TI", 2, "0 GDT, 1 LDT"),
  bits("index", 3, 15, "entry of the table"),
];

/** Of SEGMENT.attributes in the emulator: a descriptor's bytes 5 and 6. */
export const ATTRIBUTE_FIELDS: readonly Field[] = [
  bits("type", 0, 3, "segment type"),
  bit("S", 4, "1 code or data, 0 system"),
  bits("DPL", 5, 6, "descriptor privilege level"),
  bit("P", 7, "present"),
  bit("AVL", 12, "free for software"),
  bit("L", 13, "64-bit code"),
  bit("D/B", 14, "32-bit default size"),
  bit("G", 15, "limit counts 4 KiB pages"),
];

export const APIC_BASE_FIELDS: readonly Field[] = [
  bit("BSP", 8, "boot processor"),
  bit("EXTD", 10, "x2APIC"),
  bit("EN", 11, "APIC enabled"),
  bits("base", 12, 51, "page frame of the APIC"),
];

export const XCR0_FIELDS: readonly Field[] = [
  bit("x87", 0, "x87 state"),
  bit("SSE", 1, "XMM state"),
  bit("AVX", 2, "YMM state"),
];

export const MXCSR_FIELDS: readonly Field[] = [
  bit("IE", 0, "invalid operation"),
  bit("DE", 1, "denormal"),
  bit("ZE", 2, "divide by zero"),
  bit("OE", 3, "overflow"),
  bit("UE", 4, "underflow"),
  bit("PE", 5, "precision"),
  bit("DAZ", 6, "denormals are zeros"),
  bit("IM", 7, "invalid operation masked"),
  bit("DM", 8, "denormal masked"),
  bit("ZM", 9, "divide by zero masked"),
  bit("OM", 10, "overflow masked"),
  bit("UM", 11, "underflow masked"),
  bit("PM", 12, "precision masked"),
  bits("RC", 13, 14, "rounding: 0 nearest, 1 down, 2 up, 3 to zero"),
  bit("FZ", 15, "flush to zero"),
];

export const FCW_FIELDS: readonly Field[] = [
  bit("IM", 0, "invalid operation masked"),
  bit("DM", 1, "denormal masked"),
  bit("ZM", 2, "divide by zero masked"),
  bit("OM", 3, "overflow masked"),
  bit("UM", 4, "underflow masked"),
  bit("PM", 5, "precision masked"),
  bits("PC", 8, 9, "precision: 0 single, 2 double, 3 extended"),
  bits("RC", 10, 11, "rounding: 0 nearest, 1 down, 2 up, 3 to zero"),
];

export const FSW_FIELDS: readonly Field[] = [
  bit("IE", 0, "invalid operation"),
  bit("DE", 1, "denormal"),
  bit("ZE", 2, "divide by zero"),
  bit("OE", 3, "overflow"),
  bit("UE", 4, "underflow"),
  bit("PE", 5, "precision"),
  bit("SF", 6, "stack fault"),
  bit("ES", 7, "unmasked error pending"),
  bit("C0", 8, "condition 0"),
  bit("C1", 9, "condition 1"),
  bit("C2", 10, "condition 2"),
  bits("TOP", 11, 13, "register that is ST(0)"),
  bit("C3", 14, "condition 3"),
  bit("B", 15, "busy"),
];

const mask = (field: Field): bigint => (1n << BigInt(field.high - field.low + 1)) - 1n;

export const fieldValue = (value: bigint, field: Field): bigint => (value >> BigInt(field.low)) & mask(field);

/** `value` with one field replaced; bits that do not fit are dropped. */
export const withField = (value: bigint, field: Field, replacement: bigint): bigint =>
  (value & ~(mask(field) << BigInt(field.low))) | ((replacement & mask(field)) << BigInt(field.low));

/** "[IF ZF PF IOPL=3]": what is set, highest bit first. */
export function summary(value: bigint, fields: readonly Field[]): string {
  const set: string[] = [];
  for (const field of fields.toReversed()) {
    const here = fieldValue(value, field);
    if (here === 0n) continue;
    set.push(field.low === field.high ? field.name : `${field.name}=0x${here.toString(16)}`);
  }
  return `[${set.join(" ")}]`;
}

/** `info registers` in QEMU's form. */
import {
  ACTIVITY,
  ATTRIBUTE,
  CR0,
  FLAG,
  MODE,
  SEG,
  STATE,
  type Core,
  type SegmentNumber,
} from "../../emulator/index.ts";
import { littleEndian } from "../memory/space.ts";

const hex = (value: bigint | number, digits: number): string => value.toString(16).padStart(digits, "0");

const NAMES64 = [
  ["RAX", 0], ["RBX", 3], ["RCX", 1], ["RDX", 2], ["RSI", 6], ["RDI", 7], ["RBP", 5], ["RSP", 4],
  ["R8 ", 8], ["R9 ", 9], ["R10", 10], ["R11", 11], ["R12", 12], ["R13", 13], ["R14", 14], ["R15", 15],
] as const; // oxfmt-ignore

const SYSTEM_TYPES = {
  32: [
    "Reserved", "TSS16-avl", "LDT", "TSS16-busy", "CallGate16", "TaskGate", "IntGate16", "TrapGate16",
    "Reserved", "TSS32-avl", "Reserved", "TSS32-busy", "CallGate32", "Reserved", "IntGate32", "TrapGate32",
  ],
  64: [
    "<hiword>", "Reserved", "LDT", "Reserved", "Reserved", "Reserved", "Reserved", "Reserved",
    "Reserved", "TSS64-avl", "Reserved", "TSS64-busy", "CallGate64", "Reserved", "IntGate64", "TrapGate64",
  ],
} as const; // oxfmt-ignore

/** The text of `info registers` for one CPU. */
export function infoRegisters(core: Core): string {
  const is64 = (core.mode & MODE.codeSize) === 2;
  const lines = ["", `CPU#${core.index}`, ...generalLines(core, is64), flagsLine(core, is64)];
  for (const [name, n] of [
    ["ES ", SEG.es],
    ["CS ", SEG.cs],
    ["SS ", SEG.ss],
    ["DS ", SEG.ds],
    ["FS ", SEG.fs],
    ["GS ", SEG.gs],
    ["LDT", SEG.ldtr],
    ["TR ", SEG.tr],
  ] as const) {
    lines.push(segmentLine(core, name, n, is64));
  }
  const table = (name: string, { base, limit }: { base: bigint; limit: number }): string =>
    is64
      ? `${name}=     ${hex(base, 16)} ${hex(limit, 8)}`
      : `${name}=     ${hex(base & 0xffff_ffffn, 8)} ${hex(limit, 8)}`;
  lines.push(table("GDT", core.gdtr), table("IDT", core.idtr));
  const wide = (value: bigint): string => hex(value, is64 ? 16 : 8);
  lines.push(`CR0=${hex(core.cr0, 8)} CR2=${wide(core.cr2)} CR3=${wide(core.cr3)} CR4=${hex(core.cr4, 8)}`);
  lines.push(`${[0, 1, 2, 3].map((n) => `DR${n}=${hex(core.dr(n), 16)} `).join("")}`);
  lines.push(`DR6=${hex(core.dr(6), 16)} DR7=${hex(core.dr(7), 16)}`);
  lines.push(`EFER=${hex(core.efer, 16)}`);
  lines.push(...floatLines(core, is64 ? 16 : 8));
  return `${lines.join("\n")}\n`;
}

function generalLines(core: Core, is64: boolean): string[] {
  const lines: string[] = [];
  for (let row = 0; row < (is64 ? 16 : 8); row += 4) {
    const cells = NAMES64.slice(row, row + 4).map(([name, n]) =>
      is64 ? `${name}=${hex(core.gpr(n), 16)}` : `E${name.slice(1)}=${hex(core.gpr32(n), 8)}`,
    );
    lines.push(cells.join(" "));
  }
  return lines;
}

function flagsLine(core: Core, is64: boolean): string {
  const flags = core.eflags;
  const letters = (
    [
      ["D", FLAG.DF],
      ["O", FLAG.OF],
      ["S", FLAG.SF],
      ["Z", FLAG.ZF],
      ["A", FLAG.AF],
      ["P", FLAG.PF],
      ["C", FLAG.CF],
    ] as const
  ).map(([letter, mask]) => ((flags & mask) !== 0 ? letter : "-"));
  const start = is64 ? `RIP=${hex(core.rip, 16)} RFL=` : `EIP=${hex(core.rip & 0xffff_ffffn, 8)} EFL=`;
  const halted = core.activity === ACTIVITY.running ? 0 : 1;
  return `${start}${hex(flags, 8)} [${letters.join("")}] CPL=${core.cpl} II=${core.shadow & 1} A20=1 SMM=0 HLT=${halted}`;
}

function segmentLine(core: Core, name: string, n: SegmentNumber, is64: boolean): string {
  const { selector, base, limit, attributes } = core.segment(n);
  const isGranular = (attributes & ATTRIBUTE.granularity) !== 0;
  const limitHigh = ((isGranular ? limit / 4096 : limit) >>> 16) & 15;
  // As in a descriptor's second double word.
  const flags =
    (attributes & ATTRIBUTE.unusable) !== 0
      ? 0
      : ((attributes & 0xff) << 8) | (limitHigh << 16) | ((attributes & 0xf000) << 8);
  const start = `${name}=${hex(selector, 4)} ${is64 ? hex(base, 16) : hex(base & 0xffff_ffffn, 8)} ${hex(limit, 8)} ${hex(flags, 8)}`;
  if ((core.cr0 & CR0.PE) === 0 || (attributes & ATTRIBUTE.present) === 0 || flags === 0) return start;
  const has = (bit: number, letter: string): string => ((attributes & bit) !== 0 ? letter : "-");
  const dpl = ` DPL=${(attributes & ATTRIBUTE.dpl) >>> 5} `;
  const isLong = (core.mode & MODE.long) !== 0;
  if ((attributes & ATTRIBUTE.system) === 0)
    return `${start}${dpl}${SYSTEM_TYPES[isLong ? 64 : 32][attributes & 15]}`;
  const accessed = has(ATTRIBUTE.accessed, "A");
  if ((attributes & ATTRIBUTE.code) !== 0) {
    const width =
      (attributes & ATTRIBUTE.long) !== 0 ? "CS64" : (attributes & ATTRIBUTE.big) !== 0 ? "CS32" : "CS16";
    return `${start}${dpl}${width} [${has(ATTRIBUTE.conforming, "C")}${has(ATTRIBUTE.readable, "R")}${accessed}]`;
  }
  const width = (attributes & ATTRIBUTE.big) !== 0 || isLong ? "DS  " : "DS16";
  return `${start}${dpl}${width} [${has(ATTRIBUTE.expandDown, "E")}${has(ATTRIBUTE.writable, "W")}${accessed}]`;
}

function floatLines(core: Core, xmmCount: number): string[] {
  const { view } = core;
  const status = view.getUint16(STATE.fpu + 2, true);
  const tags = view.getUint16(STATE.fpu + 4, true);
  let valid = 0;
  for (let n = 0; n < 8; n++) if (((tags >>> (n * 2)) & 3) !== 3) valid |= 1 << n;
  const control = view.getUint16(STATE.fpu, true);
  const lines = [
    `FCW=${hex(control, 4)} FSW=${hex(status, 4)} [ST=${(status >>> 11) & 7}] FTW=${hex(valid, 2)} MXCSR=${hex(core.mxcsr, 8)}`,
  ];
  const pairs = (count: number, cell: (n: number) => string): void => {
    for (let n = 0; n < count; n += 2) lines.push(`${cell(n)} ${cell(n + 1)}`);
  };
  pairs(8, (n) => {
    const bytes = core.fpuRegister(n);
    return `FPR${n}=${hex(littleEndian(bytes.subarray(0, 8)), 16)} ${hex(littleEndian(bytes.subarray(8, 10)), 4)}`;
  });
  pairs(xmmCount, (n) => {
    const bytes = core.xmm(n);
    return `XMM${n.toString().padStart(2, "0")}=${hex(littleEndian(bytes.subarray(8)), 16)} ${hex(littleEndian(bytes.subarray(0, 8)), 16)}`;
  });
  return lines;
}

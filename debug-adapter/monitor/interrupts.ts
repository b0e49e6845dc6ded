/**
 * `info pic` and `info lapic` in QEMU's form: the two 8259, the I/O APIC, a processor's local APIC.
 *
 * What an APIC holds is read from the state that it saves, so looking has no effect on it.
 */
import type { Core, Machine, Pc } from "../../emulator/index.ts";
import { badMonitorCommand } from "../errors.ts";

const hex = (value: number, digits = 2): string => (value >>> 0).toString(16).padStart(digits, "0");

/** Saved state of a device; null if the machine has none of that name. */
function stateOf<State>(machine: Machine, name: string): State | null {
  return (machine.devices.find((device) => device.name === name)?.save() as State | undefined) ?? null;
}

/** Numbers of the bits that are set, as QEMU lists them. */
function bits(words: readonly number[], width = 0): string {
  const numbers = words.flatMap((word, n) =>
    Array.from({ length: 32 }, (_, bit) => ((word >>> bit) & 1 ? n * 32 + bit : -1)).filter(
      (bit) => bit >= 0,
    ),
  );
  return numbers.length === 0 ? "(none)" : numbers.map((bit) => `${String(bit).padEnd(width)} `).join("");
}

const DELIVERY = ["fixed", "lowest", "SMI", "...", "NMI", "INIT", "...", "extINT"] as const;
const ENTRY = {
  activeLow: 0x2000,
  remoteIrr: 0x4000,
  level: 0x8000,
  masked: 0x10000,
  logical: 0x800,
} as const;

interface IoApicState {
  readonly select: number;
  readonly id: number;
  readonly irr: number;
  readonly low: readonly number[];
  readonly high: readonly number[];
}

function ioApic({ select, id, irr, low, high }: IoApicState): string {
  const redirection = select >= 0x10 ? ` (redir[${(select - 0x10) >>> 1}])` : "";
  const lines = [`ioapic0: ver=0x20 id=0x${hex(id)} sel=0x${hex(select)}${redirection}`];
  let remote = 0;
  for (const [pin, entry] of low.entries()) {
    const isLogical = (entry & ENTRY.logical) !== 0;
    if ((entry & ENTRY.level) !== 0 && (entry & ENTRY.remoteIrr) !== 0) remote |= 1 << pin;
    const destination = (high[pin]! >>> 24) & (isLogical ? 0xff : 0xf);
    const columns = [
      `pin ${String(pin).padEnd(2)}`,
      `0x${hex(high[pin]!, 8)}${hex(entry, 8)}`,
      `dest=${destination.toString(16)}`,
      `vec=${String(entry & 0xff).padEnd(3)}`,
      (entry & ENTRY.activeLow) === 0 ? "active-hi" : "active-lo",
      ((entry & ENTRY.level) === 0 ? "edge" : "level").padEnd(5),
      ((entry & ENTRY.masked) === 0 ? "" : "masked").padEnd(6),
      DELIVERY[(entry >>> 8) & 7]!.padEnd(6),
      isLogical ? "logical" : "physical",
    ];
    lines.push(`  ${columns.join(" ")}`);
  }
  lines.push(`${"  IRR".padEnd(10)} ${bits([irr], 2)}`, `${"  Remote IRR".padEnd(10)} ${bits([remote], 2)}`);
  return lines.map((line) => `${line}\n`).join("");
}

/** The I/O APIC, then the two 8259, the second first, as QEMU has them. */
export function infoPic(machine: Pc | null): string {
  if (machine === null) throw badMonitorCommand("this machine has no interrupt controller");
  const [first, second] = machine.board.pic.chips;
  const chips = [
    ["pic1", second],
    ["pic0", first],
  ] as const;
  const state = stateOf<IoApicState>(machine, "ioapic");
  return (
    (state === null ? "" : ioApic(state)) +
    chips
      .map(
        ([name, chip]) =>
          `${name}: irr=${hex(chip.irr)} imr=${hex(chip.imr)} isr=${hex(chip.isr)} hprio=${chip.hprio} irq_base=${hex(chip.irqBase)} ` +
          `rr_sel=${chip.readIsr ? 1 : 0} elcr=${hex(chip.elcr)} fnm=${chip.fnm ? 1 : 0}\n`,
      )
      .join("")
  );
}

interface LocalApicState {
  readonly mode: number;
  readonly ldr: number;
  readonly dfr: number;
  readonly tpr: number;
  readonly svr: number;
  readonly esr: number;
  readonly icrLow: number;
  readonly icrHigh: number;
  /** Timer, thermal, performance, LINT0, LINT1, error. */
  readonly lvt: readonly number[];
  readonly isr: readonly number[];
  readonly tmr: readonly number[];
  readonly irr: readonly number[];
}
interface TimerState {
  readonly initialCount: number;
  readonly divide: number;
  readonly expiry: number;
}

const LVT = [
  ["LVT0", 3],
  ["LVT1", 4],
  ["LVTPC", 2],
  ["LVTERR", 5],
  ["LVTTHMR", 1],
  ["LVTT", 0],
] as const;
const MODES = ["Fixed", "LowP", "SMI", "ModeR", "NMI", "INIT", "SIPI", "ExtINT"] as const;
const TIMER_MODES = ["one-shot", "periodic", "tsc-deadline", ""] as const;
const SHORTHANDS = ["no-shorthand", "self", "all-self", "all"] as const;

function lvtLine(name: string, entry: number): string {
  const mode = (entry >>> 8) & 7;
  const timer = name === "LVTT" ? TIMER_MODES[(entry >>> 17) & 3]! : "";
  const columns = [
    (entry & 0x2000) === 0 ? "active-hi" : "active-lo",
    ((entry & 0x8000) === 0 ? "edge" : "level").padEnd(5),
    ((entry & 0x10000) === 0 ? "" : "masked").padEnd(6),
    ((entry & 0x1000) === 0 ? "" : "pending").padEnd(7),
    timer.padEnd(12),
    MODES[mode]!.padEnd(6),
  ];
  // NMI, SMI and INIT have no vector.
  const vector = mode === 0 || mode === 1 || mode === 7 ? ` (vec ${entry & 0xff})` : "";
  return `${name}\t 0x${hex(entry, 8)} ${columns.join(" ")}${vector}`;
}

/** Who a command was for, in the words of its addressing mode. */
function destination(state: LocalApicState): string {
  if (((state.icrLow >>> 18) & 3) !== 0) return "";
  const isX2apic = (state.mode & 0x400) !== 0;
  const value = isX2apic ? state.icrHigh >>> 0 : state.icrHigh >>> 24;
  if ((state.icrLow & 0x800) === 0) return ` cpu ${value} (${isX2apic ? "X2APIC" : "APIC"} ID)`;
  return isX2apic ? ` mask ${hex(value, 8)} (X2APIC)` : ` mask ${hex(value)} (APIC logical)`;
}

/** A processor's local APIC. `now` is virtual time, in nanoseconds: the timer counts at 1 GHz. */
export function infoLapic(machine: Machine, core: Core): string {
  const saved = stateOf<{ readonly registers: LocalApicState; readonly timer: TimerState }>(
    machine,
    `apic.${core.index}`,
  );
  if (saved === null) throw badMonitorCommand(`CPU ${core.index} has no local APIC`);
  const { registers: state, timer } = saved;
  const divider = 1 << ((((timer.divide & 3) | ((timer.divide >>> 1) & 4)) + 1) & 7);
  const left = timer.expiry < 0 ? 0 : Math.max(0, Math.ceil((timer.expiry - machine.now) / divider));
  const icr = state.icrLow;
  const command = [
    (icr & 0x800) === 0 ? "physical" : "logical",
    (icr & 0x8000) === 0 ? "edge" : "level",
    (icr & 0x4000) === 0 ? "de-assert" : "assert",
    SHORTHANDS[(icr >>> 18) & 3],
  ].join(" ");
  const enabled = (state.svr & 0x100) !== 0 ? "enabled" : "disabled";
  // In service, a level-triggered one is marked.
  const inService = listVectors(state.isr, state.tmr);
  const lines = [
    `dumping local APIC state for CPU ${core.index} `,
    "",
    ...LVT.map(([name, n]) => lvtLine(name, state.lvt[n]!)),
    `Timer\t DCR=0x${(timer.divide & 0xf).toString(16)} (divide by ${divider}) initial_count = ${timer.initialCount} current_count = ${left}`,
    `SPIV\t 0x${hex(state.svr, 8)} APIC ${enabled}, focus=${(state.svr & 0x200) === 0 ? "off" : "on"}, spurious vec ${state.svr & 0xff}`,
    `ICR\t 0x${hex(icr, 8)} ${command}`,
    `ICR2\t 0x${hex(state.icrHigh, 8)}${destination(state)}`,
    `ESR\t 0x${hex(state.esr, 8)}`,
    `ISR\t ${inService}`,
    `IRR\t ${listVectors(state.irr, state.tmr)}`,
    "",
    `APR 0x00 TPR 0x${hex(state.tpr)} DFR 0x${hex(state.dfr >>> 28)} LDR 0x${hex(state.ldr >>> 24)} PPR 0x${hex(priority(state))}`,
  ];
  return lines.map((line) => `${line}\n`).join("");
}

function listVectors(words: readonly number[], levels: readonly number[]): string {
  const shown: string[] = [];
  for (let vector = 0; vector < 256; vector++) {
    const has = (list: readonly number[]): boolean => ((list[vector >>> 5]! >>> (vector & 31)) & 1) !== 0;
    if (has(words)) shown.push(`${vector}${has(levels) ? "(level)" : ""} `);
  }
  return shown.length === 0 ? "(none)" : shown.join("");
}

/** Processor priority: the task's, or that of the highest interrupt in service. */
function priority({ tpr, isr }: LocalApicState): number {
  let highest = 0;
  for (const [n, word] of isr.entries()) if (word !== 0) highest = n * 32 + 31 - Math.clz32(word);
  return tpr >>> 4 >= highest >>> 4 ? tpr : highest & 0xf0;
}

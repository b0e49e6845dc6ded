/**
 * Exception filters: the vectors and the other events of a processor that the Breakpoints view can tick, each with an optional condition
 * over what happened ($vector, $error, $address, $port, $value, $register …).
 *
 * Invariant: filters are ids that never change, because editors remember them.
 */
import {
  CR4,
  FLAG,
  PAGE_FAULT,
  VECTOR,
  WATCH,
  type Clobber,
  type Core,
  type CpuEvent,
  type FaultRecord,
} from "../../emulator/index.ts";
import type { DebugProtocol } from "@vscode/debugprotocol";
import { integerValue, UNSIGNED_LONG, type Value } from "../expressions/index.ts";
import { staleText } from "../paging/stale.ts";
import { NULL_PAGE_BYTES } from "./null-pointer.ts";
import { VECTORS, vectorText } from "./vector.ts";

export interface Filter {
  readonly id: string;
  readonly label: string;
  readonly description: string;
  readonly isDefault: boolean;
  /** Example of a condition. */
  readonly condition: string;
  /** WATCH bits; 0 for a triple fault, at which the machine stops anyway. */
  readonly watch: number;
  readonly accepts: (event: CpuEvent, core: Core) => boolean;
}

const vectors: readonly Filter[] = VECTORS.map(({ number, mnemonic, name, kind }) => ({
  id: `vector-${number}`,
  label: `${mnemonic} ${name}`,
  description: `Stops before the exception ${mnemonic} (vector ${number}, ${kind}) is delivered.`,
  isDefault: number === 8,
  condition: number === 14 ? "$address < 0x1000 && ($error & 2)" : "$error != 0",
  watch: WATCH.exception,
  accepts: (event) => event.kind === "exception" && event.fault.vector === number,
}));

const mode = (bit: string, label: string): Filter => ({
  id: `mode-${bit.toLowerCase().replace(".", "-")}`,
  label,
  description: `Stops after the instruction that changes ${bit}.`,
  isDefault: false,
  condition: "$value == 1",
  watch: WATCH.mode,
  accepts: (event) => event.kind === "mode" && event.bit === bit,
});

const other: readonly Filter[] = [
  {
    id: "triple-fault",
    label: "Triple fault",
    description:
      "The machine always stops at a triple fault, before the reset; this shows the autopsy in the Debug Console too.",
    isDefault: true,
    condition: "",
    watch: 0,
    accepts: () => false,
  },
  {
    id: "interrupt",
    label: "External interrupts",
    description: "Stops at the first instruction of the handler of a hardware interrupt.",
    isDefault: false,
    condition: "$vector == 0x20",
    watch: WATCH.interrupt,
    accepts: (event) => event.kind === "interrupt" && !event.software,
  },
  {
    id: "software-interrupt",
    label: "INT n",
    description: "Stops at the first instruction of the handler that an INT instruction called.",
    isDefault: false,
    condition: "$vector == 0x80",
    watch: WATCH.interrupt,
    accepts: (event) => event.kind === "interrupt" && event.software,
  },
  mode("PE", "Mode: CR0.PE (protected mode)"),
  mode("PG", "Mode: CR0.PG (paging)"),
  mode("LMA", "Mode: EFER.LMA (long mode)"),
  mode("CS.L", "Mode: CS.L (64-bit code)"),
  mode("VM", "Mode: RFLAGS.VM (virtual-8086)"),
  {
    id: "red-zone-confirmed",
    label: "Red-zone clobber: confirmed",
    description:
      "Stops when a function reads bytes below its stack pointer that an interrupt or exception on the same stack has overwritten.",
    isDefault: true,
    condition: "$vector == 0x20",
    watch: WATCH.redZone,
    accepts: (event) => event.kind === "red-zone" && event.clobber.kind === "confirmed",
  },
  {
    id: "red-zone-latent",
    label: "Red-zone clobber: latent",
    description:
      "Stops when an interrupt or exception overwrites bytes below the stack pointer that the interrupted function may still read. Needs the function's symbol.",
    isDefault: false,
    condition: "$vector == 0x20",
    watch: WATCH.redZone,
    accepts: (event) => event.kind === "red-zone" && event.clobber.kind === "latent",
  },
  {
    id: "ist-twice",
    label: "IST stack entered twice",
    description:
      "Stops when an event is delivered on a stack of the interrupt-stack table that the handler of an earlier one still uses.",
    isDefault: true,
    condition: "$vector == 2",
    watch: WATCH.redZone,
    accepts: (event) => event.kind === "red-zone" && event.clobber.kind === "ist",
  },
  {
    id: "control-register",
    label: "Control register written",
    description: "Stops after a write that changes CR0, CR3, CR4 or CR8.",
    isDefault: false,
    condition: "$cr == 3",
    watch: WATCH.control,
    accepts: (event) => event.kind === "control",
  },
  {
    id: "msr",
    label: "MSR written",
    description: "Stops after WRMSR.",
    isDefault: false,
    condition: "$msr == 0xc0000080",
    watch: WATCH.msr,
    accepts: (event) => event.kind === "msr" && event.write,
  },
  {
    id: "msr-read",
    label: "MSR read",
    description: "Stops after RDMSR.",
    isDefault: false,
    condition: "$msr == 0xc0000080",
    watch: WATCH.msr,
    accepts: (event) => event.kind === "msr" && !event.write,
  },
  {
    id: "port",
    label: "I/O port accessed",
    description: "Stops after IN, OUT and their string forms.",
    isDefault: false,
    condition: "$port == 0x3f8 && $write",
    watch: WATCH.port,
    accepts: (event) => event.kind === "port",
  },
  {
    id: "mmio",
    label: "Device memory accessed",
    description: "Stops after an access to memory that a device answers.",
    isDefault: false,
    condition: "$address >= 0xb8000 && $write",
    watch: WATCH.mmio,
    accepts: (event) => event.kind === "mmio",
  },
  {
    id: "privilege",
    label: "Privilege level changed",
    description: "Stops after the current privilege level has changed.",
    isDefault: false,
    condition: "$value == 3",
    watch: WATCH.privilege,
    accepts: (event) => event.kind === "privilege",
  },
  {
    id: "null-pointer",
    label: "Null pointer in the kernel",
    description:
      "Stops before a page fault that supervisor code causes in the first page, and says which register and which variable were null.",
    isDefault: true,
    condition: "$error & 2",
    watch: WATCH.exception,
    accepts: (event, core) => event.kind === "exception" && isNullPointer(event.fault, core),
  },
  {
    id: "stale-tlb",
    label: "Stale TLB entry",
    description:
      "Stops after an access through a translation that the page tables in memory no longer say: INVLPG, a write of CR3 or a TLB shootdown is missing. A fetch stops before its instruction.",
    isDefault: true,
    condition: "$write && $cpu == $writer",
    watch: WATCH.staleTlb,
    accepts: (event) => event.kind === "stale-tlb",
  },
];

/** With SMAP, a supervisor that reaches for user memory says so first (EFLAGS.AC): a program's null pointer, which a kernel is prepared for. */
function isNullPointer({ vector, errorCode, address }: FaultRecord, core: Core): boolean {
  if (vector !== VECTOR.PF || address === null || address >= NULL_PAGE_BYTES) return false;
  const isForUser = (core.cr4 & CR4.SMAP) !== 0 && (core.rflags & BigInt(FLAG.AC)) !== 0n;
  return ((errorCode ?? 0) & PAGE_FAULT.user) === 0 && !isForUser;
}

export const FILTERS: readonly Filter[] = [...vectors, ...other];

export const exceptionBreakpointFilters: readonly DebugProtocol.ExceptionBreakpointsFilter[] = FILTERS.map(
  (filter) => ({
    filter: filter.id,
    label: filter.label,
    description: filter.description,
    default: filter.isDefault,
    supportsCondition: filter.condition !== "",
    ...(filter.condition === "" ? {} : { conditionDescription: filter.condition }),
  }),
);

/** What a condition can name: `$vector`, `$error`, `$address` and so on of the event. */
export function eventVariables(event: CpuEvent): ReadonlyMap<string, Value> {
  const number = (value: bigint | number | boolean): Value =>
    integerValue(
      UNSIGNED_LONG,
      BigInt.asUintN(64, BigInt(typeof value === "boolean" ? Number(value) : value)),
    );
  const of = (entries: { readonly [name: string]: bigint | number | boolean }): ReadonlyMap<string, Value> =>
    new Map(Object.entries(entries).map(([name, value]) => [name, number(value)]));
  switch (event.kind) {
    case "exception":
      return of({
        vector: event.fault.vector,
        error: event.fault.errorCode ?? 0,
        address: event.fault.address ?? 0n,
      });
    case "interrupt":
      return of({ vector: event.vector });
    case "mode":
      return of({ value: event.value });
    case "control":
      return of({
        cr: Number(/\d+/.exec(event.register)?.[0] ?? -1),
        before: event.before,
        value: event.after,
      });
    case "msr":
      return of({ msr: event.index, value: event.value, write: event.write });
    case "port":
      return of({ port: event.port, size: event.size, value: event.value >>> 0, write: event.write });
    case "mmio":
      return of({ address: event.address, size: event.size, value: event.value >>> 0, write: event.write });
    case "privilege":
      return of({ before: event.before, value: event.after });
    case "stale-tlb": {
      const { linear, access, isUser, cached, cpu, changes } = event.use;
      return of({
        address: linear,
        physical: cached.page,
        write: access === "write",
        fetch: access === "fetch",
        user: isUser,
        cpu,
        writer: changes.at(-1)?.cpu ?? cpu,
      });
    }
    case "red-zone": {
      const { event: cause, read } = event.clobber;
      return of({ vector: cause.vector, rip: cause.rip, rsp: cause.rsp, address: read?.address ?? 0n });
    }
  }
}

function clobberText({ kind, event: { vector, ist, kind: cause }, read }: Clobber): string {
  const by = cause === "push" || cause === "call" ? `a ${cause} of the function's own` : vectorText(vector);
  switch (kind) {
    case "ist":
      return `IST stack ${ist} was entered twice.`;
    case "latent":
      return `Live bytes of the red zone were overwritten by ${by}.`;
    case "confirmed":
      return `${read?.size ?? 0} bytes of the red zone were read that ${by} had overwritten.`;
  }
}

/** An event in one sentence. */
export function eventText(event: CpuEvent): string {
  const hex = (value: bigint | number): string => `0x${value.toString(16)}`;
  switch (event.kind) {
    case "exception":
      return "Exception.";
    case "interrupt":
      return `${event.software ? "INT" : "External interrupt"} ${hex(event.vector)}.`;
    case "mode":
      return `${event.bit} is now ${event.value ? 1 : 0}.`;
    case "control":
      return `${event.register.toUpperCase()} changed from ${hex(event.before)} to ${hex(event.after)}.`;
    case "msr":
      return `MSR ${hex(event.index)} ${event.write ? "written" : "read"}: ${hex(event.value)}.`;
    case "port":
      return `${event.write ? "OUT to" : "IN from"} port ${hex(event.port)}: ${hex(event.value >>> 0)} (${event.size} byte${event.size === 1 ? "" : "s"}).`;
    case "mmio":
      return `${event.write ? "Write to" : "Read of"} device memory at ${hex(event.address)}: ${hex(event.value >>> 0)} (${event.size} byte${event.size === 1 ? "" : "s"}).`;
    case "privilege":
      return `The privilege level changed from ${event.before} to ${event.after}.`;
    case "stale-tlb":
      return staleText(event.use);
    case "red-zone":
      return clobberText(event.clobber);
  }
}

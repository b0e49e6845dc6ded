/**
 * The machine as everything above the emulator sees it: the debug adapter, the command line, the tests. `machine/pc.ts` implements it.
 *
 * Calls are synchronous; a host that wants to stay responsive runs in slices (`run({ instants })`) and yields in between.
 */
import type { Core } from "../cpu/core.ts";
import type { CpuEvent } from "../cpu/event.ts";
import type { Device, PlainData } from "../devices/device.ts";
import type { AddressSpace, Memory } from "../memory/index.ts";
import type { Instant, LinearAddress, Nanoseconds, PhysicalAddress } from "../numbers.ts";
import type { StopReason } from "./stop.ts";

export interface MachineConfig {
  /** Guest RAM in bytes, a multiple of 4096. */
  readonly ramBytes: number;
  /** Split below 4 GiB as `-machine pc,max-ram-below-4g=`; QEMU's default if absent. */
  readonly maxRamBelow4G?: number;
  /** `-m …,slots=N,maxmem=M`. */
  readonly slots?: number;
  readonly maxRamBytes?: number;
  readonly cpus?: number;
  /** RTC start, milliseconds since 1970 UTC. Default 2026-01-01T00:00:00Z, so that runs repeat. */
  readonly rtcBase?: number;
  /** Seed of everything random that a guest can read (RDRAND). */
  readonly seed?: number;
  /** Virtual nanoseconds that an instant takes: `-icount shift=N` gives 2^N, 0 … 10. Default 1. A larger value makes guests that busy-wait finish sooner. */
  readonly nanosecondsPerInstant?: number;
  /** Present if `-device isa-debug-exit` was given. Defaults iobase 0x501, iosize 2 as QEMU. */
  readonly debugExit?: { readonly iobase: number; readonly iosize: number };
  /** A guest reset stops the machine instead of resetting it. */
  readonly noReboot?: boolean;
}

/** An input from outside. It happens at an instant and is logged there; a run is a function of the start and of this log. */
export type Input =
  | { readonly kind: "serial"; readonly port: number; readonly bytes: Uint8Array }
  /** PS/2 scan codes, set 2 untranslated, as the keyboard would send them. */
  | { readonly kind: "key"; readonly scancodes: readonly number[] }
  | { readonly kind: "nmi" }
  | { readonly kind: "power-button" };

export interface LoggedInput {
  readonly instant: Instant;
  readonly idle: Nanoseconds;
  readonly input: Input;
}

/** Text-mode screen: `cells` holds character and attribute bytes, `columns × rows × 2`. */
export interface TextScreen {
  readonly columns: number;
  readonly rows: number;
  readonly cells: Uint8Array;
  /** Cell index, or null if hidden. */
  readonly cursor: number | null;
}

export interface RunLimit {
  /** At most this many instants (retired instructions plus delivered events). */
  readonly instants: number;
  /** At an idle machine (all CPUs in HLT, interrupts on): skip time to the next timer event (default), up to this virtual time. */
  readonly untilNanoseconds?: number;
  /** Execute the first instruction even if it has a breakpoint or is about to raise a watched exception: set by every "continue" and "step". */
  readonly resume?: boolean;
}

/** Breakpoints, watchpoints and watched events. Ids are the caller's; adding an id twice replaces it. */
export interface MachineDebug {
  /** Stops before an instruction that starts at this linear address (default) or whose first byte has this guest-physical address. */
  addBreakpoint(id: number, address: LinearAddress | PhysicalAddress, space: "linear" | "physical"): void;
  addWatchpoint(
    id: number,
    range: {
      readonly space: "linear" | "physical";
      readonly address: LinearAddress | PhysicalAddress;
      readonly length: number;
      readonly access: "read" | "write" | "readWrite";
    },
  ): void;
  /** `accepts` decides for each event of these WATCH bits whether the machine stops. */
  addEvent(id: number, watch: number, accepts: (event: CpuEvent, core: Core) => boolean): void;
  remove(id: number): void;
  clear(): void;
}

/** A machine's whole state: an immutable value. Pages are shared between successive values. */
export interface MachineState {
  readonly version: number;
  readonly config: MachineConfig;
  readonly instant: Instant;
  readonly idle: Nanoseconds;
  /** One per CPU: STATE bytes with lazy flags made canonical, then the canonical TLBs. */
  readonly cpus: readonly Uint8Array[];
  readonly devices: { readonly [name: string]: PlainData };
  /** By RAMBlock idstr; see `memory/snapshot.ts`. */
  readonly memory: MemoryState;
}
export type MemoryState = ReturnType<Memory["save"]>;

export interface Machine {
  readonly config: MachineConfig;
  readonly cpus: readonly Core[];
  readonly memory: Memory;
  /** "memory" and "I/O", as `info mtree` names them. */
  readonly addressSpaces: { readonly memory: AddressSpace; readonly io: AddressSpace };
  readonly instant: Instant;
  readonly idle: Nanoseconds;
  /** Virtual time: what the instants took, and the idle time skipped. */
  readonly now: Nanoseconds;
  readonly debug: MachineDebug;
  /** Everything that came from outside so far. */
  readonly inputs: readonly LoggedInput[];

  run(limit: RunLimit): StopReason;
  /** Feeds an input now (between two instants) and logs it. */
  input(input: Input): void;
  /** Power-on reset of CPU and devices; RAM keeps its bytes. A boot loader then runs `onReset` listeners again. */
  reset(): void;
  onReset: () => void;

  /** Bytes the guest wrote to serial port 0…1, the debug console (0xE9) or port 0x402; called as they appear. */
  onOutput: (channel: "serial0" | "serial1" | "debugcon" | "seabios", byte: number) => void;
  screen(): TextScreen;
  /** Changes whenever the screen may have changed. */
  readonly screenVersion: number;
  /** For looking: `save()` of a device gives its registers. */
  readonly devices: readonly Device[];
  /** Host memory the machine uses, in bytes. */
  readonly memoryBytes: number;

  save(): MachineState;
  load(state: MachineState): void;
  /** Changed-page epoch etc. for panels: see Memory. */
}

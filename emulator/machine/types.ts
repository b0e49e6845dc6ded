/**
 * The machine as everything above the emulator sees it: the debug adapter, the command line, the tests. `machine/pc.ts` implements it.
 *
 * Calls are synchronous; a host that wants to stay responsive runs in slices (`run({ instants })`) and yields in between.
 */
import type { BlockImage } from "../block/image.ts";
import type { Clobber, LiveBytes, OwnPush } from "../cpu/clobber.ts";
import type { Core } from "../cpu/core.ts";
import type { CpuEvent } from "../cpu/event.ts";
import type { TableWrite } from "../cpu/stale.ts";
import type { TranslatorMode } from "../cpu/statistics.ts";
import type { Workshop } from "../cpu/translator/order.ts";
import type { Device, PlainData } from "../devices/device.ts";
import type { AddressSpace, DimmConfig, Memory, MemoryBackendConfig } from "../memory/index.ts";
import type { Instant, LinearAddress, Nanoseconds, PhysicalAddress } from "../numbers.ts";
import type { Display, Picture, TextScreen } from "./display.ts";
import type { Statistics } from "./statistics.ts";
import type { StopReason } from "./stop.ts";

export interface MachineConfig {
  /** Guest RAM in bytes, a multiple of 4096. */
  readonly ramBytes: number;
  /** Split below 4 GiB as `-machine pc,max-ram-below-4g=`; QEMU's default if absent. */
  readonly maxRamBelow4G?: number;
  /** `-m …,slots=N,maxmem=M`. */
  readonly slots?: number;
  readonly maxRamBytes?: number;
  /** `-object memory-backend-…`, in the order given. */
  readonly memoryBackends?: readonly MemoryBackendConfig[];
  /** `-machine memory-backend=`: the backend that is the machine's RAM; its size is `ramBytes`. */
  readonly ramBackend?: string;
  /** `-device pc-dimm`: what is in the slots from the start. */
  readonly dimms?: readonly DimmConfig[];
  /** 1 … 255. CPU n has APIC id n. */
  readonly cpus?: number;
  /** `-cpu MODEL[,+feature][,-feature][,feature=on|off]` in QEMU's words; default "max": everything that is implemented. */
  readonly cpu?: string;
  /** Drives in the order given. Their bytes come from `MachineHost.images` by `id`. */
  readonly drives?: readonly DriveConfig[];
  /** `-device virtio-rng-pci`: its bytes come from `seed`. */
  readonly virtioRng?: boolean;
  /** `-device virtio-serial-pci` with this many `virtconsole` ports (0 or absent: no such device). */
  readonly virtioConsoles?: number;
  /** `-bios FILE`: a firmware image that starts at the reset vector; absent: the built-in BIOS services. */
  readonly firmware?: Uint8Array;
  /** Expansion ROM of the VGA adapter, for firmware to run (Debian: vgabios-stdvga.bin). */
  readonly vgaRom?: Uint8Array;
  /** `-boot order=`: a floppy, c disk, d CD, n network, tried in turn. Default "cad" as QEMU. */
  readonly bootOrder?: string;
  /** `-machine hpet=off`, `-machine acpi=off`. Default: on. */
  readonly hpet?: boolean;
  readonly acpi?: boolean;
  /** `-fw_cfg name=…,string=…|file=…`: more files for the guest to find. */
  readonly fwCfg?: readonly { readonly name: string; readonly bytes: Uint8Array }[];
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
  /** Whether hot code is translated. The guest cannot tell. Default "on". */
  readonly translator?: TranslatorMode;
}

/** A drive as `-drive`, `-hda`, `-cdrom` or `-device` describe it. Plain data, part of every state. */
export interface DriveConfig {
  /** Names its image in `MachineHost.images`. */
  readonly id: string;
  /** Where it is plugged in. */
  readonly attach: "ide" | "virtio" | "floppy";
  /** IDE: 0 primary master … 3 secondary slave. virtio: order on the bus. Floppy: 0 or 1. */
  readonly index: number;
  readonly media: "disk" | "cdrom";
  readonly readOnly: boolean;
  /** What the guest reads as the serial number; absent: QEMU's QM0000N for IDE, empty for virtio. */
  readonly serial?: string;
  /** Writes go to the image itself (`snapshot=off`). Default: to an overlay that is part of the machine's state. */
  readonly writeThrough?: boolean;
}

/** What the host has to give besides plain data. */
export interface MachineHost {
  /** By `DriveConfig.id`. A drive without an image is an empty tray. */
  readonly images: ReadonlyMap<string, BlockImage>;
  /** Milliseconds from any start, for `statistics` only: what a machine does never depends on it. */
  readonly stopwatch?: () => number;
  /** Another thread that makes code of what is hot. The guest cannot tell. Absent: it is made between two runs. */
  readonly workshop?: Workshop;
}

/** An input from outside. It happens at an instant and is logged there; a run is a function of the start and of this log. */
export type Input =
  | { readonly kind: "serial"; readonly port: number; readonly bytes: Uint8Array }
  /** PS/2 scan codes, set 2 untranslated, as the keyboard would send them. */
  | { readonly kind: "key"; readonly scancodes: readonly number[] }
  /** Movement since the last, in mouse counts: x right, y down, z wheel down; buttons: bit 0 left, 1 right, 2 middle. */
  | {
      readonly kind: "mouse";
      readonly dx: number;
      readonly dy: number;
      readonly dz: number;
      readonly buttons: number;
    }
  /** Bytes for a virtio console port. */
  | { readonly kind: "console"; readonly port: number; readonly bytes: Uint8Array }
  | { readonly kind: "nmi" }
  | { readonly kind: "power-button" }
  /** Memory that comes and goes (`Pc.memoryDevices` tells whether it can): a backend, and a DIMM on it. The guest gives a DIMM back when it is asked. */
  | { readonly kind: "backend-add"; readonly backend: MemoryBackendConfig }
  | { readonly kind: "backend-remove"; readonly id: string }
  | { readonly kind: "dimm-plug"; readonly dimm: DimmConfig }
  | { readonly kind: "dimm-unplug"; readonly id: string };

export type OutputChannel = "serial0" | "serial1" | "debugcon" | "seabios" | `console${number}`;

export interface LoggedInput {
  readonly instant: Instant;
  readonly idle: Nanoseconds;
  readonly input: Input;
}

export interface RunLimit {
  /** At most this many instants (retired instructions plus delivered events), summed over all CPUs. */
  readonly instants: number;
  /** Also stop when this CPU has used `cpuInstants` (default 1) of them itself: for stepping one CPU while the others take their turns. */
  readonly cpu?: number;
  readonly cpuInstants?: number;
  /** At an idle machine (all CPUs in HLT, interrupts on): skip time to the next timer event (default), up to this virtual time, in whole nanoseconds, rounded up. */
  readonly untilNanoseconds?: number;
  /** Idle time is skipped up to this virtual time at most; a machine that computes goes on beyond it. For hosts that let idle time pass as real time does. */
  readonly idleUntilNanoseconds?: number;
  /**
   * Execute the first instruction even if it has a breakpoint or is about to raise a watched exception: set by every "continue" and "step". It means the
   * first instruction of the CPU whose turn it is, and of `cpu`.
   */
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
  /**
   * Which bytes below RSP the code at a CPU's RIP may still read; null if that is not known, as without anybody who knows the code. Asked at every event on the
   * stack in use while somebody watches the red zone (WATCH.redZone): only where it is known can a clobber be latent.
   */
  liveBelow: (core: Core) => LiveBytes | null;
  readonly isRedZoneWatched: boolean;
  /** Instructions that store over what their own function keeps below RSP; looked at while somebody watches the red zone. */
  ownPushes: readonly OwnPush[];
  /** Hears of everything that the red-zone detector finds, whether the machine stops there or not. */
  onClobber: (clobber: Clobber) => void;
  /**
   * Whether writers of paging-structure entries are recorded: of all tables that can be reached from a CR3, and of those that come to it. Also on while an event
   * asks for stale translations (WATCH.staleTlb), but then only of tables that have been used.
   */
  recordsTables: boolean;
  /** The last write that changed the entry at a guest-physical address since its table is watched; null: there was none. */
  tableWriter(address: PhysicalAddress): TableWrite | null;
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

  /** Bytes the guest wrote to a serial port, the debug console (0xE9), port 0x402 or a virtio console; called as they appear. */
  onOutput: (channel: OutputChannel, byte: number) => void;
  /** The text screen; no columns in graphics modes. */
  screen(): TextScreen;
  display(): Display;
  /** The display in pixels, a text screen drawn; costs what has changed since it was asked for last. */
  picture(): Picture;
  /** Grows when what is shown may have changed. Not part of the state: only good for comparing within this machine. */
  readonly displayVersion: number;
  /** For looking: `save()` of a device gives its registers. */
  readonly devices: readonly Device[];
  /** Host memory the machine uses, in bytes. */
  readonly memoryBytes: number;
  /** What has been done so far, counted. Not part of the state. */
  statistics(): Statistics;

  save(): MachineState;
  load(state: MachineState): void;
  /** Changed-page epoch etc. for panels: see Memory. */
}

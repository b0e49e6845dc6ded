/**
 * What the words of a command line have said so far, and what they come to at the end.
 *
 * Elsewhere: which words there are (`options.ts`), what each means (`hardware.ts`, `device.ts`, `drive.ts`).
 */
import type { MachineConfig } from "../../emulator/index.ts";
import { DriveTable, type DriveOption } from "./drive.ts";
import { MemoryTable } from "./memory.ts";
import { Refusal } from "./refusal.ts";

/** Where a character device goes. "none" is no device in QEMU; here the device stays and what it says is dropped. */
export type Backend =
  /** `monitor`: keys after Ctrl-A belong to the host, and Ctrl-C to the guest (mon:stdio, -nographic). */
  | { readonly kind: "stdio"; readonly monitor: boolean }
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "none" };

export interface ModuleOption {
  readonly path: string;
  /** What follows the file name: the guest gets "path arguments". */
  readonly arguments: string;
}

/** `-fw_cfg name=…`: its bytes, or the file they are in. */
export interface FwCfgOption {
  readonly name: string;
  readonly content:
    | { readonly kind: "text"; readonly text: string }
    | { readonly kind: "file"; readonly path: string };
}

/** Everything but the bytes of files. */
export interface QemuOptions {
  readonly kernel: string | null;
  readonly append: string;
  readonly modules: readonly ModuleOption[];
  /** Without what comes from files: firmware and fw_cfg. */
  readonly machine: MachineConfig;
  readonly drives: readonly DriveOption[];
  /** -bios */
  readonly firmware: string | null;
  /** -device VGA,romfile= */
  readonly vgaRom: string | null;
  readonly fwCfg: readonly FwCfgOption[];
  /** By port; missing: not said. */
  readonly serial: readonly Backend[];
  /** Virtio consoles, by port. */
  readonly consoles: readonly Backend[];
  readonly debugcon: Backend | null;
  /** Port 0x402, where SeaBIOS talks. */
  readonly seabios: Backend | null;
  readonly monitor: Backend | null;
  readonly gdb: { readonly host: string; readonly port: number } | null;
  /** -S */
  readonly startStopped: boolean;
  readonly noShutdown: boolean;
  /** What was accepted but has no effect, in sentences. */
  readonly notes: readonly string[];
}

/** Whether there is anything that could run. */
export const canBoot = (given: Pick<QemuOptions, "kernel" | "firmware" | "drives">): boolean =>
  (given.kernel !== null && given.kernel !== "") ||
  given.firmware !== null ||
  given.drives.some(({ path }) => path !== null);

type Writable<T> = { -readonly [K in keyof T]: T[K] };

export class Parser {
  readonly machine: Writable<MachineConfig> = { ramBytes: 128 * 2 ** 20 };
  readonly chardevs = new Map<string, Backend>();
  readonly notes: string[] = [];
  readonly drives = new DriveTable(this.notes);
  readonly memory = new MemoryTable(this.notes);
  readonly fwCfg: FwCfgOption[] = [];
  readonly serial: Backend[] = [];
  readonly consoles: Backend[] = [];
  /** Ids of -object. */
  readonly objects = new Set<string>();
  hasVirtioSerial = false;
  isSnapshot = false;
  modules: ModuleOption[] = [];
  kernel: string | null = null;
  append: string | null = null;
  firmware: string | null = null;
  vgaRom: string | null = null;
  debugcon: Backend | null = null;
  seabios: Backend | null = null;
  monitor: Backend | null = null;
  gdb: QemuOptions["gdb"] = null;
  startStopped = false;
  noShutdown = false;
  nographic = false;

  get options(): QemuOptions {
    const {
      kernel,
      modules,
      machine,
      firmware,
      vgaRom,
      fwCfg,
      consoles,
      debugcon,
      seabios,
      gdb,
      startStopped,
      noShutdown,
      notes,
    } = this;
    if (kernel === null && this.append !== null) throw new Refusal("-append only makes sense with -kernel");
    if (kernel === null && modules.length > 0) throw new Refusal("-initrd only makes sense with -kernel");
    const console: Backend = { kind: "stdio", monitor: true };
    const serial = this.nographic && this.serial.length === 0 ? [console] : this.serial;
    const monitor = this.monitor ?? (this.nographic ? console : null);
    const append = this.append ?? "";
    this.memory.resolve(machine);
    const drives = this.drives.resolve(this.isSnapshot);
    if (drives.length > 0) machine.drives = drives.map(({ config }) => config);
    const bootOrder = machine.bootOrder ?? this.drives.bootOrder;
    if (bootOrder !== null) machine.bootOrder = bootOrder;
    if (this.hasVirtioSerial) machine.virtioConsoles = consoles.length;
    return {
      kernel,
      append,
      modules,
      machine,
      drives,
      firmware,
      vgaRom,
      fwCfg,
      serial,
      consoles,
      debugcon,
      seabios,
      monitor,
      gdb,
      startStopped,
      noShutdown,
      notes,
    };
  }

  /** "stdio", "mon:stdio", "file:x", "null", "none", "chardev:id". */
  backend(option: string, text: string): Backend {
    if (text === "stdio") return { kind: "stdio", monitor: false };
    if (text === "mon:stdio") return { kind: "stdio", monitor: true };
    if (text === "null" || text === "none") return { kind: "none" };
    if (text.startsWith("file:")) return { kind: "file", path: text.slice(5) };
    if (text.startsWith("chardev:")) return this.chardev(option, text.slice(8));
    throw new Refusal(`${option} ${text} is not supported: use stdio, mon:stdio, file:PATH, null or none`);
  }

  chardev(option: string, id: string): Backend {
    const backend = this.chardevs.get(id);
    if (backend === undefined)
      throw new Refusal(`${option}: there is no -chardev with the id "${id}" before it`);
    return backend;
  }
}

/**
 * From a launch configuration to a machine that is about to run: reads the files, opens the disks, makes the machine, runs the loader, and runs it again
 * after every reset. Without a kernel the machine starts its firmware, which boots from the drives.
 *
 * Elsewhere: what the keys mean (`launch.ts`), what loaders do (`emulator/boot/`), images (`drives.ts`).
 */
import {
  boot,
  createMachine,
  explainBoot,
  type BlockImage,
  type BootImage,
  type BootPlan,
  type MachineConfig,
  type Pc,
} from "../emulator/index.ts";
import type { FwCfgOption, ModuleOption } from "./cli/options.ts";
import { openDrives } from "./drives.ts";
import { badRom, cannotBoot, cannotReadFile } from "./errors.ts";
import { directoryOf, type Files } from "./files.ts";
import type { LaunchConfiguration } from "./launch.ts";
import { MemoryFiles } from "./memory-files.ts";
import { openWorkshop } from "./workshop.ts";

/** As much of a configuration as booting needs. */
export type BootConfiguration = Pick<
  LaunchConfiguration,
  "kernel" | "append" | "modules" | "loader" | "machine" | "drives" | "firmware" | "vgaRom" | "fwCfg" | "cwd"
>;

export interface Booted {
  readonly machine: Pc;
  /** What is in the drives, by id. */
  readonly images: ReadonlyMap<string, BlockImage>;
  /** Behind memory backends. */
  readonly memoryFiles: MemoryFiles;
  /** Null if firmware boots. */
  readonly plan: BootPlan | null;
  /** Absolute path of the kernel, or else of the firmware or the first image. */
  readonly mainPath: string;
  /** Absolute path by the name under which an image was loaded. */
  readonly paths: ReadonlyMap<string, string>;
}

/** Boots. Throws `cannotReadFile`, `cannotOpenImage`, `cannotUseMemoryFile`, `cannotBoot` (with the boot doctor's diagnosis). */
export function bootMachine(configuration: BootConfiguration, files: Files): Booted {
  const read = (what: string, path: string): Uint8Array => {
    try {
      return files.read(path);
    } catch (cause) {
      throw cannotReadFile(what, path, cause);
    }
  };
  const at = (path: string): string => files.resolve(configuration.cwd, path);
  const { kernel, firmware, drives } = configuration;
  const image = kernel === null ? null : readImage(kernel, configuration, files, read);
  const memoryFiles = new MemoryFiles(files, configuration.cwd);
  const { memoryBackends } = configuration.machine;
  const config: MachineConfig = {
    ...configuration.machine,
    ...(memoryBackends === undefined
      ? {}
      : { memoryBackends: memoryBackends.map((backend) => memoryFiles.open(backend)) }),
    ...(firmware === null ? {} : { firmware: readRom("firmware image", at(firmware), read) }),
    ...vgaRom(configuration, files, read),
    ...fwCfg(configuration.fwCfg, (path) => read("fw_cfg file", at(path))),
  };
  const images = openDrives(drives, configuration.cwd, files);
  const workshop = openWorkshop();
  const machine = createMachine(config, {
    images,
    stopwatch: () => performance.now(),
    ...(workshop === null ? {} : { workshop }),
  });
  const first = kernel ?? firmware ?? drives.find(({ path }) => path !== null)?.path ?? "";
  memoryFiles.attach(machine);
  if (image === null)
    return { machine, images, memoryFiles, plan: null, mainPath: at(first), paths: new Map() };
  const result = boot(machine, image.image);
  if (result.kind === "diagnosis") throw cannotBoot(explainBoot(result));
  machine.onReset = () => {
    boot(machine, image.image);
  };
  return { machine, images, memoryFiles, plan: result, mainPath: at(first), paths: image.paths };
}

/** A larger image would reach down to the I/O APIC, and the adapter's ROM has 64 KiB. */
const MOST_BYTES = { "firmware image": 16 * 2 ** 20, "expansion ROM": 0x10000 } as const;

function readRom(
  what: keyof typeof MOST_BYTES,
  path: string,
  read: (what: string, path: string) => Uint8Array,
): Uint8Array {
  const bytes = read(what, path);
  if (bytes.length === 0) throw badRom(what, path, "the file is empty");
  if (bytes.length > MOST_BYTES[what])
    throw badRom(what, path, `it has ${bytes.length} bytes, and there is room for ${MOST_BYTES[what]}`);
  return bytes;
}

/** QEMU's name of the standard VGA's ROM, which firmware needs to show anything. SeaBIOS's packages have it in the same folder. */
const STANDARD_VGA_ROM = "vgabios-stdvga.bin";

/** `romfile=""` is no ROM, as in QEMU. The built-in BIOS needs none. */
function vgaRom(
  { vgaRom: given, firmware, cwd }: BootConfiguration,
  files: Files,
  read: (what: string, path: string) => Uint8Array,
): Pick<MachineConfig, "vgaRom"> {
  if (given === "") return {};
  if (given !== null) return { vgaRom: readRom("expansion ROM", files.resolve(cwd, given), read) };
  if (firmware === null) return {};
  const beside = files.resolve(directoryOf(files.resolve(cwd, firmware)), STANDARD_VGA_ROM);
  return files.exists(beside) ? { vgaRom: readRom("expansion ROM", beside, read) } : {};
}

function fwCfg(
  given: readonly FwCfgOption[],
  read: (path: string) => Uint8Array,
): Pick<MachineConfig, "fwCfg"> | undefined {
  if (given.length === 0) return undefined;
  return {
    fwCfg: given.map(({ name, content }) => ({
      name,
      // As QEMU: a string comes without an end.
      bytes: content.kind === "text" ? new TextEncoder().encode(content.text) : read(content.path),
    })),
  };
}

function readImage(
  kernel: string,
  configuration: BootConfiguration,
  files: Files,
  read: (what: string, path: string) => Uint8Array,
): { readonly image: BootImage; readonly paths: ReadonlyMap<string, string> } {
  const at = (path: string): string => files.resolve(configuration.cwd, path);
  const kernelPath = at(kernel);
  const paths = new Map([[kernel, kernelPath]]);
  const modules = configuration.modules.map((given) => {
    const module = wholeName(given, (path) => files.exists(at(path)));
    const path = at(module.path);
    paths.set(module.path, path);
    return {
      bytes: read("boot module", path),
      name: module.path,
      cmdline: module.arguments === "" ? module.path : `${module.path} ${module.arguments}`,
    };
  });
  const image: BootImage = {
    kernel: read("kernel", kernelPath),
    kernelName: kernel,
    append: configuration.append,
    modules,
    loader: configuration.loader,
  };
  return { image, paths };
}

/** A file whose name has a blank, as Linux's initrd may: what looks like arguments is a part of it. */
function wholeName(module: ModuleOption, exists: (path: string) => boolean): ModuleOption {
  const whole = `${module.path} ${module.arguments}`;
  if (module.arguments === "" || exists(module.path) || !exists(whole)) return module;
  return { path: whole, arguments: "" };
}

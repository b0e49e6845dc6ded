/**
 * From a launch configuration to a booted machine: reads the files, makes the machine, runs the loader, and runs it again after every reset.
 *
 * Elsewhere: what the keys mean (`launch.ts`), what loaders do (`emulator/boot/`).
 */
import {
  boot,
  createMachine,
  explainBoot,
  type BootImage,
  type BootPlan,
  type Pc,
} from "../emulator/index.ts";
import { cannotBoot, cannotReadFile } from "./errors.ts";
import type { Files } from "./files.ts";
import type { LaunchConfiguration } from "./launch.ts";

/** As much of a configuration as booting needs. */
export type BootConfiguration = Pick<
  LaunchConfiguration,
  "kernel" | "append" | "modules" | "loader" | "machine" | "cwd"
>;

export interface Booted {
  readonly machine: Pc;
  readonly plan: BootPlan;
  /** Absolute path of the kernel. */
  readonly kernelPath: string;
  /** Absolute path by the name under which an image was loaded. */
  readonly paths: ReadonlyMap<string, string>;
}

/** Boots. Throws `cannotReadFile`, `cannotBoot` (with the boot doctor's diagnosis). */
export function bootMachine(configuration: BootConfiguration, files: Files): Booted {
  const read = (what: string, path: string): Uint8Array => {
    try {
      return files.read(path);
    } catch (cause) {
      throw cannotReadFile(what, path, cause);
    }
  };
  const at = (path: string): string => files.resolve(configuration.cwd, path);
  const kernelPath = at(configuration.kernel);
  const paths = new Map([[configuration.kernel, kernelPath]]);
  const image: BootImage = {
    kernel: read("kernel", kernelPath),
    kernelName: configuration.kernel,
    append: configuration.append,
    modules: configuration.modules.map((module) => {
      const path = at(module.path);
      paths.set(module.path, path);
      return {
        bytes: read("boot module", path),
        name: module.path,
        cmdline: module.arguments === "" ? module.path : `${module.path} ${module.arguments}`,
      };
    }),
    loader: configuration.loader,
  };
  const machine = createMachine(configuration.machine);
  const result = boot(machine, image);
  if (result.kind === "diagnosis") throw cannotBoot(explainBoot(result));
  machine.onReset = () => {
    boot(machine, image);
  };
  return { machine, plan: result, kernelPath, paths };
}

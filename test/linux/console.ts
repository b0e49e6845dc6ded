/** A machine with Linux on it, used through its serial console as a person would. */
import { boot } from "../../emulator/boot/index.ts";
import {
  createMachine,
  type Machine,
  type MachineConfig,
  type MachineHost,
  type StopReason,
} from "../../emulator/index.ts";
import type { LinuxSystem } from "./system.ts";

const SLICE = 1_000_000;
/** Instants in which an answer must come. A boot of the full kernel takes 6 G. */
const PATIENCE = 12e9;

export interface ConsoleOptions {
  readonly append?: string;
  readonly config?: Partial<MachineConfig>;
  readonly host?: MachineHost;
}

export class Console {
  readonly machine: Machine;
  text = "";
  /** Where `waitFor` looks from. */
  #seen = 0;

  constructor(system: LinuxSystem, options: ConsoleOptions = {}) {
    this.machine = createMachine(
      { ramBytes: 512 * 2 ** 20, noReboot: true, ...options.config },
      options.host,
    );
    this.machine.onOutput = (channel, byte) => {
      if (channel === "serial0") this.text += String.fromCharCode(byte);
    };
    const booted = boot(this.machine, {
      kernel: system.kernel,
      kernelName: system.kernelPath,
      append: options.append ?? "console=ttyS0",
      modules: [{ bytes: system.initrd, name: "tiny.cpio.gz", cmdline: "" }],
    });
    if (booted.kind !== "plan") throw new Error(JSON.stringify(booted));
  }

  /** Runs until the console says `text`, which is given back with what came before it since the last wait. */
  waitFor(text: string | RegExp): string {
    const end = this.machine.instant + PATIENCE;
    for (;;) {
      const rest = this.text.slice(this.#seen);
      const at = typeof text === "string" ? rest.indexOf(text) : rest.search(text);
      if (at >= 0) {
        const found = rest.slice(
          0,
          at + (typeof text === "string" ? text.length : text.exec(rest)![0].length),
        );
        this.#seen += found.length;
        return found;
      }
      const stop = this.machine.run({ instants: SLICE, untilNanoseconds: this.machine.now + 10e9 });
      // A store in memory that was late has its bytes by now.
      if (stop.kind === "waiting") continue;
      if (stop.kind !== "limit" && stop.kind !== "idle") throw this.#failed(text, stop);
      if (this.machine.instant > end || stop.kind === "idle") throw this.#failed(text, stop);
    }
  }

  #failed(text: string | RegExp, stop: StopReason): Error {
    const { machine } = this;
    const where = machine.cpus.map((core) => `CPU ${core.index} at 0x${core.rip.toString(16)}`).join(", ");
    const detail = JSON.stringify(stop, (_, value: unknown) =>
      typeof value === "bigint" ? `0x${value.toString(16)}` : value,
    );
    return new Error(
      `no ${String(text)} after ${machine.instant} instants (${where}): ${detail}\n${this.text.slice(-2000)}`,
    );
  }

  /** Types a command and gives what it prints, up to the next prompt. */
  command(line: string): string {
    this.machine.input({ kind: "serial", port: 0, bytes: new TextEncoder().encode(`${line}\n`) });
    this.waitFor("\n");
    return this.waitFor("/ # ")
      .replaceAll("\r", "")
      .replace(/\/ # $/, "");
  }

  /** Types a command that ends the machine. */
  leave(line: string): StopReason {
    this.machine.input({ kind: "serial", port: 0, bytes: new TextEncoder().encode(`${line}\n`) });
    const end = this.machine.instant + PATIENCE;
    for (;;) {
      const stop = this.machine.run({ instants: SLICE });
      if (stop.kind === "waiting") continue;
      if (stop.kind !== "limit") return stop;
      if (this.machine.instant > end) throw this.#failed(line, stop);
    }
  }
}

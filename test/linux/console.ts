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
const PATIENCE = 10e9;
/** And seconds of processor time, of which the longest boot, the full kernel's, takes half on a slow machine. vitest's own limits do not reach into a loop. */
const PATIENCE_SECONDS = process.env["REDZONE_LONG"] === "1" ? 1200 : 200;
/** What the guest may do after its last answer: a boot of 6 G must not be waited for where commands are answered within millions. */
const COMMAND_PATIENCE = 1e9;

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

export interface ConsoleOptions {
  readonly append?: string;
  /** Instants of a slice of the run: nothing that the guest notices. */
  readonly slice?: number;
  readonly config?: Partial<MachineConfig>;
  readonly host?: MachineHost;
}

export class Console {
  readonly machine: Machine;
  text = "";
  readonly #slice: number;
  /** Where `waitFor` looks from. */
  #seen = 0;

  constructor(system: LinuxSystem, options: ConsoleOptions = {}) {
    this.#slice = options.slice ?? SLICE;
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
  waitFor(text: string | RegExp, patience = PATIENCE): string {
    const limit = this.#patience(patience);
    for (;;) {
      const rest = this.text.slice(this.#seen);
      const at = typeof text === "string" ? rest.indexOf(text) : rest.search(text);
      if (at >= 0) {
        const length = typeof text === "string" ? text.length : text.exec(rest)![0].length;
        const found = rest.slice(0, at + length);
        this.#seen += found.length;
        return found;
      }
      const stop = this.machine.run({
        instants: this.#slice,
        untilNanoseconds: this.machine.now + 10e9,
      });
      // A store in memory that was late has its bytes by now.
      const goesOn = stop.kind === "waiting" || stop.kind === "limit";
      if (!goesOn || limit()) throw this.#failed(text, stop);
    }
  }

  /** Runs to where another machine is that has had the same inputs. */
  runTo({ instant, now }: { readonly instant: number; readonly now: number }): void {
    const limit = this.#patience(PATIENCE);
    while (this.machine.instant < instant || this.machine.now < now) {
      // At the last instant there may be idle time left to skip.
      const instants = Math.max(1, Math.min(this.#slice, instant - this.machine.instant));
      const stop = this.machine.run({ instants, untilNanoseconds: now });
      if ((stop.kind !== "limit" && stop.kind !== "waiting") || limit())
        throw this.#failed(`instant ${instant}`, stop);
    }
  }

  /** Tells whether it has run for too long. */
  #patience(instants: number): () => boolean {
    const end = this.machine.instant + instants;
    const deadline = cpuSeconds() + PATIENCE_SECONDS;
    return () => this.machine.instant > end || cpuSeconds() > deadline;
  }

  #failed(text: string | RegExp, stop: StopReason): Error {
    const { machine } = this;
    const where = machine.cpus.map((core) => `CPU ${core.index} at 0x${core.rip.toString(16)}`).join(", ");
    const detail = JSON.stringify(stop, (_, value: unknown) =>
      typeof value === "bigint" ? `0x${value.toString(16)}` : value,
    );
    return new Error(
      `no ${String(text)} after ${machine.instant} instants, ${(machine.now / 1e9).toFixed(2)} s of virtual time (${where}): ${detail}\n${this.text.slice(-2000)}`,
    );
  }

  /** Types a command and gives what it prints, up to the next prompt. */
  command(line: string): string {
    this.machine.input({ kind: "serial", port: 0, bytes: new TextEncoder().encode(`${line}\n`) });
    this.waitFor("\n", COMMAND_PATIENCE);
    return this.waitFor("/ # ", COMMAND_PATIENCE)
      .replaceAll("\r", "")
      .replace(/\/ # $/, "");
  }

  /** Types a command that ends the machine. */
  leave(line: string): StopReason {
    this.machine.input({ kind: "serial", port: 0, bytes: new TextEncoder().encode(`${line}\n`) });
    const limit = this.#patience(COMMAND_PATIENCE);
    for (;;) {
      const stop = this.machine.run({ instants: this.#slice });
      if (stop.kind !== "waiting" && stop.kind !== "limit") return stop;
      if (limit()) throw this.#failed(line, stop);
    }
  }
}

/** Those that run the benchmark's kernels and Linux: how each is started. All write the guest's first serial port where the harness reads lines. */
import { spawnSync } from "node:child_process";
import { closeSync, constants, createReadStream, mkdirSync, openSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { PassThrough } from "node:stream";
import { AdapterClient } from "./adapter.ts";
import type { Command } from "./lines.ts";
import type { Tools } from "./tools.ts";

export interface Program {
  readonly kernel: string;
  readonly append: string;
  readonly initrd?: string;
  readonly ramMiB: number;
  /** Functions where a debugger has its breakpoints. */
  readonly neverReached: readonly string[];
}

export interface Contestant {
  /** Heads its column. */
  readonly name: string;
  readonly isOurs: boolean;
  /** The Node that it runs in, if it does: only those of the same are compared. */
  readonly node: string | null;
  /** `statistics`: a file for ours to write its counts to, if it comes to its end by itself. */
  command(program: Program, statistics?: string): Command;
}

const COMMON =
  "-display none -no-reboot -serial stdio -monitor none -device isa-debug-exit,iobase=0xf4,iosize=4";

const machineWords = ({ kernel, append, initrd, ramMiB }: Program): readonly string[] => {
  const words = ["-kernel", kernel, "-append", append, "-m", String(ramMiB), ...COMMON.split(" ")];
  return initrd === undefined ? words : [...words, "-initrd", initrd];
};

/** Ours, on one of the Nodes; `words` are more options for it. */
export function redzone(name: string, node: string, script: string, words: readonly string[]): Contestant {
  return {
    name,
    isOurs: true,
    node,
    command: (program, statistics) => ({
      file: node,
      words: [
        script,
        ...machineWords(program),
        ...words,
        ...(statistics === undefined ? [] : ["--stats", statistics]),
      ],
    }),
  };
}

/** What is looked at of the events that come. */
interface EventBody {
  readonly channel?: string;
  readonly data?: string;
  readonly breakpoint?: { readonly verified: boolean; readonly message?: string };
}

/** Ours with a debugger attached, which has set breakpoints at the program's `neverReached`. */
export function debugged(name: string, node: string, script: string): Contestant {
  return {
    name,
    isOurs: false,
    node,
    command: ({ kernel, append, initrd, ramMiB, neverReached }) => ({
      file: node,
      words: [script, "dap"],
      lines: (child) => {
        const output = new PassThrough();
        const giveUp = (error: unknown): void => {
          output.destroy(error instanceof Error ? error : new Error(String(error)));
          child.kill();
        };
        const client = new AdapterClient(child, (event, body) => {
          const { channel, data, breakpoint } = (body ?? {}) as EventBody;
          if (event === "redzone/output" && channel === "serial0") output.write(Buffer.from(data!, "base64"));
          if (breakpoint?.verified === false) giveUp(breakpoint.message);
          if (event === "stopped") giveUp(`it has stopped: ${JSON.stringify(body)}`);
          if (event === "terminated") child.kill();
        });
        const configuration = {
          kernel,
          append,
          ...(initrd === undefined ? {} : { initrd: [initrd] }),
          memory: `${ramMiB}M`,
          debugExit: true,
          stopOnEntry: false,
        };
        const debug = async (): Promise<void> => {
          client.send("initialize", { adapterID: "redzone" });
          client.send("launch", configuration);
          await client.wait("event initialized");
          client.send("setFunctionBreakpoints", {
            breakpoints: neverReached.map((name) => ({ name })),
          });
          await client.wait("response setFunctionBreakpoints");
          client.send("configurationDone");
          await client.wait("response launch");
        };
        debug().catch(giveUp);
        return output;
      },
    }),
  };
}

/** QEMU's translator. `words`: more options, such as those that make a run repeatable. */
export function qemu(name = "QEMU", words: readonly string[] = []): Contestant {
  return {
    name,
    isOurs: false,
    node: null,
    command: (program) => ({
      file: "qemu-system-x86_64",
      words: ["-nodefaults", "-accel", "tcg", ...machineWords(program), ...words],
    }),
  };
}

export function v86(name: string, node: string, script: string, tools: Tools): Contestant {
  return {
    name,
    isOurs: false,
    node,
    command: ({ kernel, append, ramMiB }) => ({
      file: node,
      words: [script, tools.v86 ?? "", kernel, append, String(ramMiB)],
    }),
  };
}

/** Bochs boots no kernels: GRUB on a CD does. Its serial port goes into a pipe with a name. */
export function bochs(folder: string): Contestant {
  return {
    name: "Bochs",
    isOurs: false,
    node: null,
    command: ({ kernel, append, ramMiB }) => {
      const here = (name: string): string => path.join(folder, name);
      rmSync(folder, { recursive: true, force: true });
      mkdirSync(here("cd/boot/grub"), { recursive: true });
      run("cp", [kernel, here("cd/boot/kernel")]);
      writeFileSync(here("cd/boot/grub/grub.cfg"), `set timeout=0\nmultiboot /boot/kernel ${append}\nboot\n`);
      run("grub-mkrescue", ["-o", here("bench.iso"), here("cd")]);
      run("mkfifo", [here("serial")]);
      const configuration = [
        "config_interface: textconfig",
        "display_library: term",
        `megs: ${ramMiB}`,
        "romimage: file=/usr/share/bochs/BIOS-bochs-latest",
        "vgaromimage: file=/usr/share/bochs/VGABIOS-lgpl-latest",
        `ata0-master: type=cdrom, path=${here("bench.iso")}, status=inserted`,
        "boot: cdrom",
        `com1: enabled=1, mode=file, dev=${here("serial")}`,
        `log: ${here("log")}`,
        "clock: sync=none",
        "cpu: ips=50000000",
      ];
      writeFileSync(here("bochsrc"), `${configuration.join("\n")}\n`);
      // Debian's has the debugger built in, which waits for a word.
      writeFileSync(here("commands"), "continue\n");
      return {
        file: "env",
        words: ["TERM=xterm", "bochs-bin", "-q", "-f", here("bochsrc"), "-rc", here("commands")],
        lines: (child) => {
          child.stdout?.resume();
          child.once("close", () => letGo(here("serial")));
          return createReadStream(here("serial"));
        },
      };
    },
  };
}

/** A pipe whose writer never came keeps its reader waiting: this is a writer that has nothing to say. */
function letGo(pipe: string): void {
  try {
    closeSync(openSync(pipe, constants.O_WRONLY | constants.O_NONBLOCK));
  } catch {
    // Nobody reads any more.
  }
}

function run(file: string, words: readonly string[]): void {
  const { status, error, stderr } = spawnSync(file, words, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${file}: ${error?.message ?? stderr.trim()}`);
}

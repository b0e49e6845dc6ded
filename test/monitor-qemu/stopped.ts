/** A QEMU that is stopped somewhere in a guest, and a machine of ours that is made to stand at the same place: its RAM and its registers. */
import { spawn, type ChildProcess } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readSync, rmSync } from "node:fs";
import { createConnection, type Socket } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { createMachine, loadPdptes, MODE, physical, SEG, type Pc } from "../../emulator/index.ts";
import { findRegister } from "../../debug-adapter/registers/index.ts";

const QEMU = "qemu-system-x86_64";
const PAGE = 4096;
const MIB = 2 ** 20;
/** Whatever becomes of a test, QEMU ends after so long. */
const LIFE_MILLISECONDS = 240_000;

export class StoppedQemu {
  readonly #child: ChildProcess;
  readonly #folder: string;
  readonly #socket: Socket;
  readonly #answers: AsyncIterator<string>;

  private constructor(child: ChildProcess, folder: string, socket: Socket) {
    this.#child = child;
    this.#folder = folder;
    this.#socket = socket;
    this.#answers = createInterface({ input: socket })[Symbol.asyncIterator]();
  }

  /** Runs a guest until COM1 has said `text`, and stops it there. */
  static async at(args: readonly string[], text: string): Promise<StoppedQemu> {
    const folder = mkdtempSync(path.join(tmpdir(), "redzone-"));
    const socketPath = path.join(folder, "qmp");
    const qmp = `unix:${socketPath},server=on,wait=on`;
    const child = spawn(
      QEMU,
      [...args, "-display", "none", "-serial", "stdio", "-serial", "null", "-qmp", qmp],
      {
        stdio: ["ignore", "pipe", "ignore"],
        timeout: LIFE_MILLISECONDS,
        killSignal: "SIGKILL",
      },
    );
    // QEMU waits for the connection, so nothing of what the guest says is missed.
    const said = new Promise<void>((resolve, reject) => {
      let heard = "";
      child.stdout!.on("data", (bytes: Buffer) => {
        heard += bytes.toString("latin1");
        if (heard.includes(text)) resolve();
      });
      child.once("close", () => reject(new Error(`QEMU has ended and said ${heard.slice(-500)}`)));
    });
    said.catch(() => undefined);
    const socket = await connected(socketPath, child);
    const stopped = new StoppedQemu(child, folder, socket);
    await stopped.#ask("qmp_capabilities");
    await said;
    await stopped.#ask("stop");
    return stopped;
  }

  async #ask(execute: string, argument: object = {}): Promise<unknown> {
    this.#socket.write(`${JSON.stringify({ execute, arguments: argument })}\n`);
    for (;;) {
      const { value, done } = await this.#answers.next();
      if (done === true) throw new Error("QEMU has ended");
      const message = JSON.parse(value) as { return?: unknown; error?: unknown };
      if (message.error !== undefined) throw new Error(value);
      if ("return" in message) return message.return;
    }
  }

  /** A command of the monitor. */
  async monitor(command: string): Promise<string> {
    const text = (await this.#ask("human-monitor-command", { "command-line": command })) as string;
    return text.replaceAll("\r\n", "\n");
  }

  /** A machine of ours in the same state: RAM as `pmemsave` writes it, registers as `info registers` prints them. */
  async copied(ramBytes: number): Promise<Pc> {
    const machine = createMachine({ ramBytes });
    const file = path.join(this.#folder, "ram");
    await this.#ask("pmemsave", { val: 0, size: ramBytes, filename: file });
    loadRam(machine, file, ramBytes);
    loadRegisters(machine, await this.monitor("info registers"));
    return machine;
  }

  end(): void {
    this.#child.kill("SIGKILL");
    this.#socket.destroy();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

async function connected(socketPath: string, child: ChildProcess): Promise<Socket> {
  for (;;) {
    if (child.exitCode !== null) throw new Error("QEMU does not start");
    const socket = createConnection(socketPath);
    const isOpen = await new Promise<boolean>((resolve) =>
      socket.once("connect", () => resolve(true)).once("error", () => resolve(false)),
    );
    if (isOpen) return socket.on("error", () => undefined);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** All but 0xa0000 … 0xfffff, where devices and ROM answer. */
function loadRam(machine: Pc, file: string, ramBytes: number): void {
  const fd = openSync(file, "r");
  const piece = Buffer.alloc(MIB);
  try {
    for (let base = 0; base < ramBytes; base += MIB) {
      readSync(fd, piece, 0, MIB, base);
      for (let at = 0; at < MIB; at += PAGE) {
        const page = piece.subarray(at, at + PAGE);
        if ((base === 0 && at >= 0xa0000) || page.equals(ZEROS)) continue;
        machine.memory.poke(physical(base + at), page);
      }
    }
  } finally {
    closeSync(fd);
  }
}
const ZEROS = Buffer.alloc(PAGE);

const SEGMENTS = { ES: SEG.es, CS: SEG.cs, SS: SEG.ss, DS: SEG.ds, FS: SEG.fs, GS: SEG.gs } as const;

/** Takes `info registers` apart again. */
function loadRegisters(machine: Pc, text: string): void {
  const core = machine.cpus[0]!;
  const value = (name: string): bigint => {
    const found = new RegExp(`\\b${name} *=([0-9a-f]+)`).exec(text);
    if (found === null) throw new Error(`no ${name} in ${text}`);
    return BigInt(`0x${found[1]!}`);
  };
  core.setCr3(value("CR3"));
  core.setCr4(Number(value("CR4")));
  core.setEfer(Number(value("EFER")));
  core.setCr0(Number(value("CR0")));
  for (const [name, n] of Object.entries(SEGMENTS)) {
    // Selector, base, limit, and attributes as in a descriptor's upper half.
    const row = new RegExp(`^${name} =([0-9a-f]+) ([0-9a-f]+) ([0-9a-f]+) ([0-9a-f]+)`, "m").exec(text)!;
    const [selector, base, limit, flags] = row.slice(1).map((word) => BigInt(`0x${word}`));
    core.setSegment(n, {
      selector: Number(selector),
      base: base!,
      limit: Number(limit),
      attributes: Number((flags! >> 8n) & 0xf0ffn),
    });
  }
  if ((core.cr4 & 0x20) !== 0 && (core.mode & MODE.long) === 0) loadPdptes(core, Number(core.cr3));
  const is64 = /\bRAX=/.test(text);
  core.rip = value(is64 ? "RIP" : "EIP");
  core.rflags = value(is64 ? "RFL" : "EFL");
  for (const name of ["ax", "bx", "cx", "dx", "si", "di", "bp", "sp"])
    findRegister(is64 ? `r${name}` : `e${name}`)?.write?.(
      core,
      value(`${is64 ? "R" : "E"}${name.toUpperCase()}`),
    );
}

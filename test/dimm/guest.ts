/** What is asked of a Linux with memory slots, here and in QEMU: the same commands at its console and at the monitor. */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import type { LinuxSystem } from "../linux/system.ts";

export const APPEND = "console=ttyS0 cryptomgr.notests memhp_default_state=online";
export const WORDS =
  "-m 512M,slots=3,maxmem=2G -object memory-backend-ram,id=m0,size=128M -device pc-dimm,id=d0,memdev=m0".split(
    " ",
  );

/** A machine with Linux on it, at its first prompt. */
export interface Linux {
  /** What a command prints. */
  readonly shell: (line: string) => Promise<string>;
  /** What the monitor answers. */
  readonly monitor: (line: string) => Promise<string>;
}

const TOTAL = "sed -n 's/MemTotal: *//p' /proc/meminfo";
const RAM = "grep -i 100000000- -A9 /proc/iomem";
const BLOCKS = "cat /sys/devices/system/memory/memory3[2-9]/state 2>/dev/null";
/** Looks again this often at most, a quarter of a second of the guest's time apart. */
const LOOKS = 200;

/** What happened, in lines; sizes are differences to the first. Before each look something is waited for: how long it takes is nobody's business. */
export async function story({ shell, monitor }: Linux): Promise<readonly string[]> {
  const lines: string[] = [];
  const total = async (): Promise<number> => Number.parseInt(await shell(TOTAL), 10);
  const first = await total();
  let before = first;
  const look = async (what: string): Promise<void> => {
    before = await total();
    const ram = (await shell(RAM)).split("\n").filter((line) => line.includes("System RAM"));
    const blocks = (await shell(BLOCKS)).trim().split("\n").join(" ");
    const found = [...ram, blocks].filter((each) => each !== "").map((each) => `; ${each}`);
    lines.push(`${what}: MemTotal +${(before - first) / 1024} MiB${found.join("")}`);
    lines.push(...(await monitor("info memory-devices")).split("\n").filter((line) => line !== ""));
  };
  const until = async (condition: () => Promise<boolean>): Promise<void> => {
    for (let n = 0; n < LOOKS; n++) {
      if (await condition()) return;
      await shell("sleep 0.25");
    }
    lines.push("and nothing happened");
  };
  const ask = async (command: string): Promise<void> => {
    lines.push(`(qemu) ${command} ${await monitor(command)}`.trim());
  };
  const plug = async (id: string, memdev: string): Promise<void> => {
    await ask(`device_add pc-dimm,id=${id},memdev=${memdev}`);
    await until(async () => (await total()) !== before);
    // Block by block.
    await shell("sleep 1");
  };
  const unplug = async (id: string): Promise<void> => {
    await ask(`device_del ${id}`);
    await until(async () => !(await monitor("info memory-devices")).includes(`"${id}"`));
  };
  await look("at the start");
  await ask("object_add memory-backend-ram,id=m1,size=128M");
  await plug("d1", "m1");
  await look("with 128 MiB more");
  // What the kernel itself has taken cannot be given back; memory for what can be moved can.
  await shell("echo online_movable >/sys/devices/system/memory/auto_online_blocks");
  await ask("object_add memory-backend-ram,id=m2,size=256M");
  await plug("d2", "m2");
  await look("with 256 MiB more");
  await ask("object_del m2");
  await unplug("d2");
  await look("given back");
  await ask("object_del m2");
  await ask("object_add memory-backend-ram,id=m2,size=128M");
  await plug("d2", "m2");
  await look("with 128 MiB in the same slot");
  return lines;
}

const PROMPT = "/ # ";
const QEMU_MILLISECONDS = 400_000;

/** The same on QEMU, which is ended when `use` is done. */
export async function onQemu<T>(system: LinuxSystem, use: (linux: Linux) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(path.join(tmpdir(), "redzone-dimm-"));
  const initrd = path.join(folder, "tiny.cpio.gz");
  const socket = path.join(folder, "monitor");
  writeFileSync(initrd, system.initrd);
  const machine = `-nodefaults -display none -no-reboot -cpu max -serial stdio -monitor unix:${socket},server=on,wait=off`;
  const kernel = ["-kernel", system.kernelPath, "-initrd", initrd, "-append", APPEND];
  const qemu = spawn("qemu-system-x86_64", [...machine.split(" "), ...WORDS, ...kernel], {
    stdio: ["pipe", "pipe", "inherit"],
    timeout: QEMU_MILLISECONDS,
    killSignal: "SIGKILL",
  });
  const ended = new Promise<never>((_, reject) => {
    qemu.once("error", reject);
    qemu.once("close", () => reject(new Error("QEMU has ended")));
  });
  ended.catch(() => {});
  const serial = new Stream(qemu.stdout, ended);
  try {
    await serial.until("BOOT-OK");
    await serial.until(PROMPT);
    const connection = connect(socket);
    const hmp = new Stream(connection, ended);
    await hmp.until("(qemu) ");
    return await use({
      shell: async (line) => {
        qemu.stdin.write(`${line}\n`);
        await serial.until("\n");
        return (await serial.until(PROMPT)).replaceAll("\r", "").slice(0, -PROMPT.length);
      },
      monitor: async (line) => {
        connection.write(`${line}\n`);
        // The monitor echoes what is typed, with what moves a cursor.
        await hmp.until("\n");
        return (await hmp.until("(qemu) ")).replaceAll("\r", "").slice(0, -"(qemu) ".length);
      },
    });
  } finally {
    qemu.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Text as it comes. */
class Stream {
  #text = "";
  #wake: () => void = () => {};
  readonly #ended: Promise<never>;

  constructor(source: NodeJS.ReadableStream, ended: Promise<never>) {
    this.#ended = ended;
    source.on("data", (bytes: Buffer) => {
      this.#text += bytes.toString("latin1");
      this.#wake();
    });
  }

  /** Everything up to and with `text`. */
  async until(text: string): Promise<string> {
    for (;;) {
      const at = this.#text.indexOf(text);
      if (at >= 0) {
        const found = this.#text.slice(0, at + text.length);
        this.#text = this.#text.slice(found.length);
        return found;
      }
      const more = new Promise<void>((resolve) => (this.#wake = resolve));
      await Promise.race([more, this.#ended]);
    }
  }
}

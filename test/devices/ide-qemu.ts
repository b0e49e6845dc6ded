/** QEMU's ports and memory through its `-qtest` protocol: a text line for each access. `-S` keeps the processor from running firmware. */
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import type { Ports } from "./ide-board.ts";

export const hasQemu = spawnSync("qemu-system-x86_64", ["--version"]).status === 0;

const LETTER = { 1: "b", 2: "w", 4: "l" } as const;

export class QemuPorts implements Ports {
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #waiting: {
    readonly resolve: (line: string) => void;
    readonly reject: (error: Error) => void;
  }[] = [];
  #text = "";

  constructor(args: readonly string[]) {
    const fixed =
      "-S -machine pc -m 128 -nic none -display none -nodefaults -qtest stdio -qtest-log /dev/null";
    this.#process = spawn("qemu-system-x86_64", [...fixed.split(" "), ...args]);
    this.#process.stdout.on("data", (data: Buffer) => {
      this.#text += data.toString("latin1");
      for (let end = this.#text.indexOf("\n"); end >= 0; end = this.#text.indexOf("\n")) {
        const line = this.#text.slice(0, end);
        this.#text = this.#text.slice(end + 1);
        if (line.startsWith("OK") || line.startsWith("FAIL")) this.#waiting.shift()?.resolve(line);
      }
    });
    this.#process.on("close", () => {
      for (const { reject } of this.#waiting.splice(0)) reject(new Error("QEMU has ended"));
    });
  }

  async close(): Promise<void> {
    const ended = once(this.#process, "close");
    this.#process.kill("SIGKILL");
    await ended;
  }

  async in(port: number, size: 1 | 2 | 4 = 1): Promise<number> {
    return Number((await this.#ask(`in${LETTER[size]} ${port}`)).split(" ")[1]);
  }

  async out(port: number, value: number, size: 1 | 2 | 4 = 1): Promise<void> {
    await this.#ask(`out${LETTER[size]} ${port} ${value}`);
  }

  async read(address: number, length: number): Promise<Uint8Array> {
    const answer = await this.#ask(`read ${address} ${length}`);
    return Uint8Array.from(Buffer.from(answer.slice("OK 0x".length), "hex"));
  }

  async write(address: number, bytes: Uint8Array): Promise<void> {
    await this.#ask(`write ${address} ${bytes.length} 0x${Buffer.from(bytes).toString("hex")}`);
  }

  async wait(): Promise<void> {
    await sleep(1);
  }

  #ask(line: string): Promise<string> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#process.stdin.write(`${line}\n`);
    });
  }
}

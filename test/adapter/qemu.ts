/** QEMU's own monitor as an oracle: runs a boot sector with tables in memory until it halts, and asks it commands over QMP. */
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createConnection, type Socket } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";

export const hasOracle =
  spawnSync("qemu-system-x86_64", ["--version"]).status === 0 && spawnSync("nasm", ["-v"]).status === 0;

/** A flat binary from NASM source. */
export function assemble(source: string): Uint8Array {
  const folder = mkdtempSync(path.join(tmpdir(), "redzone-"));
  try {
    const input = path.join(folder, "boot.asm");
    const output = path.join(folder, "boot.bin");
    writeFileSync(input, source);
    const result = spawnSync("nasm", ["-f", "bin", "-o", output, input], { encoding: "utf8" });
    if (result.status !== 0) throw new Error(result.stderr);
    return new Uint8Array(spawnSync("cat", [output], { encoding: "buffer" }).stdout);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Answers of QEMU's monitor once the boot sector has halted with interrupts off. */
export async function askQemu(
  sector: Uint8Array,
  blob: { readonly address: number; readonly bytes: Uint8Array },
  commands: readonly string[],
): Promise<string[]> {
  const folder = mkdtempSync(path.join(tmpdir(), "redzone-"));
  const at = (name: string): string => path.join(folder, name);
  writeFileSync(at("boot.bin"), sector);
  writeFileSync(at("blob.bin"), blob.bytes);
  const loader = `loader,file=${at("blob.bin")},addr=0x${blob.address.toString(16)},force-raw=on`;
  const words = [
    "-m",
    "128",
    "-cpu",
    "max",
    "-display",
    "none",
    "-no-reboot",
    "-nodefaults",
    "-drive",
    `format=raw,file=${at("boot.bin")}`,
    "-device",
    loader,
    "-qmp",
    `unix:${at("qmp")},server=on,wait=off`,
  ];
  // It cannot be asked to end while its monitor is busy.
  const child = spawn("qemu-system-x86_64", words, {
    stdio: "ignore",
    timeout: 120_000,
    killSignal: "SIGKILL",
  });
  let close = (): void => undefined;
  try {
    const { ask, end } = await connect(at("qmp"));
    close = end;
    await ask("qmp_capabilities");
    const human = (command: string): Promise<string> =>
      ask("human-monitor-command", { "command-line": command });
    for (let tries = 0; !/HLT=1/.test(await human("info registers")); tries++) {
      if (tries > 1200) throw new Error("QEMU's guest did not halt");
      await sleep(50);
    }
    const answers: string[] = [];
    for (const command of commands) answers.push((await human(command)).replaceAll("\r\n", "\n"));
    return answers;
  } finally {
    close();
    child.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  }
}

const sleep = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

interface Connection {
  readonly ask: (command: string, args?: object) => Promise<string>;
  readonly end: () => void;
}

async function connect(socketPath: string): Promise<Connection> {
  let socket: Socket | null = null;
  for (let tries = 0; socket === null; tries++) {
    const attempt = createConnection(socketPath);
    const isOpen = await new Promise<boolean>((resolve) =>
      attempt.once("connect", () => resolve(true)).once("error", () => resolve(false)),
    );
    if (isOpen) socket = attempt;
    else if (tries > 1200) throw new Error("QEMU does not answer");
    else await sleep(50);
  }
  const open = socket;
  const waiting: { resolve: (text: string) => void; reject: (error: Error) => void }[] = [];
  let rest = "";
  open.on("data", (data: Buffer) => {
    rest += data.toString();
    for (let end = rest.indexOf("\n"); end >= 0; end = rest.indexOf("\n")) {
      const line = JSON.parse(rest.slice(0, end)) as { return?: unknown; error?: unknown };
      rest = rest.slice(end + 1);
      if ("return" in line) waiting.shift()?.resolve(String(line.return));
      else if ("error" in line) waiting.shift()?.reject(new Error(JSON.stringify(line.error)));
    }
  });
  open.on("close", () => {
    for (const { reject } of waiting.splice(0)) reject(new Error("QEMU has ended"));
  });
  open.on("error", () => undefined);
  return {
    ask: (execute, args) =>
      new Promise((resolve, reject) => {
        waiting.push({ resolve, reject });
        open.write(`${JSON.stringify({ execute, ...(args === undefined ? {} : { arguments: args }) })}\n`);
      }),
    end: () => open.destroy(),
  };
}

/** Asks a real QEMU, where one is installed, through QMP's `human-monitor-command`. */
import { spawn, spawnSync } from "node:child_process";
import { createInterface } from "node:readline";

const QEMU = "qemu-system-x86_64";

/** Only 7.2 is compared with: names and sizes of blocks depend on the version. */
export const hasQemu = spawnSync(QEMU, ["--version"]).stdout?.toString().includes("version 7.2.") ?? false;

/** Starts a machine, stopped at reset unless it is to run for a while first, and runs monitor commands. */
export async function qemuMonitor(
  args: readonly string[],
  commands: readonly string[],
  runMilliseconds = 0,
): Promise<string[]> {
  const qemu = spawn(QEMU, [...args, "-S", "-display", "none", "-qmp", "stdio"], {
    stdio: ["pipe", "pipe", "ignore"],
  });
  try {
    const lines = createInterface({ input: qemu.stdout })[Symbol.asyncIterator]();
    const answer = async (): Promise<unknown> => {
      for (;;) {
        const { value, done } = await lines.next();
        if (done === true) throw new Error("QEMU ended");
        const message = JSON.parse(value as string) as { return?: unknown; error?: unknown };
        if (message.error !== undefined) throw new Error(value as string);
        if ("return" in message) return message.return;
      }
    };
    const ask = (execute: string, argument: object = {}) => {
      qemu.stdin.write(`${JSON.stringify({ execute, arguments: argument })}\n`);
      return answer();
    };
    await ask("qmp_capabilities");
    if (runMilliseconds > 0) {
      await ask("cont");
      await new Promise((resolve) => setTimeout(resolve, runMilliseconds));
      await ask("stop");
    }
    const texts: string[] = [];
    for (const command of commands) {
      const text = (await ask("human-monitor-command", { "command-line": command })) as string;
      texts.push(text.replaceAll("\r\n", "\n"));
    }
    return texts;
  } finally {
    qemu.kill();
  }
}

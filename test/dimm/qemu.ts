/** QEMU's own answers: to a command line, and to monitor commands. Stored ones are in `qemu-7.2/`; UPDATE_GOLDENS=1 asks QEMU anew. */
import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { hasQemu } from "../memory/qemu.ts";

export const updates = process.env["UPDATE_GOLDENS"] !== undefined && hasQemu;

const path = (name: string): string => fileURLToPath(new URL(`qemu-7.2/${name}.txt`, import.meta.url));

/** Questions with their answers, in order. An answer may have several lines or none. */
export type Answers = readonly (readonly [question: string, answer: string])[];

export function readAnswers(name: string): Answers {
  const parts = readFileSync(path(name), "utf8").split(/^### (.*)\n/m);
  return Array.from({ length: (parts.length - 1) / 2 }, (_, n) => [
    parts[2 * n + 1]!,
    parts[2 * n + 2]!.trimEnd(),
  ]);
}

export function writeAnswers(name: string, answers: Answers): void {
  writeFileSync(
    path(name),
    answers.map(([question, answer]) => `### ${question}\n${answer}${answer === "" ? "" : "\n"}`).join(""),
  );
}

/** What QEMU says to a command line, without its name in front; "" if it takes it. */
export async function complaint(words: readonly string[]): Promise<string> {
  const qemu = spawn(
    "qemu-system-x86_64",
    ["-nodefaults", "-display", "none", "-S", "-qmp", "stdio", ...words],
    { stdio: ["pipe", "ignore", "pipe"], timeout: 60_000, killSignal: "SIGKILL" },
  );
  let text = "";
  qemu.stderr.on("data", (bytes: Buffer) => (text += bytes.toString()));
  // Written to a QEMU that has ended already: what it said is what counts.
  qemu.stdin.on("error", () => {});
  qemu.stdin.write('{"execute":"qmp_capabilities"}{"execute":"quit"}\n');
  await new Promise((resolve) => qemu.once("close", resolve));
  return text
    .replaceAll("\r", "")
    .replace(/^qemu-system-x86_64: /, "")
    .trimEnd();
}

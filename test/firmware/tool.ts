/** Programs that judge firmware tables: ACPICA's iasl and dmidecode. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";

const runs = (command: string, ...args: readonly string[]): boolean =>
  spawnSync(command, args, { stdio: "ignore" }).status === 0;

export const hasIasl = runs("iasl", "-v");
export const hasDmidecode = runs("dmidecode", "--version");

const scratch = mkdtempSync(join(tmpdir(), "redzone-firmware-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
export const scratchFile = (name: string): string => join(scratch, name);

/** What the program prints, both channels. */
export function output(command: string, ...args: readonly string[]): string {
  const { stdout, stderr } = spawnSync(command, args, { encoding: "utf8", cwd: scratch });
  return stdout + stderr;
}

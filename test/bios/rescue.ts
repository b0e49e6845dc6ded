/** GRUB's rescue CD for a PC's BIOS, as `grub-mkrescue` makes it, with the sample kernel on it. */
import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { CACHE } from "./machine.ts";

const SAMPLE = fileURLToPath(new URL("../../media/sample-kernel/sample.elf", import.meta.url));
export const hasGrub =
  spawnSync("grub-mkrescue", ["--version"]).status === 0 &&
  spawnSync("xorriso", ["--version"]).status === 0 &&
  existsSync("/usr/lib/grub/i386-pc/cdboot.img");

/** @param name of the file: test files run side by side */
export function rescueCd(name: string): Uint8Array {
  const folder = `${CACHE}${name}`;
  mkdirSync(folder, { recursive: true });
  copyFileSync(SAMPLE, `${folder}/sample.elf`);
  execFileSync("grub-mkrescue", ["-o", `${CACHE}${name}.iso`, folder], { stdio: "ignore" });
  return new Uint8Array(readFileSync(`${CACHE}${name}.iso`));
}

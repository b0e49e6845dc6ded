/** Guests that do a bit of everything, with what comes to them from outside. Null: what it takes is not here. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { fetchGnuMach } from "../guests-boot/gnumach.mjs";
import { assemble, type Subject } from "./runner.ts";

const MEBIBYTE = 2 ** 20;
const SAMPLE = fileURLToPath(new URL("../../media/sample-kernel/sample.elf", import.meta.url));

const bytes = (characters: string): Uint8Array => new TextEncoder().encode(characters);
const key = (code: number): readonly number[] => [code, 0xf0, code];
const debugExit = { iobase: 0xf4, iosize: 4 };

function attempt(image: () => Uint8Array, why: string): Uint8Array | null {
  try {
    return image();
  } catch {
    console.log(why);
    return null;
  }
}

const hasNasm = spawnSync("nasm", ["-v"]).status === 0;
const mixture = hasNasm || process.env["CI"] !== undefined ? assemble("mixture") : null;
if (mixture === null) console.log("nasm is missing: the mixture is not run");
const gnumach = attempt(
  () => new Uint8Array(readFileSync(fetchGnuMach())),
  "GNU Mach could not be fetched: it is not run",
);

export const SUBJECTS: { readonly [name: string]: Subject | null } = {
  "the sample kernel": {
    kernel: new Uint8Array(readFileSync(SAMPLE)),
    append: "",
    config: { ramBytes: 64 * MEBIBYTE, debugExit },
    inputs: [
      { instant: 1_500_000, input: { kind: "serial", port: 0, bytes: bytes("hello\r") } },
      { instant: 2_000_001, input: { kind: "key", scancodes: [...key(0x1c), ...key(0x32), ...key(0x5a)] } },
      {
        instant: 2_000_400,
        input: { kind: "serial", port: 0, bytes: bytes("a longer line than the FIFO holds\r") },
      },
    ],
    end: 4_000_000,
    lively: 1_950_000,
  },
  "a reset by a triple fault": {
    kernel: new Uint8Array(readFileSync(SAMPLE)),
    append: "bug=triple-fault",
    config: { ramBytes: 64 * MEBIBYTE },
    inputs: [],
    end: 2_500_000,
    lively: 160_000,
  },
  "the mixture": mixture && {
    kernel: mixture,
    append: "",
    config: { ramBytes: 16 * MEBIBYTE, debugExit, nanosecondsPerInstant: 512 },
    inputs: [
      { instant: 21_000, input: { kind: "serial", port: 0, bytes: bytes("0123456789abcdefghijklmnop") } },
      { instant: 21_100, input: { kind: "key", scancodes: [...key(0x1c), ...key(0x32)] } },
      { instant: 21_150, input: { kind: "nmi" } },
      { instant: 21_200, input: { kind: "key", scancodes: [0xe0, 0x75, 0xe0, 0xf0, 0x75] } },
    ],
    end: 500_000,
    lively: 0,
  },
  "GNU Mach": gnumach && {
    kernel: gnumach,
    append: "console=com0",
    config: { ramBytes: 64 * MEBIBYTE, nanosecondsPerInstant: 1024 },
    inputs: [
      { instant: 11_950_000, input: { kind: "serial", port: 0, bytes: bytes("trace\r") } },
      { instant: 11_950_100, input: { kind: "key", scancodes: key(0x1c) } },
    ],
    end: 13_000_000,
    lively: 11_900_000,
  },
};

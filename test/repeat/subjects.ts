/** Guests that do a bit of everything, with what comes to them from outside. Null: what it takes is not here. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { MemoryBackendConfig } from "../../emulator/index.ts";
import { fetchGnuMach } from "../guests-boot/gnumach.mjs";
import { assemble, type Subject } from "./runner.ts";

const MEBIBYTE = 2 ** 20;
const SAMPLE = fileURLToPath(new URL("../../media/sample-kernel/sample.elf", import.meta.url));

const bytes = (characters: string): Uint8Array => new TextEncoder().encode(characters);
const key = (code: number): readonly number[] => [code, 0xf0, code];
const debugExit = { iobase: 0xf4, iosize: 4 };

const backend = (id: string, mebibytes: number): MemoryBackendConfig => ({
  id,
  type: "memory-backend-ram",
  sizeBytes: mebibytes * MEBIBYTE,
});

function attempt(image: () => Uint8Array, why: string): Uint8Array | null {
  try {
    return image();
  } catch {
    console.log(why);
    return null;
  }
}

const hasNasm = spawnSync("nasm", ["-v"]).status === 0;
const assembled = (name: string): Uint8Array | null =>
  hasNasm || process.env["CI"] !== undefined ? assemble(name) : null;
const mixture = assembled("mixture");
const dimm = assembled("dimm");
if (mixture === null) console.log("nasm is missing: the mixture and the guest with memory slots are not run");
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
  "memory that comes and goes": dimm && {
    kernel: dimm,
    append: "",
    config: {
      ramBytes: 16 * MEBIBYTE,
      slots: 2,
      maxRamBytes: 1024 * MEBIBYTE,
      debugExit,
      memoryBackends: [{ id: "m0", type: "memory-backend-ram", sizeBytes: 32 * MEBIBYTE }],
    },
    inputs: [
      { instant: 60_000, input: { kind: "dimm-plug", dimm: { id: "d0", memdev: "m0", slot: 1 } } },
      { instant: 150_000, input: { kind: "backend-add", backend: backend("m1", 128) } },
      { instant: 150_100, input: { kind: "dimm-plug", dimm: { id: "d1", memdev: "m1" } } },
      { instant: 240_000, input: { kind: "dimm-unplug", id: "d0" } },
      { instant: 250_000, input: { kind: "backend-remove", id: "m0" } },
      { instant: 250_000, input: { kind: "backend-add", backend: backend("m0", 64) } },
      { instant: 250_003, input: { kind: "dimm-plug", dimm: { id: "d0", memdev: "m0" } } },
      { instant: 340_000, input: { kind: "dimm-unplug", id: "d1" } },
      { instant: 345_000, input: { kind: "backend-remove", id: "m1" } },
      { instant: 350_000, input: { kind: "dimm-unplug", id: "d0" } },
    ],
    end: 400_000,
    lively: 59_000,
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

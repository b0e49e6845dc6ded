/**
 * A kernel nobody here wrote: GNU Mach from Debian boots to its last message, and stands in the same registers as in QEMU at functions on the way.
 *
 * Five seconds of virtual time, most of them waited in busy loops for disk controllers that are not there: 5.2 G instructions of a nanosecond, but
 * 172 M of 32 nanoseconds.
 */
import { execFileSync, spawn } from "node:child_process";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { linear } from "../../emulator/index.ts";
import { fetchGnuMach } from "../guests-boot/gnumach.mjs";
import { start, type Guest } from "./guest.ts";
import { hasQemu, qemuUntil, temporaryFolder, waitForFile } from "./toolchain.ts";

const APPEND = "console=com0";
const NANOSECONDS_PER_INSTANT = 32;
const PANIC = "No bootstrap code loaded with the kernel!";
/** The debugger's prompt: everything the kernel prints of its own accord is out. */
const PROMPT = "db> ";
const MINUTES = 60_000;
/** Of QEMU's 128 MiB its BIOS keeps 128 KiB at the top for ACPI tables; without them the kernel finds the same memory here. */
const RAM_BYTES = (128 << 20) - (128 << 10);

function fetched(): string | null {
  try {
    return fetchGnuMach();
  } catch {
    return null;
  }
}

const kernel = fetched();
if (kernel === null)
  console.log("GNU Mach could not be fetched: no apt, no network or no package; its tests are skipped");

describe.skipIf(kernel === null)("GNU Mach", () => {
  const path = kernel ?? "";
  let guest: Guest;
  const addressOf = (symbol: string): bigint => {
    const line = execFileSync("nm", [path], { encoding: "latin1" })
      .split("\n")
      .find((text) => text.endsWith(` ${symbol}`));
    return BigInt(`0x${line!.split(" ")[0]}`);
  };

  describe("from Debian", () => {
    beforeAll(() => {
      guest = start(path, { append: APPEND }, RAM_BYTES, NANOSECONDS_PER_INSTANT);
      guest.run(PROMPT, 1e9);
    }, 2 * MINUTES);

    it("boots until it misses its bootstrap modules", () => {
      expect(guest.serial()).toContain(`panic ../kern/bootstrap.c:181: bootstrap_create: ${PANIC}`);
      expect(guest.serial()).toContain("biosmem: 000000000000100000:000000000007fe0000, available");
    });

    it.skipIf(!hasQemu)(
      "says at its beginning and at its end what it says in QEMU",
      async () => {
        const theirs = await qemuUntil(
          ["-m", "128", "-kernel", path, "-append", APPEND],
          PROMPT,
          2 * MINUTES,
        );
        const lines = (serial: string): readonly string[] =>
          serial.split(/[\r\n]+/).filter((line) => line !== "");
        // Up to the probing of devices, but for what BIOS and processor reserve at the top of memory.
        const beginning = (serial: string): readonly string[] =>
          lines(serial.slice(0, serial.indexOf("pcibios_init"))).filter(
            (line) => !/7fe0000:|fd00000000/.test(line),
          );
        // A backtrace shows more arguments than functions have: what an earlier call left on the stack. The first is one.
        const end = (serial: string): readonly string[] =>
          lines(serial.slice(serial.indexOf("panic"))).map((line) => line.replace(/,.*\)$/, ", …)"));
        expect(beginning(guest.serial())).toEqual(beginning(theirs));
        expect(end(guest.serial())).toEqual(end(theirs));
        expect(beginning(theirs).length).toBeGreaterThan(8);
        expect(end(theirs).length).toBeGreaterThan(8);
      },
      3 * MINUTES,
    );
  });

  it.skipIf(!hasQemu)(
    "has QEMU's registers when it enters functions on its way",
    async () => {
      // The first two run before paging, in segments whose base makes up for the difference: at their physical addresses.
      const early = ["c_boot_entry", "i386at_init"];
      const functions = [
        ...early,
        "setup_main",
        "sched_init",
        "vm_page_setup",
        "pmap_init",
        "ipc_bootstrap",
        "machine_init",
      ];
      const addresses = functions.map(
        (name) => addressOf(name) & (early.includes(name) ? 0x0fffffffn : 0xffffffffn),
      );
      const theirs = await registersInQemu(path, addresses);
      const ours = start(path, { append: APPEND }, RAM_BYTES);
      for (const [n, address] of addresses.entries()) {
        ours.machine.debug.addBreakpoint(n, linear(address), "linear");
        const stop = ours.run(undefined, 1e9);
        expect(stop, functions[n]!).toMatchObject({ kind: "breakpoint", ids: [n] });
        ours.machine.debug.remove(n);
        expect(registers(ours), functions[n]!).toEqual(theirs[n]);
      }
    },
    3 * MINUTES,
  );
});

const NAMES = ["ebp", "esp", "eip", "cs", "ss", "ds", "es", "fs", "gs", "cr0", "cr3", "cr4"] as const;
type Values = { readonly [name in (typeof NAMES)[number]]: number };

function registers({ machine }: Guest): Values {
  const core = machine.cpus[0]!;
  const low = (value: bigint): number => Number(value & 0xffffffffn);
  const [es, cs, ss, ds, fs, gs] = ([0, 1, 2, 3, 4, 5] as const).map((n) => core.segment(n).selector);
  return {
    ebp: low(core.gpr(5)),
    esp: low(core.gpr(4)),
    eip: low(core.rip),
    cs: cs!,
    ss: ss!,
    ds: ds!,
    es: es!,
    fs: fs!,
    gs: gs!,
    cr0: core.cr0,
    cr3: low(core.cr3),
    cr4: core.cr4,
  };
}

/** Stops QEMU at each address in turn, through gdb. */
async function registersInQemu(path: string, addresses: readonly bigint[]): Promise<readonly Values[]> {
  const socket = join(temporaryFolder(), "gdb");
  const words = [
    "-m",
    "128",
    "-kernel",
    path,
    "-append",
    APPEND,
    "-display",
    "none",
    "-S",
    "-gdb",
    `unix:${socket},server=on,wait=off`,
  ];
  const qemu = spawn("qemu-system-x86_64", words, { stdio: "ignore" });
  try {
    await waitForFile(socket);
    const names = NAMES.map((name) => name.replace(/^e(?=..)/, "r"));
    const commands = ["set pagination off", "set architecture i386:x86-64", `target remote ${socket}`].concat(
      // Deleted by hand: before paging gdb does not recognise the stop as its breakpoint's, since EIP is not the linear address.
      addresses.flatMap((address) => [
        `hbreak *0x${address.toString(16)}`,
        "continue",
        `info registers ${names.join(" ")}`,
        "delete",
      ]),
    );
    const out = execFileSync("gdb", ["-batch", "-nx", ...commands.flatMap((command) => ["-ex", command])], { encoding: "latin1", timeout: 2 * MINUTES, stdio: ["ignore", "pipe", "ignore"] }); // oxfmt-ignore
    const value = (name: string, stop: number): number =>
      Number(Array.from(out.matchAll(new RegExp(`^${name} +(0x[0-9a-f]+)`, "gm")), ([, hex]) => hex)[stop]);
    return addresses.map(
      (_, stop) => Object.fromEntries(NAMES.map((name, n) => [name, value(names[n]!, stop)])) as Values,
    );
  } finally {
    qemu.kill("SIGKILL");
  }
}

/**
 * Debian's kernels, unmodified, to a busybox shell. What they say is compared with what they say on QEMU.
 *
 * Two boots of the cloud kernel are in every run of the tests; the others, the full kernel's among them, in the long form (`npm run test:long`).
 */
import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";
import type { MachineState } from "../../emulator/index.ts";
import { equalMemory } from "../../emulator/memory/index.ts";
import { Console } from "./console.ts";
import { type KernelName, linuxSystem, type LinuxSystem } from "./system.ts";

const OUT = fileURLToPath(new URL("../../.cache/linux/", import.meta.url));
const LONG = 900_000;
const QEMU_MILLISECONDS = 120_000;
const MARKER = "BOOT-OK";
const isLong = process.env["REDZONE_LONG"] === "1";

/** Lines by which a kernel complains about the machine or itself. */
const COMPLAINT =
  /WARNING|BUG|Firmware Bug|unhandled|Oops|Call Trace|Kernel panic|ACPI.*Error|ACPI.*Warning|not responding|soft lockup|stalls/i;

const complaints = (text: string): string[] =>
  text
    .split("\n")
    .map((line) => line.replace(/^\[ *[\d.]+\] /, "").trim())
    .filter((line) => COMPLAINT.test(line));

/** What the same system says on QEMU, up to the marker; then QEMU is ended, which does not end by itself. */
function onQemu(system: LinuxSystem, append: string, words: readonly string[]): Promise<string> {
  mkdirSync(OUT, { recursive: true });
  const initrd = path.join(OUT, "tiny.cpio.gz");
  writeFileSync(initrd, system.initrd);
  const machine = "-nodefaults -display none -no-reboot -cpu max -serial stdio".split(" ");
  const kernel = ["-kernel", system.kernelPath, "-initrd", initrd, "-append", append];
  const qemu = spawn("qemu-system-x86_64", [...machine, ...kernel, ...words], {
    stdio: ["ignore", "pipe", "inherit"],
    timeout: QEMU_MILLISECONDS,
    killSignal: "SIGKILL",
  });
  let text = "";
  qemu.stdout.on("data", (bytes: Buffer) => {
    text += bytes.toString("latin1");
    if (text.includes(MARKER)) qemu.kill("SIGKILL");
  });
  return new Promise((resolve, reject) => {
    qemu.once("error", reject);
    qemu.once("close", () => {
      if (text.includes(MARKER)) resolve(text.replaceAll("\r", ""));
      else reject(new Error(`QEMU has not said ${MARKER} but ${text.slice(-1000)}`));
    });
  });
}

interface Configuration {
  readonly kernel: KernelName;
  readonly title: string;
  readonly append: string;
  readonly cpus: number;
  readonly ramMiB: number;
  readonly isLong?: true;
}

const ALL = "console=ttyS0";
/** Tests of cryptography are more than half of a boot's instructions. */
const SHORT = "console=ttyS0 cryptomgr.notests";
const CONFIGURATIONS: readonly Configuration[] = [
  { kernel: "cloud", title: "one CPU, 512 MiB", append: ALL, cpus: 1, ramMiB: 512 },
  { kernel: "cloud", title: "-smp 4", append: SHORT, cpus: 4, ramMiB: 512 },
  { kernel: "cloud", title: "-smp 4, all tests", append: ALL, cpus: 4, ramMiB: 512, isLong: true },
  { kernel: "cloud", title: "-m 6G", append: ALL, cpus: 1, ramMiB: 6144, isLong: true },
  { kernel: "full", title: "one CPU, 512 MiB", append: ALL, cpus: 1, ramMiB: 512, isLong: true },
];

/** What a configuration was at its first prompt. */
interface Booted {
  readonly instant: number;
  readonly now: number;
  readonly text: string;
  readonly state: MachineState;
}
let ofFour: Booted | null = null;

const start = (system: LinuxSystem, { append, cpus, ramMiB }: Configuration, slice?: number): Console =>
  new Console(system, {
    append,
    config: { cpus, ramBytes: ramMiB * 2 ** 20 },
    ...(slice === undefined ? {} : { slice }),
  });

const chosen = CONFIGURATIONS.filter((each) => isLong || each.isLong === undefined);
describe.each(chosen)("Debian's $kernel kernel, $title", (configuration) => {
  const { kernel, append, cpus, ramMiB } = configuration;
  let system: LinuxSystem;
  let guest: Console;
  beforeAll(async () => {
    system = await linuxSystem(kernel);
    guest = start(system, configuration);
    const started = performance.now();
    guest.waitFor(MARKER);
    const seconds = (performance.now() - started) / 1000;
    const counted = `${(guest.machine.instant / 1e6).toFixed(0)} M instants, ${(guest.machine.now / 1e9).toFixed(2)} s of virtual time`;
    const rate = `${seconds.toFixed(1)} s, ${(guest.machine.instant / seconds / 1e6).toFixed(0)} M/s`;
    console.log(`${kernel}, ${cpus} CPU(s), ${ramMiB} MiB: ${counted}, ${rate}`);
    guest.waitFor("/ # ");
    const { instant, now } = guest.machine;
    if (configuration === CONFIGURATIONS[1])
      ofFour = { instant, now, text: guest.text, state: guest.machine.save() };
  }, LONG);

  test("the shell answers", { timeout: LONG }, () => {
    expect(guest.command("echo $((6 * 7)); uname -m")).toBe("42\nx86_64\n");
    expect(guest.command("grep -c ^processor /proc/cpuinfo").trim()).toBe(String(cpus));
    const memoryKiB = Number(/MemTotal: *(\d+)/.exec(guest.command("cat /proc/meminfo"))?.[1]);
    expect(memoryKiB).toBeGreaterThan(ramMiB * 1024 * 0.75);
    if (cpus > 1)
      expect(guest.command("for c in 0 1 2 3; do taskset $((1 << c)) sh -c 'echo $((40+2))'; done")).toBe(
        "42\n".repeat(4),
      );
  });

  test(
    "the kernel complains about nothing that it does not complain about on QEMU",
    { timeout: LONG },
    async () => {
      const said = complaints(guest.text);
      const words = ["-smp", String(cpus), "-m", String(ramMiB)];
      const known = new Set(complaints(await onQemu(system, append, words)));
      expect(said.filter((line) => !known.has(line))).toEqual([]);
    },
  );

  test("poweroff powers off", { timeout: LONG }, () => {
    expect(guest.leave("poweroff -f")).toEqual({ kind: "power-off" });
  });
});

test(
  "a second boot is equal, in other slices: instants, console, and memory page by page",
  { timeout: LONG },
  async () => {
    const again = start(await linuxSystem("cloud"), CONFIGURATIONS[1]!, 3_141_592);
    expect(ofFour, "the first boot").not.toBeNull();
    again.runTo(ofFour!);
    const { instant, now } = again.machine;
    expect({ instant, now }).toEqual({ instant: ofFour!.instant, now: ofFour!.now });
    expect(again.text).toBe(ofFour!.text);
    expect(equalMemory(ofFour!.state.memory, again.machine.save().memory)).toBe(true);
  },
);

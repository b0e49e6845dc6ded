/** Debian's kernels, unmodified, to a busybox shell. What they say is compared with what they say on QEMU. */
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";
import type { MachineState } from "../../emulator/index.ts";
import { equalMemory } from "../../emulator/memory/index.ts";
import { Console } from "./console.ts";
import { type KernelName, linuxSystem, type LinuxSystem } from "./system.ts";

const OUT = fileURLToPath(new URL("../../.cache/linux/", import.meta.url));
const LONG = 1_500_000;

/** Lines by which a kernel complains about the machine or itself. */
const COMPLAINT =
  /WARNING|BUG|Firmware Bug|unhandled|Oops|Call Trace|Kernel panic|ACPI.*Error|ACPI.*Warning|not responding|soft lockup|stalls/i;

const complaints = (text: string): string[] =>
  text
    .split("\n")
    .map((line) => line.replace(/^\[ *[\d.]+\] /, "").trim())
    .filter((line) => COMPLAINT.test(line));

/** What the same system says on QEMU, up to the marker. */
function onQemu(system: LinuxSystem, words: readonly string[]): string {
  mkdirSync(OUT, { recursive: true });
  const initrd = path.join(OUT, "tiny.cpio.gz");
  writeFileSync(initrd, system.initrd);
  const script = `timeout 120 qemu-system-x86_64 -nodefaults -display none -no-reboot -cpu max -kernel '${system.kernelPath}' -initrd '${initrd}' \
    -append 'console=ttyS0' ${words.join(" ")} -serial stdio < /dev/null | sed '/BOOT-OK/q'`;
  return spawnSync("sh", ["-c", script], { encoding: "latin1", maxBuffer: 2 ** 24 }).stdout.replaceAll(
    "\r",
    "",
  );
}

const CONFIGURATIONS: readonly {
  readonly kernel: KernelName;
  readonly title: string;
  readonly cpus: number;
  readonly ramMiB: number;
}[] = [
  { kernel: "cloud", title: "one CPU, 512 MiB", cpus: 1, ramMiB: 512 },
  { kernel: "cloud", title: "-smp 4", cpus: 4, ramMiB: 512 },
  { kernel: "cloud", title: "-m 6G", cpus: 1, ramMiB: 6144 },
  { kernel: "full", title: "one CPU, 512 MiB", cpus: 1, ramMiB: 512 },
];

/** What the first configuration was at its first prompt. */
let ofFirst: { readonly instant: number; readonly text: string; readonly state: MachineState } | null = null;

describe.each(CONFIGURATIONS)("Debian's $kernel kernel, $title", ({ kernel, cpus, ramMiB }) => {
  let system: LinuxSystem;
  let guest: Console;
  beforeAll(async () => {
    system = await linuxSystem(kernel);
    guest = new Console(system, { config: { cpus, ramBytes: ramMiB * 2 ** 20 } });
    const started = performance.now();
    guest.waitFor("BOOT-OK");
    const seconds = (performance.now() - started) / 1000;
    const { instant, now } = guest.machine;
    console.log(
      `${kernel}, ${cpus} CPU(s), ${ramMiB} MiB: ${(instant / 1e6).toFixed(0)} M instants, ${(now / 1e9).toFixed(2)} s of virtual time, ${(instant / seconds / 1e6).toFixed(0)} M/s`,
    );
    guest.waitFor("/ # ");
    ofFirst ??= { instant: guest.machine.instant, text: guest.text, state: guest.machine.save() };
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
    () => {
      const said = complaints(guest.text);
      const known = new Set(complaints(onQemu(system, ["-smp", String(cpus), "-m", String(ramMiB)])));
      expect(said.filter((line) => !known.has(line))).toEqual([]);
    },
  );

  test("poweroff powers off", { timeout: LONG }, () => {
    expect(guest.leave("poweroff -f")).toEqual({ kind: "power-off" });
  });
});

test("a second boot is equal: instants, console, and memory page by page", { timeout: LONG }, async () => {
  const again = new Console(await linuxSystem("cloud"));
  again.waitFor("/ # ");
  expect(ofFirst, "the first configuration has booted").not.toBeNull();
  expect(again.machine.instant).toBe(ofFirst!.instant);
  expect(again.text).toBe(ofFirst!.text);
  expect(equalMemory(ofFirst!.state.memory, again.machine.save().memory)).toBe(true);
});

/**
 * Debian's Linux gets DIMMs while it runs, uses them, and gives them back where it can: as it did on QEMU, which is asked again with REDZONE_LONG=1, and kept
 * with UPDATE_GOLDENS=1.
 */
import { beforeAll, expect, test } from "vitest";
import { Monitor } from "../../debug-adapter/monitor/index.ts";
import type { MachineConfig, MachineState, Pc } from "../../emulator/index.ts";
import { Console } from "../linux/console.ts";
import { linuxSystem, type LinuxSystem } from "../linux/system.ts";
import { hasQemu } from "../memory/qemu.ts";
import { APPEND, onQemu, story } from "./guest.ts";
import { readAnswers, updates, writeAnswers } from "./qemu.ts";

const MIB = 2 ** 20;
const LONG = 900_000;
/** One DIMM is there from the start. */
const CONFIG: MachineConfig = {
  ramBytes: 512 * MIB,
  slots: 3,
  maxRamBytes: 2048 * MIB,
  memoryBackends: [{ id: "m0", type: "memory-backend-ram", sizeBytes: 128 * MIB }],
  dimms: [{ id: "d0", memdev: "m0" }],
};

let system: LinuxSystem;
let guest: Console;
let machine: Pc;
let booted: MachineState;
beforeAll(async () => {
  system = await linuxSystem("cloud");
  guest = new Console(system, { append: APPEND, config: CONFIG });
  machine = guest.machine as Pc;
  guest.waitFor("BOOT-OK");
  guest.waitFor("/ # ");
  booted = machine.save();
}, LONG);

/** What happened on QEMU 7.2. */
const onQemuText = readAnswers("linux")[0]?.[1];

const monitor = (line: string): string => new Monitor({ machine, core: machine.cpus[0]! }).run(line);

test("DIMMs raise MemTotal and are given back, as on QEMU", { timeout: LONG }, async () => {
  const told = await story({
    shell: (line) => Promise.resolve(guest.command(line)),
    monitor: (line) =>
      Promise.resolve().then(() => {
        try {
          return monitor(line);
        } catch (error) {
          return (error as Error).message;
        }
      }),
  });
  expect(told.join("\n")).toBe(onQemuText);
  expect(machine.memoryDevices.dimms).toMatchObject([
    { id: "d0", slot: 0, hotplugged: false },
    { id: "d1", slot: 1, event: 1, status: 0 },
    { id: "d2", slot: 2, event: 1, status: 0 },
  ]);
});

test("a DIMM that the kernel has begun to use is refused, and stays; else it goes", { timeout: LONG }, () => {
  const before = Number.parseInt(guest.command("sed -n 's/MemTotal: *//p' /proc/meminfo"), 10);
  monitor("device_del d1");
  guest.command("sleep 2");
  const after = Number.parseInt(guest.command("sed -n 's/MemTotal: *//p' /proc/meminfo"), 10);
  const dimm = machine.memoryDevices.dimms.find(({ id }) => id === "d1");
  // An ejection request, to which the guest says that the device is busy.
  if (dimm !== undefined) expect(dimm).toMatchObject({ isRemoving: false, event: 3, status: 0x82 });
  expect(before - after).toBe(dimm === undefined ? 128 * 1024 : 0);
  expect(guest.command("dmesg").includes("Offline failed")).toBe(dimm !== undefined);
});

test("the kernel complains about nothing of it", { timeout: LONG }, () => {
  const lines = guest.command("dmesg").split("\n");
  const complaint = /ACPI.*(?:error|warning)|Firmware Bug|Call Trace|Oops|BUG:/i;
  expect(lines.filter((line) => complaint.test(line))).toEqual([]);
  // RAM is 512 MiB; 1.5 GiB more, and a GiB for each slot.
  expect(lines.some((line) => line.includes("[mem 0x100000000-0x21fffffff] hotplug"))).toBe(true);
});

test.skipIf(process.env["REDZONE_LONG"] !== "1")(
  "from the first prompt on, with the same inputs, it happens again",
  { timeout: LONG },
  () => {
    const { inputs } = machine;
    const end = machine.save();
    const again = new Console(system, { append: APPEND, config: CONFIG });
    again.machine.load(booted);
    for (const { instant, idle, input } of inputs) {
      if (instant < booted.instant) continue;
      again.runTo({ instant, now: instant + idle });
      again.machine.input(input);
    }
    again.runTo(machine);
    const replayed = again.machine.save();
    expect(guest.text.endsWith(again.text)).toBe(true);
    expect(again.text).toContain("online_movable");
    expect(replayed.devices).toEqual(end.devices);
    expect(Object.keys(replayed.memory.blocks)).toEqual(Object.keys(end.memory.blocks));
  },
);

test.skipIf(!hasQemu || (process.env["REDZONE_LONG"] !== "1" && !updates))(
  "QEMU's Linux does the same",
  { timeout: LONG },
  async () => {
    const told = (await onQemu(system, story)).join("\n");
    if (updates) writeAnswers("linux", [["Debian's cloud kernel", told]]);
    expect(told).toBe(onQemuText);
  },
);

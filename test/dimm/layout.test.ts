/** Where memory lies, in the guest and in the `ram_addr_t` space, on the same command line here and in QEMU. */
import { expect, it } from "vitest";
import { parseQemuOptions } from "../../debug-adapter/cli/options.ts";
import { Monitor } from "../../debug-adapter/monitor/index.ts";
import { createMachine } from "../../emulator/index.ts";
import { hasQemu, qemuMonitor } from "../memory/qemu.ts";

const LINES = [
  "-m 512M,slots=4,maxmem=2G -object memory-backend-ram,id=m1,size=128M -object memory-backend-ram,id=m2,size=256M -device pc-dimm,id=d2,memdev=m2 -device pc-dimm,id=d1,memdev=m1",
  "-m 6G,slots=2,maxmem=16G -machine pc,max-ram-below-4g=2G -object memory-backend-ram,id=m1,size=1G -device pc-dimm,id=d1,memdev=m1,slot=1,addr=0x240000000",
  "-m 3584M,slots=1,maxmem=5G -object memory-backend-ram,id=m1,size=1G -device pc-dimm,memdev=m1",
  "-machine pc,memory-backend=m0 -object memory-backend-ram,id=m1,size=96M -object memory-backend-ram,id=m0,size=4G",
  "-m 512M,maxmem=2G",
  "-m 6G,slots=255,maxmem=400G -object memory-backend-ram,id=m1,size=300G,reserve=off -device pc-dimm,memdev=m1",
  "-machine pc,max-ram-below-4g=4G -m 3800M",
];
const COMMANDS = [
  "info mtree",
  "info mtree -f",
  "info ramblock",
  "info memory-devices",
  "info memory_size_summary",
] as const;

/** The lines about memory that is RAM, and about what is there because of it; below 1 MiB firmware has changed ours already. */
function ofMemory(command: string, text: string): readonly string[] {
  if (command === "info memory-devices" || command === "info memory_size_summary") return text.split("\n");
  const lines = text.split("\n").filter((line) => {
    if (command === "info ramblock") return /^ +(?:(?:pc\.ram|m\d) )?   4 KiB /.test(line);
    return (
      /: (?:pc\.ram|m\d|device-memory|acpi-mem-hotplug|alias ram-(?:below|above)-4g)\b/.test(line) &&
      !/^ *0{16}-0{11}b|^ *0{11}[0-9a-f]{5}-0{11}/.test(line)
    );
  });
  return [...new Set(lines)].sort();
}

it.skipIf(!hasQemu).each(LINES)("%s", { timeout: 120_000 }, async (line) => {
  const parsed = parseQemuOptions(line.split(" "));
  if (parsed.kind === "error") throw new Error(parsed.text);
  const machine = createMachine(parsed.options.machine);
  const monitor = new Monitor({ machine, core: machine.cpus[0]! });
  const theirs = await qemuMonitor(["-nodefaults", ...line.split(" ")], COMMANDS);
  for (const [n, command] of COMMANDS.entries()) {
    const expected = ofMemory(command, theirs[n]!);
    expect(ofMemory(command, monitor.run(command)), command).toEqual(expected);
    if (command.startsWith("info mtree")) expect(expected.length).toBeGreaterThan(0);
  }
});

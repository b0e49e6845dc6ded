/**
 * Our trees beside QEMU's: dumps of QEMU 7.2 are taken apart, built again from our regions, and printed. The stored dumps are checked against
 * the QEMU that is installed. UPDATE_GOLDENS=1 takes them anew.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { infoMtree, infoRamblock, RamList } from "../../emulator/memory/index.ts";
import { buildSpaces, canonicalFlat, canonicalTree, terminatingRegions } from "./mtree.ts";
import { hasQemu, qemuMonitor } from "./qemu.ts";

const DIMM_ARGS =
  "-M q35 -m 256M,slots=4,maxmem=2G -object memory-backend-ram,id=mem1,size=128M -device pc-dimm,id=dimm1,memdev=mem1".split(
    " ",
  );

const MACHINES = {
  "pc-256m": { args: ["-m", "256"] },
  "pc-4g": { args: ["-m", "4G"] },
  "pc-max-ram": { args: ["-M", "pc,max-ram-below-4g=2G", "-m", "2560M"] },
  /** After the firmware has programmed the host bridge and PCI BARs. */
  "pc-256m-booted": { args: ["-m", "256"], runMilliseconds: 4000 },
  "q35-6g": { args: ["-M", "q35", "-m", "6G"] },
  "q35-dimm": { args: DIMM_ARGS },
} as const satisfies { [name: string]: { args: readonly string[]; runMilliseconds?: number } };

const COMMANDS = ["info ramblock", "info mtree", "info mtree -D", "info mtree -f"] as const;
type Dump = Record<(typeof COMMANDS)[number], string>;

const path = (name: string) => fileURLToPath(new URL(`qemu-7.2/${name}.txt`, import.meta.url));

function readDump(name: string): Dump {
  const parts = readFileSync(path(name), "utf8").split(/^### (.*)\n/m);
  const dump: Record<string, string> = {};
  for (let i = 1; i < parts.length; i += 2) dump[parts[i]!] = parts[i + 1]!;
  return dump as Dump;
}

async function takeDump(machine: { args: readonly string[]; runMilliseconds?: number }): Promise<Dump> {
  const texts = await qemuMonitor(machine.args, COMMANDS, machine.runMilliseconds);
  return Object.fromEntries(COMMANDS.map((command, i) => [command, texts[i]!])) as Dump;
}

describe.each(Object.entries(MACHINES))(
  "%s",
  (name, machine: { args: readonly string[]; runMilliseconds?: number }) => {
    it.skipIf(!hasQemu)("is what QEMU says", async () => {
      if (process.env["UPDATE_GOLDENS"] !== undefined) {
        const dump = await takeDump(machine);
        writeFileSync(
          path(name),
          COMMANDS.map((command) => `### ${command}\n${dump[command].trimEnd()}\n\n`).join(""),
        );
      }
      // How far the firmware gets depends on the host's speed.
      if (machine.runMilliseconds !== undefined) return;
      const stored = readDump(name);
      const live = await takeDump(machine);
      expect(stored["info ramblock"].trimEnd()).toBe(live["info ramblock"].trimEnd());
      expect(canonicalTree(stored["info mtree"])).toBe(canonicalTree(live["info mtree"]));
      expect(canonicalFlat(stored["info mtree -f"])).toBe(canonicalFlat(live["info mtree -f"]));
    });

    it("prints as QEMU prints it", () => {
      const dump = readDump(name);
      const spaces = buildSpaces(dump["info mtree -D"], terminatingRegions(dump["info mtree -f"]));
      expect(canonicalTree(infoMtree(spaces, { disabled: true }))).toBe(canonicalTree(dump["info mtree -D"]));
      expect(canonicalTree(infoMtree(spaces))).toBe(canonicalTree(dump["info mtree"]));
      expect(canonicalFlat(infoMtree(spaces, { flat: true }))).toBe(canonicalFlat(dump["info mtree -f"]));
    });

    it("has its RAMBlocks where find_ram_offset puts them", () => {
      const text = readDump(name)["info ramblock"].trimEnd();
      const rows = text
        .split("\n")
        .slice(1)
        .map((row) => /^ *(\S+) +4 KiB +(\S+) +(\S+) +(\S+)$/.exec(row)!.slice(1));
      const blocks = rows.map(([idstr, offset, usedLength, maxLength]) => ({
        idstr: idstr!,
        offset: Number(offset),
        usedLength: Number(usedLength),
        maxLength: Number(maxLength),
      }));
      const list = new RamList();
      // Nothing was freed before, so the order of offsets is the order of creation.
      for (const block of blocks.toSorted((a, b) => a.offset - b.offset)) list.add(block, 1);
      expect(infoRamblock(list).trimEnd()).toBe(text);
    });
  },
);

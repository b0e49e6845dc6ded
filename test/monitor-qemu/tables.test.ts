/**
 * `info mem` and `info tlb` beside QEMU's on tables made by chance, in every paging mode: well-formed ones, and such as no kernel would make. A boot sector turns
 * paging on and halts; both monitors are asked about the same bytes.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { createMachine, physical, type Pc } from "../../emulator/index.ts";
import { Monitor } from "../../debug-adapter/index.ts";
import { askQemu, assemble, hasOracle } from "../adapter/qemu.ts";
import { Random } from "../oracle/random.ts";

const SEED = Number(process.env["PAGING_SEED"] ?? 1);
const SECTOR = 0x7c00;
const TABLES = 0x100_0000;
const COUNT = 24;
const RAM = 128 << 20;
const FEW = 9;

interface Mode {
  readonly name: string;
  readonly entryBytes: 4 | 8;
  readonly cr4: number;
  readonly efer: number;
  /** Levels, from the root's. */
  readonly levels: number;
}
const MODES: readonly Mode[] = [
  { name: "32-bit paging with 4 MiB pages", entryBytes: 4, cr4: 0x10, efer: 0, levels: 2 },
  { name: "32-bit paging without", entryBytes: 4, cr4: 0, efer: 0, levels: 2 },
  { name: "PAE", entryBytes: 8, cr4: 0x20, efer: 0x800, levels: 3 },
  { name: "4-level paging", entryBytes: 8, cr4: 0x20, efer: 0x900, levels: 4 },
  { name: "5-level paging", entryBytes: 8, cr4: 0x1020, efer: 0x900, levels: 5 },
];

const sector = (mode: Mode): string => {
  const is64 = (mode.efer & 0x100) !== 0;
  return `
bits 16
org ${SECTOR}
  cli
  xor ax, ax
  mov ds, ax
  mov ss, ax
  lgdt [gdtr]
  mov eax, ${mode.cr4}
  mov cr4, eax
  mov eax, ${TABLES}
  mov cr3, eax
  mov ecx, 0xc0000080
  mov eax, ${mode.efer}
  xor edx, edx
  wrmsr
  mov eax, cr0
  or eax, 0x80000021
  and eax, ~0x60000000
  mov cr0, eax
  jmp 8:next
bits ${is64 ? 64 : 32}
next:
  hlt
  jmp next
align 8
gdt: dq 0, ${is64 ? "0x00af9b000000ffff" : "0x00cf9b000000ffff"}
gdtr: dw 15
  dd gdt
times 510-($-$$) db 0
  dw 0xaa55
`;
};

/** Whether an entry can be a large page. Where it cannot, bit 7 would lead to tables anywhere, which firmware and ROM may have filled. */
function mayBeLarge({ levels, entryBytes, cr4 }: Mode, depth: number): boolean {
  const height = levels - depth;
  if (entryBytes === 4) return height === 2 && cr4 !== 0;
  return height === 2 || (height === 3 && levels > 3);
}

/** Tables by number, the root first; whatever chance gives, the boot sector's page is mapped to itself. */
function tables(mode: Mode, random: Random): Uint8Array {
  const bytes = new Uint8Array(COUNT * 4096);
  const view = new DataView(bytes.buffer);
  const put = (table: number, index: number, value: bigint): void => {
    const at = table * 4096 + index * mode.entryBytes;
    if (mode.entryBytes === 4) view.setUint32(at, Number(BigInt.asUintN(32, value)), true);
    else view.setBigUint64(at, BigInt.asUintN(64, value), true);
  };
  const isPae = mode.levels === 3;
  // Tables of one level point to those of the next, now and then to one that maps this one; never to one whose entries would be tables anywhere.
  const perLevel = Math.floor((COUNT - 1) / (mode.levels - 1));
  const levelOf = (table: number): number => (table === 0 ? 0 : 1 + Math.floor((table - 1) / perLevel));
  for (let table = 0; table < COUNT; table++) {
    const depth = Math.min(levelOf(table), mode.levels - 1);
    const isRoot = table === 0;
    const entries = isRoot && isPae ? 4 : 4096 / mode.entryBytes;
    // Few entries of each level are enough for thousands of pages.
    let left = (isRoot && isPae) || depth === mode.levels - 1 ? Number.POSITIVE_INFINITY : FEW - mode.levels;
    for (let index = 0; index < entries && left > 0;) {
      const run = 1 + random.below(depth === mode.levels - 1 ? 40 : 6);
      if (Number.isFinite(left) ? !random.oneIn(30) : random.oneIn(isRoot && isPae ? 9 : 2)) {
        index += run;
        continue;
      }
      let flags = BigInt(random.below(0x1000)) | 1n;
      if (mode.entryBytes === 8 && random.oneIn(3)) flags |= 1n << 63n;
      if (mode.entryBytes === 8 && random.oneIn(8)) flags |= BigInt(random.below(0x800)) << 52n;
      if (mode.entryBytes === 8 && random.oneIn(20)) flags |= BigInt(random.below(0x1000)) << 40n;
      const isLast = depth === mode.levels - 1;
      // Bit 7 of what is to be a table is clear most of the time.
      const isLarge = mayBeLarge(mode, depth) && random.oneIn(3);
      // Without CR4.PSE it says nothing.
      if (!isLast && !isLarge && (mode.entryBytes === 8 || mode.cr4 !== 0)) flags &= ~0x80n;
      if (isLarge) flags |= 0x80n;
      if (isRoot && isPae) flags = 1n;
      let target = BigInt(random.below(2 ** 20)) << 12n;
      for (let n = 0; n < run && index < entries; n++, index++) {
        if (!isLast && !isLarge) {
          const next = random.oneIn(40)
            ? random.below(1 + depth * perLevel)
            : 1 + depth * perLevel + random.below(perLevel);
          target = BigInt(TABLES + Math.min(next, COUNT - 1) * 4096);
          flags &= ~(0xfffn << 40n);
        } else target += random.oneIn(10) ? 0x5000n : 0x1000n;
        put(table, index, target | flags);
        if (--left <= 0) break;
      }
    }
  }
  // The way to the boot sector: the first table of each level.
  const first = (depth: number): number => (depth === 0 ? 0 : 1 + (depth - 1) * perLevel);
  for (let depth = 0; depth < mode.levels - 1; depth++)
    put(first(depth), 0, BigInt(TABLES + first(depth + 1) * 4096) | (isPae && depth === 0 ? 1n : 7n));
  for (let page = 0; page < 16; page++) put(first(mode.levels - 1), page, BigInt(page * 4096) | 7n);
  if (isPae) {
    // Nothing that a load of CR3 would refuse.
    for (let index = 1; index < 4; index++)
      put(0, index, BigInt(TABLES + (1 + random.below(perLevel)) * 4096) | 1n);
  }
  return bytes;
}

function halted(code: Uint8Array, bytes: Uint8Array): Pc {
  const machine = createMachine({ ramBytes: RAM });
  const [core] = machine.cpus;
  machine.memory.poke(physical(SECTOR), code);
  machine.memory.poke(physical(TABLES), bytes);
  core!.reset();
  for (const n of [0, 1, 2, 3, 4, 5] as const)
    core!.setSegment(n, { selector: 0, base: 0n, limit: 0xffff, attributes: n === 1 ? 0x9b : 0x93 });
  core!.rip = BigInt(SECTOR);
  expect(machine.run({ instants: 100_000 }).kind).toBe("dead");
  return machine;
}

/** Asks both about tables, ours about those that QEMU has in the end: it has set accessed bits, in more places than a processor would. */
async function compare(
  mode: Mode,
  bytes: Uint8Array,
  commands: readonly string[],
  leastLines: number,
): Promise<void> {
  const code = assemble(sector(mode));
  const folder = mkdtempSync(path.join(tmpdir(), "redzone-"));
  const saved = path.join(folder, "tables");
  const save = `pmemsave 0x${TABLES.toString(16)} 0x${bytes.length.toString(16)} "${saved}"`;
  const [, ...answers] = await askQemu(code, { address: TABLES, bytes }, [save, ...commands]);
  const after = new Uint8Array(readFileSync(saved));
  rmSync(folder, { recursive: true });
  const machine = halted(code, bytes);
  machine.memory.poke(physical(TABLES), after);
  const monitor = new Monitor({ machine, core: machine.cpus[0]! });
  for (const [i, command] of commands.entries()) {
    const theirs = answers[i]!.split("\n");
    const ours = monitor.run(command).split("\n");
    expect(theirs.length, `${command}: lines`).toBeGreaterThan(leastLines);
    const differs = theirs.findIndex((line, n) => line !== ours[n]);
    expect(differs < 0 ? "" : `${command}, line ${differs}: ${ours[differs]}`).toBe(
      differs < 0 ? "" : `${command}, line ${differs}: ${theirs[differs]}`,
    );
    expect(ours.length).toBe(theirs.length);
  }
}

describe.runIf(hasOracle).each(MODES)("$name", (mode) => {
  // With five levels QEMU's own `info mem` goes through the hole page by page and does not end.
  const commands = mode.levels === 5 ? ["info tlb"] : ["info mem", "info tlb"];
  test(`${commands.join(" and ")} of tables made by chance (seed ${SEED})`, async () => {
    await compare(mode, tables(mode, new Random(SEED)), commands, 50);
  });
});

test.runIf(hasOracle)(
  "a range that is half of the address space: its size is printed like an address",
  async () => {
    const [mode] = MODES.filter(({ levels }) => levels === 4);
    const bytes = tables(mode!, new Random(SEED));
    const view = new DataView(bytes.buffer);
    const last = COUNT - 1;
    bytes.fill(0, 2048, 4096);
    for (let i = 256; i < 512; i++) view.setBigUint64(i * 8, BigInt(TABLES + last * 4096 + 3), true);
    for (let i = 0; i < 512; i++) view.setBigUint64(last * 4096 + i * 8, BigInt(i * 2 ** 30 + 0x83), true);
    await compare(mode!, bytes, ["info mem"], 50);
  },
  120_000,
);

/** Monitor commands beside those of QEMU: the same boot sector and the same page tables on both, in every paging mode. */
import { beforeAll, describe, expect, test } from "vitest";
import { createMachine, physical, type Pc } from "../../emulator/index.ts";
import { AdapterError, Monitor } from "../../debug-adapter/index.ts";
import { Client } from "./client.ts";
import { askQemu, assemble, hasOracle } from "./qemu.ts";

const TABLES = 0x1000000;
const SECTOR = 0x7c00;

interface Mode {
  readonly name: string;
  readonly entryBytes: 4 | 8;
  readonly cr4: number;
  readonly efer: number;
  /** Writes entries: table, index, value. */
  fill(put: (table: number, index: number, value: bigint) => void): void;
}

const table = (n: number, flags: number): bigint => BigInt(TABLES + n * 0x1000 + flags);
const NX = 1n << 63n;
const long: Mode["fill"] = (put) => {
  put(0, 0, table(1, 7));
  put(0, 511, table(2, 3));
  put(0, 256, table(0, 3)); // a recursive mapping
  put(1, 0, table(3, 7));
  put(1, 3, 0xc0000083n | NX);
  put(2, 510, table(4, 3));
  put(3, 0, table(5, 7));
  put(3, 1, 0x2001e7n);
  put(3, 2, 0x400083n);
  put(3, 8, 0x1000083n);
  put(4, 0, 0x200183n);
  for (let i = 0; i < 256; i++) put(5, i, BigInt((i << 12) | (i === 3 ? 5 : 7)) | (i % 7 === 1 ? NX : 0n));
  put(5, 300, 0x5501bn);
};
const MODES: readonly Mode[] = [
  {
    name: "32-bit paging with 4 MiB pages",
    entryBytes: 4,
    cr4: 0x10,
    efer: 0,
    fill(put) {
      put(0, 0, table(1, 7));
      put(0, 1, 0x400083n);
      put(0, 4, 0x1000087n);
      put(0, 768, 0x83n);
      put(0, 1023, table(0, 3));
      for (let i = 0; i < 600; i++) if (i % 50 !== 49) put(1, i, BigInt((i << 12) | (i % 100 < 20 ? 5 : 3)));
    },
  },
  {
    name: "PAE",
    entryBytes: 8,
    cr4: 0x20,
    efer: 0x800,
    fill(put) {
      put(0, 0, table(1, 1));
      put(0, 3, table(2, 1));
      put(1, 0, table(3, 7));
      put(1, 1, 0x200083n | NX);
      put(1, 8, 0x1000087n);
      put(2, 0, 0x83n);
      put(2, 511, table(3, 3));
      for (let i = 0; i < 200; i++) put(3, i, BigInt((i << 12) | (i % 3 === 0 ? 7 : 3)));
    },
  },
  { name: "4-level paging", entryBytes: 8, cr4: 0x20, efer: 0x900, fill: long },
];

/** QEMU 7.2 cannot be asked here: with five levels its `info mem` counts through holes for a minute and prints nothing. */
const FIVE_LEVELS: Mode = {
  name: "5-level paging",
  entryBytes: 8,
  cr4: 0x1020,
  efer: 0x900,
  fill(put) {
    put(6, 0, table(0, 7));
    put(6, 511, table(0, 3));
    put(0, 0, table(1, 7));
    put(1, 0, table(3, 7));
    put(1, 3, 0xc0000083n | NX);
    put(3, 0, table(5, 7));
    for (let i = 0; i < 16; i++) put(5, i, BigInt((i << 12) | 7));
  },
};

const root = (mode: Mode): number => TABLES + ((mode.cr4 & 0x1000) === 0 ? 0 : 6 * 0x1000);

const source = (mode: Mode): string => {
  const is64 = (mode.efer & 0x100) !== 0;
  return `
bits 16
org ${SECTOR}
  cli
  xor ax, ax
  mov ds, ax
  mov es, ax
  mov ss, ax
  mov fs, ax
  mov gs, ax
  lgdt [gdtr]
  lidt [idtr]
  fninit
  mov eax, ${mode.cr4}
  mov cr4, eax
  mov eax, ${root(mode)}
  mov cr3, eax
  mov ecx, 0xc0000080
  mov eax, ${mode.efer}
  xor edx, edx
  wrmsr
  mov eax, cr0
  or eax, 0x80010021
  and eax, ~0x60000000
  mov cr0, eax
  jmp 8:next
bits ${is64 ? 64 : 32}
next:
  mov ax, 16
  mov ds, ax
  mov es, ax
  mov ss, ax
${["eax", "ebx", "ecx", "edx", "esi", "edi", "ebp"].map((name, i) => `  mov ${name}, 0x1010101 * ${i + 1}`).join("\n")}
  mov ${is64 ? "rsp" : "esp"}, 0x7000
${is64 ? Array.from({ length: 8 }, (_, i) => `  mov r${i + 8}, 0x1111111111111111 * ${i + 1}`).join("\n") : ""}
  hlt
stop: jmp stop
align 8
gdt: dq 0, ${is64 ? "0x00af9b000000ffff" : "0x00cf9b000000ffff"}, 0x00cf93000000ffff
gdtr: dw 23
  dd gdt
idtr: dw 0
  dd 0
times 510-($-$$) db 0
  dw 0xaa55
`;
};

const tables = (mode: Mode): Uint8Array => {
  const bytes = new Uint8Array(7 * 0x1000);
  const view = new DataView(bytes.buffer);
  mode.fill((n, index, value) => {
    if (mode.entryBytes === 4) view.setUint32(n * 0x1000 + index * 4, Number(value), true);
    else view.setBigUint64(n * 0x1000 + index * 8, value, true);
  });
  return bytes;
};

const COMMANDS = [
  "info registers",
  "info mem",
  "info tlb",
  "xp /4xg 0x1001000",
  "x /6xb 0x7c00",
  "xp /4dw 0x1001000",
  "x /8c 0x7c00",
  "x /2o 0x7c00",
  "x /3u 0x7c00",
  "x 0x7c00",
  "x /9xh 0x7c00",
  "gva2gpa 0x200123",
  "gva2gpa 0x7fff123",
  "print 1+2",
  "print /d 0x10|1",
  "p /x $eax",
  "print /c 65",
  "print (1+2)*3",
  "print /u -1",
  "print /o 8",
  "print ~0",
  "x /2xg 0x7ff8000",
  "info foo",
  "foo",
];

/** What differs and may: A20 and SMM are always as here; the rest names a reason. */
function normalized(command: string, text: string): string {
  if (command !== "info registers") return text;
  // After a boot by SeaBIOS; ours begins as after a reset.
  return text
    .replace(/^(FS|GS) =.*$/gm, "")
    .replace(/^(LDT|TR )=.*$/gm, "")
    .replace(/MXCSR=.*$/gm, "")
    .replace(/^XMM.*$/gm, "")
    .replace(/^FPR.*$/gm, "")
    .replace(/\n+/g, "\n");
}

function ours(mode: Mode, sector: Uint8Array): Pc {
  const machine = createMachine({ ramBytes: 128 << 20 });
  const [core] = machine.cpus;
  machine.memory.poke(physical(SECTOR), sector);
  machine.memory.poke(physical(TABLES), tables(mode));
  core!.reset();
  for (const n of [0, 1, 2, 3, 4, 5] as const)
    core!.setSegment(n, { selector: 0, base: 0n, limit: 0xffff, attributes: n === 1 ? 0x9b : 0x93 });
  core!.rip = BigInt(SECTOR);
  const stop = machine.run({ instants: 100_000 });
  expect(stop.kind).toBe("dead");
  return machine;
}

describe.runIf(hasOracle).each(MODES)("beside QEMU: $name", (mode) => {
  let answers: readonly string[] = [];
  let monitor: Monitor;
  beforeAll(async () => {
    const sector = assemble(source(mode));
    answers = await askQemu(sector, { address: TABLES, bytes: tables(mode) }, COMMANDS);
    const machine = ours(mode, sector);
    monitor = new Monitor({ machine, core: machine.cpus[0]! });
  });

  test("every command answers the same", () => {
    const own = COMMANDS.map((command) => monitor.run(command));
    for (const [i, command] of COMMANDS.entries()) {
      expect(`${command}\n${normalized(command, own[i]!)}`).toBe(
        `${command}\n${normalized(command, answers[i]!)}`,
      );
    }
  });
});

test.runIf(hasOracle)("5-level paging: both halves, with canonical addresses of 57 bits", () => {
  const machine = ours(FIVE_LEVELS, assemble(source(FIVE_LEVELS)));
  const monitor = new Monitor({ machine, core: machine.cpus[0]! });
  expect(monitor.run("info mem").split("\n")).toEqual([
    "0000000000000000-0000000000010000 0000000000010000 urw",
    "00000000c0000000-0000000100000000 0000000040000000 -rw",
    "ffff000000000000-ffff000000010000 0000000000010000 -rw",
    "ffff0000c0000000-ffff000100000000 0000000040000000 -rw",
    "",
  ]);
  expect(monitor.run("info tlb")).toContain("ffff0000c0000000: 00000000c0000000 X-P-----W\n");
  expect(monitor.run("gva2gpa 0xffff000000007c00")).toBe("gpa: 0x7c00\n");
});

const refusal = (monitor: Monitor, line: string): string => {
  try {
    return monitor.run(line);
  } catch (error) {
    if (error instanceof AdapterError) return `refused: ${error.message}`;
    throw error;
  }
};

test("what QEMU has and this machine has not is refused by name", () => {
  const machine = createMachine({ ramBytes: 16 << 20 });
  const monitor = new Monitor({ machine, core: machine.cpus[0]! });
  expect(refusal(monitor, "gpa2hva 0x1000")).toMatch(/^refused: "gpa2hva" .* no stable host address/);
  expect(refusal(monitor, "info irq")).toMatch(/"info irq" .* nobody counts interrupts/);
  expect(refusal(monitor, "savevm x")).toMatch(/"savevm" .* not supported/);
  expect(refusal(monitor, "quit")).toMatch(/cannot be used here/);
  expect(refusal(monitor, "x /3zz 0")).toMatch(/invalid char in format: 'z'/);
  expect(refusal(monitor, "x")).toMatch(/unexpected end of expression/);
});

test("info mtree, ramblock and pic in QEMU's form; help lists every command", () => {
  const machine = createMachine({ ramBytes: 16 << 20 });
  const monitor = new Monitor({ machine, core: machine.cpus[0]! });
  expect(monitor.run("info ramblock")).toMatch(/^ {14}Block Name {4}PSize/);
  expect(monitor.run("info mtree")).toContain("address-space: memory");
  expect(monitor.run("info mtree -f")).toContain("FlatView #0");
  expect(monitor.run("info pic")).toMatch(
    /^pic1: irr=00 imr=.* isr=00 hprio=0 irq_base=.* rr_sel=0 elcr=.* fnm=0\npic0: /m,
  );
  expect(monitor.run("info cpus")).toMatch(/^\* CPU #0: thread_id=\d+\n$/);
  const help = monitor.run("help");
  for (const name of ["x", "xp", "info", "print|p", "gva2gpa", "system_reset", "quit|q", "help|?"])
    expect(help).toMatch(new RegExp(`^${name.replace(/[|?]/g, "\\$&")} `, "m"));
  expect(monitor.run("help info mem")).toBe("info mem  -- show the active virtual memory mappings\n");
});

// Lines of QEMU 7.2 as it shows them after firmware.
test("interrupt controllers, PCI and drives in QEMU's form", () => {
  const machine = createMachine({
    ramBytes: 16 << 20,
    drives: [{ id: "ide1-cd0", attach: "ide", index: 2, media: "cdrom", readOnly: true }],
  });
  const monitor = new Monitor({ machine, core: machine.cpus[0]! });
  const pic = monitor.run("info pic").split("\n");
  expect(pic[0]).toBe("ioapic0: ver=0x20 id=0x00 sel=0x00");
  expect(pic[3]).toBe("  pin 2  0x0000000000010000 dest=0 vec=0   active-hi edge  masked fixed  physical");
  expect(pic[25]).toMatch(/^ {2}IRR {6}(?:\(none\)|2 {2})$/);
  expect(pic[26]).toBe("  Remote IRR (none)");
  const lapic = monitor.run("info lapic").split("\n");
  expect(lapic.slice(0, 2)).toEqual(["dumping local APIC state for CPU 0 ", ""]);
  for (const line of [
    "LVT0\t 0x00000700 active-hi edge                              ExtINT (vec 0)",
    "LVT1\t 0x00000400 active-hi edge                              NMI   ",
    "LVTPC\t 0x00010000 active-hi edge  masked                      Fixed  (vec 0)",
    "LVTT\t 0x00010000 active-hi edge  masked         one-shot     Fixed  (vec 0)",
    "Timer\t DCR=0x0 (divide by 2) initial_count = 0 current_count = 0",
    "SPIV\t 0x000001ff APIC enabled, focus=off, spurious vec 255",
    "ICR\t 0x00000000 physical edge de-assert no-shorthand",
    "ICR2\t 0x00000000 cpu 0 (APIC ID)",
    "ISR\t (none)",
    "APR 0x00 TPR 0x00 DFR 0x0f LDR 0x00 PPR 0x00",
  ])
    expect(lapic).toContain(line);
  const pci = monitor.run("info pci");
  expect(pci).toContain(
    '  Bus  0, device   0, function 0:\n    Host bridge: PCI device 8086:1237\n      PCI subsystem 1af4:1100\n      id ""\n',
  );
  expect(pci).toContain(
    '    Bridge: PCI device 8086:7113\n      PCI subsystem 1af4:1100\n      IRQ 9, pin A\n      id ""\n',
  );
  expect(pci).toMatch(
    /VGA controller: PCI device 1234:1111\n.*\n {6}BAR0: 32 bit prefetchable memory at 0x[0-9a-f]{8} \[0x[0-9a-f]{8}\]\.\n {6}BAR2: 32 bit memory/,
  );
  expect(monitor.run("info block")).toMatch(
    /^ide1-cd0: \[not inserted\] \(read only\)\n {4}Attached to: {6}ide\.1, unit 0\n/,
  );
});

test("in the Debug Console: symbols in addresses, control of the machine, and variables that are named like commands", async () => {
  const client = new Client();
  await client.launchToEntry({}, () =>
    client.request("setFunctionBreakpoints", { breakpoints: [{ name: "run_task" }] }),
  );
  await client.go();
  expect(await client.evaluate("x /2xb &ticks", "repl")).toMatch(
    /^[0-9a-f]{16}: 0x[0-9a-f]{2} 0x[0-9a-f]{2}$/,
  );
  expect(await client.evaluate("x /2i kernel_main", "repl")).toMatch(/^0x[0-9a-f]{8}: .*push/);
  expect(await client.evaluate("print /x sizeof(struct task)", "repl")).toBe("0x30");
  expect(await client.evaluate("info status", "repl")).toBe("VM status: paused");
  expect(await client.evaluate("monitor info version", "repl")).toContain("Redzone");
  expect(await client.evaluate("info jit", "repl")).toMatch(/^instructions +\d/);
  await client.request("setFunctionBreakpoints", { breakpoints: [] });
  await client.evaluate("c", "repl").catch(() => undefined);
  await client.evaluate("cont", "repl");
  await client.event("continued");
  expect(await client.evaluate("info status", "repl")).toBe("VM status: running");
  await client.evaluate("stop", "repl");
  expect((await client.stopped()).reason).toBe("pause");
  await client.evaluate("system_reset", "repl");
  expect((await client.stopped()).reason).toBe("entry");
  await client.end();
});

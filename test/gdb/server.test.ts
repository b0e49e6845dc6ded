/** Our GDB server: packet by packet, with the real gdb, and beside QEMU's. */
import { execFile, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { packet, PacketReader } from "../../debug-adapter/gdb/packet.ts";
import { run } from "../../debug-adapter/cli/run.ts";
import { command, TestHost } from "../cli/host.ts";
import { GdbClient } from "./client.ts";

const SAMPLE = resolve(import.meta.dirname, "../../media/sample-kernel/sample.elf");
const EXIT = "-device isa-debug-exit,iobase=0xf4,iosize=4";
const has = (program: string) => spawnSync(program, ["--version"]).status === 0;
const hasGdb = has("gdb");
const hasQemu = has("qemu-system-x86_64") && has("objcopy");
/** First instruction of the sample kernel, from its ELF header. */
const ENTRY = 0x200030n;

/** A machine that waits for GDB, and the port. */
async function start(line: string) {
  const host = new TestHost();
  const port = new Promise<number>((found) => {
    const { listen } = host;
    host.listen = async (...parameters) => {
      const listener = await listen(...parameters);
      found(listener.port);
      return listener;
    };
  });
  const status = run(command(`-kernel ${SAMPLE} -S -gdb tcp::0 ${line}`), host);
  // A run that fails before it listens fails the test.
  return { host, status, port: await Promise.race([port, status.then(() => 0)]) };
}

async function connect(line = "") {
  const machine = await start(line);
  const gdb = await GdbClient.connect(machine.port);
  onTestFinished(() => gdb.close());
  return { ...machine, gdb };
}

/** Value of a 64-bit register in a `g` answer. */
const quad = (g: string, n: number): bigint =>
  BigInt(
    `0x${g
      .slice(n * 16, n * 16 + 16)
      .match(/../g)!
      .reverse()
      .join("")}`,
  );
const RIP = 16;

describe("several processors", () => {
  it("are threads: registers of each, a step of the one that is named, the others go on", async () => {
    const folder = mkdtempSync(join(tmpdir(), "redzone-gdb-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const kernel = join(folder, "threads.elf");
    const source = resolve(import.meta.dirname, "../adapter/guests/threads.asm");
    spawnSync("nasm", ["-f", "elf32", "-o", join(folder, "t.o"), source]);
    spawnSync("ld", ["-m", "elf_i386", "-N", "-Ttext=0x200000", "-o", kernel, join(folder, "t.o")]);
    const symbols = spawnSync("nm", [kernel], { encoding: "utf8" }).stdout;
    const at = (name: string): string => new RegExp(`^0*([0-9a-f]+) . ${name}$`, "m").exec(symbols)![1]!;

    const { gdb } = await connect(`-kernel ${kernel} -smp 4`);
    expect(await gdb.ask("qfThreadInfo")).toBe("m1,2,3,4");
    expect(Buffer.from(await gdb.ask("qThreadExtraInfo,2"), "hex").toString()).toBe(
      "CPU#1 [waiting for SIPI]",
    );
    expect(await gdb.ask(`Z0,${at("started")},1`)).toBe("OK");
    expect(await gdb.ask("vCont;c")).toBe("T05thread:02;");
    expect(quad(await gdb.ask("g"), RIP)).toBe(BigInt(`0x${at("started")}`));
    // The first processor has used up its turn meanwhile.
    expect(await gdb.ask("Hg1")).toBe("OK");
    const first = quad(await gdb.ask("g"), RIP);
    expect(await gdb.ask("vCont;s:2;c:1")).toBe("T05thread:02;");
    expect(quad(await gdb.ask("g"), RIP)).toBe(BigInt(`0x${at("started")}`) + 5n);
    expect(await gdb.ask("Hg1")).toBe("OK");
    expect(quad(await gdb.ask("g"), RIP)).toBe(first);
    expect(await gdb.ask("Hc3")).toBe("OK");
    expect(await gdb.ask("s")).toBe("T05thread:03;");
    expect(await gdb.ask("Hg5")).toBe("E22");
    gdb.send("k");
  });
});

describe("packets", () => {
  it("carry every byte", () => {
    const data = String.fromCharCode(...Array.from({ length: 256 }, (_, i) => i));
    const received = [...new PacketReader().read(packet(data))];
    expect(received).toEqual([{ kind: "packet", data }]);
  });

  it("in pieces, damaged, interrupted", () => {
    const reader = new PacketReader();
    const bytes = [...Buffer.from("+$g#67\x03$g#00-$?#3f")];
    expect(bytes.flatMap((byte) => [...reader.read(Uint8Array.of(byte))])).toEqual([
      { kind: "packet", data: "g" },
      { kind: "interrupt" },
      { kind: "damaged" },
      { kind: "again" },
      { kind: "packet", data: "?" },
    ]);
  });
});

describe("server", () => {
  it("registers and memory", async () => {
    const { gdb, status } = await connect();
    expect(await gdb.ask("?")).toBe("T05thread:01;");
    const g = await gdb.ask("g");
    expect(g.length).toBe(608 * 2);
    expect(quad(g, RIP)).toBe(ENTRY);
    expect(await gdb.ask("p0")).toBe("02b0ad2b00000000");
    expect(await gdb.ask("P3=efbeadde00000000")).toBe("OK");
    expect(await gdb.ask("p3")).toBe("efbeadde00000000");
    expect(await gdb.ask(`G${g}`)).toBe("OK");
    expect(await gdb.ask("g")).toBe(g);
    expect(await gdb.ask("m200030,3")).toBe("fafcbc");
    expect(await gdb.ask("M300000,4:01020304")).toBe("OK");
    expect(await gdb.ask("X300001,2:}\x03*")).toBe("E22");
    expect(await gdb.ask("X300001,2:#}")).toBe("OK");
    expect(await gdb.ask("m300000,4")).toBe("01237d04");
    expect(await gdb.ask("mffffffffffffff00,4")).toBe("E14");
    expect(await gdb.ask("m7fffff0,20")).toHaveLength(32);
    expect(await gdb.ask("p99")).toBe("E00");
    expect(await gdb.ask("mxyz")).toBe("E22");
    expect(await gdb.ask("qUnheardOf")).toBe("");
    expect(await gdb.monitor("info status")).toBe("VM status: paused\n");
    expect(await gdb.monitor("frobnicate")).toBe("unknown command: 'frobnicate'\n");
    gdb.send("k");
    expect(await status).toBe(0);
  });

  it("steps, breakpoints, watchpoints, Ctrl-C, exit", async () => {
    const { gdb, status, host } = await connect(`-append exit=2 ${EXIT}`);
    expect(await gdb.ask("s")).toBe("T05thread:01;");
    expect(quad(await gdb.ask("g"), RIP)).toBe(ENTRY + 1n);
    expect(await gdb.ask("vCont;s:1;c")).toBe("T05thread:01;");
    expect(quad(await gdb.ask("g"), RIP)).toBe(ENTRY + 2n);
    const address = symbol("kernel_main");
    expect(await gdb.ask(`Z0,${address},1`)).toBe("OK");
    expect(await gdb.ask("c")).toBe("T05thread:01;");
    expect(quad(await gdb.ask("g"), RIP)).toBe(BigInt(`0x${address}`));
    expect(await gdb.ask(`z0,${address},1`)).toBe("OK");
    expect(await gdb.ask(`z0,${address},1`)).toBe("E22");
    // The call's return address was just pushed: the next push writes below it.
    const stack = quad(await gdb.ask("g"), 7) - 8n;
    expect(await gdb.ask(`Z2,${stack.toString(16)},8`)).toBe("OK");
    expect(await gdb.ask("c")).toBe(`T05thread:01;watch:${stack.toString(16)};`);
    expect(await gdb.ask(`z2,${stack.toString(16)},8`)).toBe("OK");
    gdb.send("c");
    gdb.raw([3]);
    expect(await gdb.receive()).toBe("T02thread:01;");
    expect(await gdb.ask("c")).toBe("W05");
    expect(await status).toBe(5);
    expect(host.out).toContain("exit 2");
  });

  it("shows a triple fault before it is too late", async () => {
    const { gdb, status } = await connect("-append bug=triple-fault -no-reboot");
    gdb.send("c");
    const text = await gdb.receive();
    expect(Buffer.from(text.slice(1), "hex").toString()).toContain("Triple fault: ");
    expect(await gdb.receive()).toBe("T0bthread:01;");
    expect(await gdb.ask("c")).toBe("W06");
    expect(await status).toBe(6);
  });

  it("a detached machine goes on without its breakpoints", async () => {
    const { gdb, status } = await connect(`-append exit=1 ${EXIT}`);
    expect(await gdb.ask(`Z0,${symbol("kernel_main")},1`)).toBe("OK");
    expect(await gdb.ask("D")).toBe("OK");
    expect(await status).toBe(3);
  });
});

/** Address of a symbol in hexadecimal. */
function symbol(name: string): string {
  const text = spawnSync("nm", [SAMPLE]).stdout.toString();
  return new RegExp(`^0*([0-9a-f]+) . ${name}$`, "m").exec(text)![1]!;
}

describe.skipIf(!hasGdb)("the real gdb", () => {
  it("breaks in C, looks around, steps, and sees the end", async () => {
    const { port, status } = await start(`-append exit=1 ${EXIT}`);
    const directory = mkdtempSync(join(tmpdir(), "redzone-gdb-"));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    const script = join(directory, "script.gdb");
    writeFileSync(
      script,
      `set confirm off
set pagination off
target remote :${port}
info registers cs cr0
break kernel_main
continue
bt
print/x magic
info registers efer
hbreak interrupts_init
continue
finish
info threads
monitor info status
x/2i $pc
delete
continue
`,
    );
    const output = await new Promise<string>((done) => {
      execFile(
        "gdb",
        ["-q", "-nx", "-batch", "-x", script, SAMPLE],
        { timeout: 50_000 },
        (_error, stdout, stderr) => done(stdout + stderr),
      );
    });
    expect(output).toMatch(/cr0 +0x11 +\[ PE ET \]/);
    expect(output).toMatch(/Breakpoint 1, kernel_main \(magic=732803074, information=\d+\)/);
    expect(output).toMatch(/#1 +0x[0-9a-f]+ in start64 \(\)/);
    expect(output).toContain("$1 = 0x2badb002");
    expect(output).toMatch(/efer +0x500 +\[ LME LMA \]/);
    expect(output).toContain("interrupts_init ()");
    expect(output).toMatch(/interrupts_init.*\n.*kernel_main .* at .*main.c:26/);
    expect(output).toMatch(/Thread 1 \(CPU#0 \[running\]\)/);
    expect(output).toContain("VM status: paused");
    expect(output).toContain("exited with code 03");
    expect(await status).toBe(3);
  });
});

describe.skipIf(!hasQemu)("beside QEMU", () => {
  it("the same registers at each of the first instructions", async () => {
    const directory = mkdtempSync(join(tmpdir(), "redzone-gdb-"));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    const kernel = join(directory, "sample32.elf");
    spawnSync("objcopy", ["-O", "elf32-i386", SAMPLE, kernel]);
    const socket = join(directory, "gdb");
    const qemu = spawn(
      "qemu-system-x86_64",
      [
        "-kernel",
        kernel,
        "-S",
        "-display",
        "none",
        "-serial",
        "null",
        "-gdb",
        `unix:${socket},server=on,wait=off`,
      ],
      { stdio: "ignore" },
    );
    onTestFinished(() => void qemu.kill());
    const theirs = await GdbClient.connect(socket);
    onTestFinished(() => theirs.close());
    const { gdb: ours } = await connect();
    for (const client of [theirs, ours]) {
      // QEMU answers for single registers only once its description was read.
      await client.ask("qXfer:features:read:target.xml:0,fff");
      expect(await client.ask(`Z0,${ENTRY.toString(16)},1`)).toBe("OK");
    }
    expect(await theirs.ask("c")).toBe("T05thread:01;");
    // What Multiboot leaves undefined: QEMU's option ROM has its own leftovers there.
    for (const n of ["1", "2", "3", "5", "11"]) {
      expect(await ours.ask(`P${n}=${await theirs.ask(`p${n}`)}`)).toBe("OK");
    }
    const steps: string[] = [];
    for (let i = 0; i < 400 && steps.length < 3; i++) {
      const [a, b] = [await ours.ask("g"), await theirs.ask("g")];
      const difference = compare(a, b);
      if (difference !== "") steps.push(`step ${i}: ${difference}`);
      await Promise.all([ours.ask("s"), theirs.ask("s")]);
    }
    expect(steps).toEqual([]);
    ours.send("k");
  });
});

const NAMES =
  "rax rbx rcx rdx rsi rdi rbp rsp r8 r9 r10 r11 r12 r13 r14 r15 rip eflags cs ss ds es fs gs fs_base gs_base k_gs_base cr0 cr2 cr3 cr4 cr8 efer".split(
    " ",
  );

/** Registers that differ, by name. What a boot loader may leave as it likes is not compared. */
function compare(ours: string, theirs: string): string {
  const differences: string[] = [];
  let at = 0;
  for (const name of NAMES) {
    const digits = name === "eflags" || /^[c-gs]s$/.test(name) ? 8 : 16;
    const a = ours.slice(at, at + digits);
    const b = theirs.slice(at, at + digits);
    at += digits;
    if (a !== b) differences.push(`${name} ${a} ${b}`);
  }
  return differences.join(", ");
}

/** Whole runs of the sample kernel: output, exit status, limits, inputs. */
import { mkdtempSync, renameSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { expect, it } from "vitest";
import { parseCommand } from "../../debug-adapter/cli/command.ts";
import { run } from "../../debug-adapter/cli/run.ts";
import { command, redzone, TestHost } from "./host.ts";

const SAMPLE = resolve(import.meta.dirname, "../../media/sample-kernel/sample.elf");
const EXIT = "-device isa-debug-exit,iobase=0xf4,iosize=4";

it("prints the serial port and ends with the guest's status", async () => {
  const { status, out, errors } = await redzone(
    `-kernel ${SAMPLE} -append exit=3 ${EXIT} -display none -serial stdio`,
  );
  expect(status).toBe(7);
  expect(out).toContain("Redzone sample kernel");
  expect(out.trimEnd().endsWith("exit 3")).toBe(true);
  expect(errors).toBe("");
});

it("is the same run twice: counts and serial bytes", async () => {
  const line = `-kernel ${SAMPLE} -append exit=1 ${EXIT} --stats s.json`;
  const runs = [await redzone(line), await redzone(line)];
  const stats = runs.map(
    ({ written }) => JSON.parse(written.get(resolve("s.json"))!) as Record<string, number | string>,
  );
  expect(runs[0]!.out).toBe(runs[1]!.out);
  expect(stats[0]!["instructions"]).toBe(stats[1]!["instructions"]);
  expect(stats[0]).toMatchObject({
    engine: expect.stringMatching(/^(?:interpreter|translator)$/),
    end: "debug-exit",
    status: 3,
    wallSeconds: expect.any(Number),
  });
  expect(stats[0]!["memoryBytes"]).toBeLessThan(64 * 2 ** 20);
});

it("a triple fault under -no-reboot ends with the autopsy", async () => {
  const { status, errors } = await redzone(`-kernel ${SAMPLE} -append bug=triple-fault -no-reboot`);
  expect(status).toBe(6);
  expect(errors).toMatch(/Triple fault: #PF .* → #DF .* → shutdown/);
});

it("without -no-reboot the machine resets and boots again", async () => {
  const { status, out, errors } = await redzone(
    `-kernel ${SAMPLE} -append bug=triple-fault --max-instructions 20M`,
  );
  expect(status).toBe(124);
  expect(out.split("64-bit mode").length).toBeGreaterThan(2);
  expect(errors.split("Triple fault: ").length).toBe(2);
  expect(errors).toContain("triple fault again");
});

it("--until-serial stops behind the instruction that sent the last byte", async () => {
  const { status, out } = await redzone(
    `-kernel ${SAMPLE} --until-serial "tick 2" --at-stop 'info registers'`,
  );
  expect(status).toBe(0);
  const [before, after] = out.split("tick 2");
  expect(before).toContain("tick 1\r\n");
  expect(after!.trimStart().startsWith("CPU#0\nRAX=")).toBe(true);
});

it("--until-serial that is never met is a failure", async () => {
  const { status, errors } = await redzone(
    `-kernel ${SAMPLE} -append exit=0 --until-serial nonsense --max-instructions 3M`,
  );
  expect(status).toBe(124);
  expect(errors).toContain("3000000 instructions executed");
});

it("--at-stop repeats, and an unknown command does not hide the others", async () => {
  const { out } = await redzone(
    `-kernel ${SAMPLE} --max-instructions 1 --at-stop 'info ramblock' --at-stop 'frobnicate' --at-stop 'info status'`,
  );
  expect(out).toContain(
    "                  pc.ram    4 KiB  0x0000000000000000 0x0000000008000000 0x0000000008000000\n",
  );
  expect(out).toContain("unknown command: 'frobnicate'");
  expect(out).toContain("VM status: paused");
});

it.each([
  ["--stats", /^instructions +[\d,]+ in [\d.]+ s: [\d.]+ M\/s$/m],
  ["--stats=table -display none", /^TypeScript called for\n {2}\w+ +[\d,]+ +[\d.]+$/m],
  ["--stats=json", /"callOuts": \{\n +"\w+": \d+/],
])("%s goes to standard error", async (option, text) => {
  const { status, errors } = await redzone(`-kernel ${SAMPLE} -append exit=1 ${EXIT} ${option}`);
  expect(status).toBe(3);
  expect(errors).toMatch(text);
});

it("without the translator nothing is translated, and the guest does the same", async () => {
  const line = `-kernel ${SAMPLE} -append exit=1 ${EXIT} --stats=json -accel redzone,translator=`;
  const runs = [await redzone(`${line}off`), await redzone(`${line}on`)];
  const [off, on] = runs.map(({ errors }) => JSON.parse(errors) as { [name: string]: unknown });
  expect(off).toMatchObject({ engine: "interpreter", translatedShare: 0 });
  expect(off!["instructions"]).toBe(on!["instructions"]);
  expect(runs[0]!.out).toBe(runs[1]!.out);
});

it("64 GiB are booted with little", async () => {
  const { status, written } = await redzone(`-kernel ${SAMPLE} -m 64G -append exit=0 ${EXIT} --stats s.json`);
  expect(status).toBe(1);
  const stats = JSON.parse(written.get(resolve("s.json"))!) as { memoryBytes: number };
  // 32 MiB are the processor's: its traces, for the most part.
  expect(stats.memoryBytes).toBeLessThan(40 * 2 ** 20);
});

it("what is typed reaches the guest", async () => {
  const host = new TestHost();
  let typed = false;
  host.onOutput = (text) => {
    if (typed || !text.includes("tick 1")) return;
    typed = true;
    // As a keyboard does: not in the midst of a slice.
    queueMicrotask(() => host.type("hello\r"));
  };
  const { out } = await redzone(`-kernel ${SAMPLE} --max-instructions 400M --until-serial "hello"`, host);
  expect(out).toContain("hello");
});

it("a terminal: Ctrl-A c is the monitor, Ctrl-A x the end", async () => {
  const host = new TestHost(true);
  const running = run(command(`-kernel ${SAMPLE} -nographic -S`), host);
  host.type("\x01cinfo statusx\x7f\r");
  expect(host.out).toContain("(redzone) info statusx\b \b\nVM status: paused\n(redzone) ");
  host.type("c\r");
  await new Promise<void>((done) => {
    host.onOutput = (text) => {
      if (text.includes("tick 1")) done();
    };
  });
  host.type("stop\rinfo status\r");
  expect(host.out).toContain("(redzone) info status\nVM status: paused\n(redzone) ");
  host.type("\x01x");
  expect(await running).toBe(0);
});

it("Ctrl-C ends a run whose serial port has the terminal", async () => {
  const host = new TestHost(true);
  const running = run(command(`-kernel ${SAMPLE} -serial stdio`), host);
  host.onOutput = (text) => {
    if (text.includes("tick 1")) host.type("\x03");
  };
  expect(await running).toBe(130);
});

it("--screenshot is a picture of the screen at the end", async () => {
  const { status, written } = await redzone(
    `-kernel ${SAMPLE} -append exit=0 -device isa-debug-exit,iobase=0xf4,iosize=4 -serial null --screenshot screen.png`,
  );
  expect(status).toBe(1);
  const [[name, bytes]] = [...written] as [[string, string]];
  expect(name).toMatch(/screen\.png$/);
  expect(bytes.slice(0, 8)).toBe("\x89PNG\r\n\x1a\n");
  // IHDR: text mode 3 is 720 or 640 × 400.
  expect(Buffer.from(bytes, "latin1").readUInt32BE(20)).toBe(400);
});

it("refuses with a reason", async () => {
  expect(await redzone(`-kernel ${import.meta.dirname}/host.ts`)).toMatchObject({
    status: 4,
    errors: expect.stringContaining("cannot boot"),
  });
  expect(await redzone("-hda /does/not/exist")).toMatchObject({
    status: 4,
    errors: expect.stringContaining("Cannot read the disk image /does/not/exist"),
  });
  expect(await redzone("-kernel /does/not/exist")).toMatchObject({
    status: 4,
    errors: expect.stringContaining("Cannot read the kernel /does/not/exist"),
  });
  expect(await redzone(`-kernel ${SAMPLE} -S -monitor none -serial file:x`)).toMatchObject({
    status: 2,
    errors: expect.stringContaining("nothing could start it"),
  });
});

it.each([
  [[], { kind: "help" }],
  [["--help"], { kind: "help" }],
  [["dap"], { kind: "dap" }],
  [["--version"], { kind: "version" }],
  [
    ["-m", "1G"],
    {
      kind: "error",
      text: "there is nothing to boot: name a kernel with -kernel, a disk with -drive or -hda, a CD with -cdrom, or firmware with -bios",
    },
  ],
  [
    ["-kernel", "x", "--loader", "grub"],
    {
      kind: "error",
      text: "--loader grub is not one of auto, linux, linux32, linux16, multiboot1, multiboot2, pvh, vmlinux, chainloader",
    },
  ],
  [
    ["-kernel", "x", "--max-instructions", "many"],
    { kind: "error", text: "--max-instructions many: not a number of instructions" },
  ],
  [
    ["-kernel", "x", "-serial", "stdio", "-monitor", "stdio"],
    {
      kind: "error",
      text: "only one of -serial, -monitor and virtconsole can use stdio; mon:stdio lets them share it",
    },
  ],
  [["-kernel", "x", "--max-instructions", "1.5e9"], { kind: "run", maxInstructions: 1.5e9 }],
  [["-kernel", "x", "-netdev", "user"], { kind: "error", text: "option -netdev is not supported" }],
  [["-cdrom", "x", "--vmlinux", "y"], { kind: "run", vmlinux: "y", qemu: { kernel: null } }],
] as const)("words %j", (words, expected) => {
  expect(parseCommand(words)).toMatchObject(expected);
});

it("firmware finds the VGA's ROM that lies beside it, or the one that is named", async () => {
  const folder = mkdtempSync(join(tmpdir(), "redzone-"));
  const bios = new Uint8Array(65536);
  // At the reset vector: cli, hlt.
  bios.set([0xfa, 0xf4], 0xfff0);
  const rom = new Uint8Array(2048).fill(0xcb);
  writeFileSync(join(folder, "bios.bin"), bios);
  writeFileSync(join(folder, "large.bin"), new Uint8Array(100_000));
  const at = (name: string): string => join(folder, name);
  const vga = async (more = ""): Promise<string> => {
    const { status, out } = await redzone(`-bios ${at("bios.bin")} ${more} --at-stop 'info pci'`);
    expect(status).toBe(8);
    return /VGA controller[^]*?id /.exec(out)?.[0] ?? out;
  };
  expect(await vga()).not.toContain("BAR6");
  writeFileSync(at("vgabios-stdvga.bin"), rom);
  expect(await vga()).toMatch(/BAR6: 32 bit memory at 0xf+ \[0x0000fffe\]/);
  expect(await vga("-device VGA,romfile=")).not.toContain("BAR6");
  renameSync(at("vgabios-stdvga.bin"), at("other.bin"));
  expect(await vga(`-device VGA,romfile=${at("other.bin")}`)).toContain("BAR6");
  const large = await redzone(`-bios ${at("bios.bin")} -device VGA,romfile=${at("large.bin")}`);
  expect([large.status, large.errors]).toEqual([
    4,
    `redzone: Cannot use the expansion ROM ${at("large.bin")}: it has 100000 bytes, and there is room for 65536\n`,
  ]);
  writeFileSync(at("empty.bin"), "");
  const empty = await redzone(`-bios ${at("empty.bin")}`);
  expect([empty.status, empty.errors]).toEqual([
    4,
    `redzone: Cannot use the firmware image ${at("empty.bin")}: the file is empty\n`,
  ]);
});

it("a disk that does not boot: what the BIOS has written to the screen is told", async () => {
  const disk = join(mkdtempSync(join(tmpdir(), "redzone-")), "disk.img");
  writeFileSync(disk, new Uint8Array(4096));
  const { status, errors } = await redzone(`-hda ${disk}`);
  expect(status).toBe(8);
  expect(errors).toContain("The screen says:\n  Nothing to boot from. Tried in this order:\n");
  expect(errors).toContain("  hard disk 0: no boot signature (55 AA at offset 510)\n");
});

it.each(["--screenshot ", "--stats ", "-serial file:"])(
  "%s to a place that cannot be written is told before the run",
  async (option) => {
    const host = new TestHost();
    host.openOutput = (path) => {
      throw new Error(`ENOENT: ${path}`);
    };
    const { status, out, errors } = await redzone(
      `-kernel ${SAMPLE} ${option}/nowhere/x --max-instructions 1M`,
      host,
    );
    expect([status, out]).toEqual([2, ""]);
    expect(errors).toBe("redzone: Cannot write: ENOENT: /nowhere/x\n");
  },
);

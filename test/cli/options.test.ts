/** QEMU's command line, as far as it is understood, and what is refused by name. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseMemorySize, parseQemuOptions } from "../../debug-adapter/cli/options.ts";
import { parseSize, splitWords } from "../../debug-adapter/cli/words.ts";

function parse(line: string) {
  const words = splitWords(line);
  if (typeof words === "string") throw new Error(words);
  return parseQemuOptions(words);
}

const options = (line: string) => {
  const parsed = parse(line);
  if (parsed.kind === "error") throw new Error(parsed.text);
  return parsed.options;
};

describe("accepted", () => {
  it("a usual line", () => {
    expect(
      options(
        `-kernel build/kernel.elf -append 'root=x bug="y z"' -initrd "a.img one two,b,,c.img" -m 4G,slots=2,maxmem=16G ` +
          "-serial stdio -display none -no-reboot -device isa-debug-exit,iobase=0xf4,iosize=0x04 -s -S -rtc base=2006-06-17T16:01:21",
      ),
    ).toEqual({
      kernel: "build/kernel.elf",
      append: 'root=x bug="y z"',
      modules: [
        { path: "a.img", arguments: "one two" },
        { path: "b,c.img", arguments: "" },
      ],
      machine: {
        ramBytes: 4 * 2 ** 30,
        slots: 2,
        maxRamBytes: 16 * 2 ** 30,
        noReboot: true,
        debugExit: { iobase: 0xf4, iosize: 4 },
        rtcBase: Date.UTC(2006, 5, 17, 16, 1, 21),
      },
      serial: [{ kind: "stdio", monitor: false }],
      debugcon: null,
      seabios: null,
      monitor: null,
      gdb: { host: "127.0.0.1", port: 1234 },
      startStopped: true,
      noShutdown: false,
      notes: [],
    });
  });

  it.each([
    ["-m 256", { ramBytes: 256 * 2 ** 20 }],
    ["-m size=1.5G", { ramBytes: 1.5 * 2 ** 30 }],
    ["-m 100k", { ramBytes: 13 * 8192 }],
    ["", { ramBytes: 128 * 2 ** 20 }],
    ["-machine pc,max-ram-below-4g=2G", { ramBytes: 128 * 2 ** 20, maxRamBelow4G: 2 ** 31 }],
    ["-device isa-debug-exit", { ramBytes: 128 * 2 ** 20, debugExit: { iobase: 0x501, iosize: 2 } }],
    ["-icount shift=5,sleep=off", { ramBytes: 128 * 2 ** 20, nanosecondsPerInstant: 32 }],
    ["-icount 0", { ramBytes: 128 * 2 ** 20, nanosecondsPerInstant: 1 }],
    ["-smp 1,cores=1 --seed 0x10", { ramBytes: 128 * 2 ** 20, cpus: 1, seed: 16 }],
  ])("%s", (line, machine) => {
    expect(options(line).machine).toEqual(machine);
  });

  it("character devices", () => {
    expect(options("-nographic")).toMatchObject({
      serial: [{ kind: "stdio", monitor: true }],
      monitor: { kind: "stdio", monitor: true },
    });
    expect(
      options(
        "-chardev file,id=d,path=log.txt -device isa-debugcon,iobase=0x402,chardev=d -debugcon null -serial mon:stdio",
      ),
    ).toMatchObject({
      seabios: { kind: "file", path: "log.txt" },
      debugcon: { kind: "none" },
      serial: [{ kind: "stdio", monitor: true }],
    });
  });

  it("what has no effect is noted", () => {
    const { notes } = options(
      "-enable-kvm -cpu host,+x2apic -accel kvm -display gtk -M pc,accel=kvm -name test -net none",
    );
    expect(notes.map((note) => note.split(" has no effect")[0])).toEqual([
      "-enable-kvm",
      "-cpu host,+x2apic",
      "-accel kvm",
      "-display gtk",
      "-machine accel=kvm",
    ]);
  });

  it.each([
    ["-gdb tcp::9000", { host: "127.0.0.1", port: 9000 }],
    ["-gdb tcp:0.0.0.0:9000,server=on,wait=off", { host: "0.0.0.0", port: 9000 }],
    ["-s -gdb none", null],
  ])("%s", (line, gdb) => {
    expect(options(line).gdb).toEqual(gdb);
  });
});

describe("refused by name", () => {
  it.each([
    ["-drive file=x.img", "option -drive is not supported"],
    ["--frobnicate", "option --frobnicate is not supported"],
    ["disk.img", `"disk.img" is not supported: disk images are not; a kernel is named with -kernel`],
    ["-kernel", "option -kernel needs a value"],
    ["-append x", "-append only makes sense with -kernel"],
    ["-device virtio-net,netdev=n", "-device virtio-net is not supported"],
    ["-device isa-debug-exit,irq=3", "-device isa-debug-exit,irq= is not supported"],
    ["-device isa-debug-exit,iobase=frog", "-device isa-debug-exit,iobase=frog: not a whole number"],
    ["-m frog", `-m frog: "frog" is not a size`],
    ["-m 0", `-m 0: "0" is not a size`],
    ["-m 1G,slots=2", "-m 1G,slots=2: slots without a maxmem beyond the initial memory"],
    ["-m 2G,maxmem=1G", "-m 2G,maxmem=1G: maxmem is less than the initial memory"],
    ["-smp 4", "-smp 4 is not supported: the machine has one CPU"],
    ["-M q35", `-machine q35 is not supported: the machine is "pc"`],
    [
      "-serial tcp::4444",
      "-serial tcp::4444 is not supported: use stdio, mon:stdio, file:PATH, null or none",
    ],
    ["-gdb tcp:x", "-gdb tcp:x is not supported: use tcp::PORT or tcp:HOST:PORT"],
    [
      "-rtc base=yesterday",
      "-rtc base=yesterday is not a date: use utc, localtime, 2006-06-17 or 2006-06-17T16:01:21",
    ],
    ["-icount shift=11", "-icount shift=11: must be between 0 and 10"],
    ["-icount shift=0,rr=record", "-icount rr=record is not supported"],
    ["-vga cirrus", "-vga cirrus is not supported: the machine has standard VGA"],
    ["-nic user", "-nic user is not supported: the machine has no such device"],
    ["-serial chardev:x", `-serial: there is no -chardev with the id "x" before it`],
    ["-toString x", "option -toString is not supported"],
  ])("%s", (line, text) => {
    expect(parse(line)).toEqual({ kind: "error", text });
  });
});

describe("words", () => {
  it.each([
    [`a  b\tc`, ["a", "b", "c"]],
    [`'a b' "c \\" d" e\\ f ''`, ["a b", 'c " d', "e f", ""]],
    ["a \\\n b", ["a", "b"]],
    [`pre"mid dle"'po st'`, ["premid dlepo st"]],
    [`'open`, "a ' is not closed"],
    [`"open`, 'a " is not closed'],
    ["end\\", "a backslash ends the line"],
  ])("%j", (line, words) => {
    expect(splitWords(line)).toEqual(words);
  });

  it("quoted words come back as they were", () => {
    fc.assert(
      fc.property(fc.array(fc.string()), (words) => {
        const line = words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(" ");
        expect(splitWords(line)).toEqual(words);
      }),
      { seed: 7 },
    );
  });

  it("no line makes the parser throw", () => {
    const word = fc.oneof(
      fc.string(),
      fc.constantFrom(
        "-m",
        "-smp",
        "-device",
        "-gdb",
        "-rtc",
        "-chardev",
        "-M",
        "-initrd",
        "-serial",
        "-kernel",
        "-s",
      ),
      fc.constantFrom("size=", "isa-debug-exit,iobase=", "stdio,id=a", "tcp::1", "base=", ",,", "=", "-"),
    );
    fc.assert(
      fc.property(fc.array(word), (words) => {
        const parsed = parseQemuOptions(words);
        expect(parsed.kind === "error" ? parsed.text : "").not.toContain("undefined");
      }),
      { seed: 8, numRuns: 2000 },
    );
  });

  it("sizes", () => {
    expect(
      ["1", "1k", "0x10M", "2G", "1.5g", "x", "-1", "1e3", "", "99999999T"].map((text) => parseSize(text)),
    ).toEqual([1, 1024, 16 * 2 ** 20, 2 ** 31, 1.5 * 2 ** 30, null, null, null, null, null]);
    expect(parseMemorySize("64G")).toEqual({ ramBytes: 64 * 2 ** 30 });
    expect(parseMemorySize("lots")).toBeNull();
  });
});

/** QEMU's command line, as far as it is understood, and what is refused by name. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseQemuOptions } from "../../debug-adapter/cli/options.ts";
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
      drives: [],
      firmware: null,
      vgaRom: null,
      fwCfg: [],
      consoles: [],
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
    ["-smp 4", { ramBytes: 128 * 2 ** 20, cpus: 4 }],
    ["-smp sockets=2,cores=2,threads=2", { ramBytes: 128 * 2 ** 20, cpus: 8 }],
    ["-smp 3,maxcpus=8", { ramBytes: 128 * 2 ** 20, cpus: 3 }],
    ["-cpu Nehalem,+rdrand", { ramBytes: 128 * 2 ** 20, cpu: "Nehalem,+rdrand" }],
    ["-machine pc,hpet=off,acpi=off,usb=off", { ramBytes: 128 * 2 ** 20, hpet: false, acpi: false }],
    ["-no-hpet -no-acpi", { ramBytes: 128 * 2 ** 20, hpet: false, acpi: false }],
    ["-boot dc", { ramBytes: 128 * 2 ** 20, bootOrder: "dc" }],
    ["-boot order=a,menu=off", { ramBytes: 128 * 2 ** 20, bootOrder: "a" }],
    [
      "-object rng-random,id=r,filename=/dev/urandom -device virtio-rng-pci,rng=r",
      { ramBytes: 128 * 2 ** 20, virtioRng: true },
    ],
    [
      "-chardev stdio,id=c -device virtio-serial-pci -device virtconsole,chardev=c",
      { ramBytes: 128 * 2 ** 20, virtioConsoles: 1 },
    ],
  ])("%s", (line, machine) => {
    expect(options(line).machine).toEqual(machine);
  });

  it("a processor's features that are not implemented are named", () => {
    const { notes, machine } = options("-cpu Nehalem,+avx2");
    expect(machine.cpu).toBe("Nehalem,+avx2");
    expect(notes.join()).toMatch(/avx2/);
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
      "-enable-kvm -accel kvm -display gtk -M pc,accel=kvm,kernel_irqchip=split -name test -net none -nodefaults -vga none -d int",
    );
    expect(notes.map((note) => note.split(" has no effect")[0])).toEqual([
      "-enable-kvm",
      "-accel kvm",
      "-display gtk",
      "-machine accel=kvm",
      "-machine kernel_irqchip=split",
      "-nodefaults",
      "-vga none",
      "-d int",
    ]);
  });

  it.each([
    ["-accel redzone", undefined, []],
    ["-accel redzone,translator=off", "off", []],
    ["-accel translator=forced", "forced", []],
    ["-accel tcg,thread=multi,translator=on", "on", ["-accel tcg", "-accel thread=multi"]],
  ])("%s", (line, translator, noted) => {
    const { machine, notes } = options(line);
    expect(machine.translator).toBe(translator);
    expect(notes.map((note) => note.split(" has no effect")[0])).toEqual(noted);
  });

  it("a translator mode that there is not is named", () => {
    expect(parse("-accel redzone,translator=fast")).toEqual({
      kind: "error",
      text: "-accel translator=fast: must be one of on, early, off, forced",
    });
  });

  it.each([
    ["-gdb tcp::9000", { host: "127.0.0.1", port: 9000 }],
    ["-gdb tcp:0.0.0.0:9000,server=on,wait=off", { host: "0.0.0.0", port: 9000 }],
    ["-s -gdb none", null],
  ])("%s", (line, gdb) => {
    expect(options(line).gdb).toEqual(gdb);
  });
});

describe("drives", () => {
  const drives = (line: string) =>
    options(line).drives.map(({ config, path, format }) => {
      const { id, attach, index, media } = config;
      const extra = [
        config.readOnly ? "ro" : "rw",
        config.writeThrough === true ? "direct" : "overlay",
        config.serial ?? "-",
      ];
      return `${id} ${attach} ${index} ${media} ${path ?? "empty"} ${format} ${extra.join(" ")}`;
    });

  it.each([
    ["disk.img", ["ide0-hd0 ide 0 disk disk.img probe rw overlay -"]],
    [
      "-hdb b -cdrom c.iso -fda f",
      [
        "ide0-hd1 ide 1 disk b probe rw overlay -",
        "ide1-cd0 ide 2 cdrom c.iso probe ro overlay -",
        "floppy0 floppy 0 disk f probe rw overlay -",
      ],
    ],
    [
      "-drive file=a,,b.qcow2,if=virtio,format=qcow2,snapshot=off,cache=none,serial=S1 -drive if=virtio,file=c,readonly=on",
      ["virtio0 virtio 0 disk a,b.qcow2 qcow2 rw direct S1", "virtio1 virtio 1 disk c probe ro overlay -"],
    ],
    // One without a place takes the first that is free.
    [
      "-drive file=x -hda y",
      ["ide0-hd1 ide 1 disk x probe rw overlay -", "ide0-hd0 ide 0 disk y probe rw overlay -"],
    ],
    ["-drive file=x,bus=1,unit=1,media=cdrom", ["ide1-cd1 ide 3 cdrom x probe ro overlay -"]],
    ["-drive file=x,snapshot=off,readonly=on", ["ide0-hd0 ide 0 disk x probe ro overlay -"]],
    [
      "-drive if=none,id=d,file=x,format=raw -device virtio-blk-pci,drive=d,serial=abc,disable-legacy=on",
      ["d virtio 0 disk x raw rw overlay abc"],
    ],
    [
      "-blockdev driver=file,node-name=f,filename=x.qcow2 -blockdev driver=qcow2,node-name=q,file=f,read-only=on -device ide-hd,drive=q,bus=ide.1",
      ["q ide 2 disk x.qcow2 qcow2 ro overlay -"],
    ],
    [
      "-drive if=none,id=c,file=x -device ide-cd,drive=c,bus=ide.0,unit=1",
      ["c ide 1 cdrom x probe ro overlay -"],
    ],
    ["-device ide-cd", ["ide0-cd0 ide 0 cdrom empty raw ro overlay -"]],
    ["-drive if=none,id=unused,file=x", []],
  ])("%s", (line, expected) => {
    expect(drives(line)).toEqual(expected);
  });

  it("says where writes go, once, and not if one has asked for that", () => {
    const about = (line: string) => options(line).notes.filter((note) => note.includes("snapshot"));
    expect(about("-hda x -drive file=y,if=virtio -cdrom z")).toEqual([
      "what the guest writes to x, y is gone at the end; with snapshot=off it goes to the file",
    ]);
    expect(about("-hda x -snapshot")).toEqual([]);
    expect(about("-drive file=x,snapshot=on -drive file=y,snapshot=off")).toEqual([]);
  });

  it("bootindex is an order of booting", () => {
    const line =
      "-drive if=none,id=d,file=x -drive if=none,id=c,file=y,media=cdrom -device ide-hd,drive=d,bootindex=2 -device ide-cd,drive=c,bus=ide.1,bootindex=1";
    expect(options(line).machine.bootOrder).toBe("dc");
    expect(options(`${line} -boot c`).machine.bootOrder).toBe("c");
  });

  it("files for fw_cfg", () => {
    expect(options("-fw_cfg name=opt/a,string=one,,two -fw_cfg opt/b,file=x").fwCfg).toEqual([
      { name: "opt/a", content: { kind: "text", text: "one,two" } },
      { name: "opt/b", content: { kind: "file", path: "x" } },
    ]);
  });
});

describe("refused by name", () => {
  it.each([
    ["-cpu 486dx", expect.stringContaining("486dx")],
    ["-cpu max,colour=red", `-cpu: "colour" is neither a feature nor a property of a processor`],
    ["-netdev user,id=n", "option -netdev is not supported"],
    ["--frobnicate", "option --frobnicate is not supported"],
    ["-kernel", "option -kernel needs a value"],
    ["-append x", "-append only makes sense with -kernel"],
    ["-device virtio-net,netdev=n", "-device virtio-net is not supported"],
    ["-device isa-debug-exit,irq=3", "-device isa-debug-exit,irq= is not supported"],
    ["-device isa-debug-exit,iobase=frog", "-device isa-debug-exit,iobase=frog: not a whole number"],
    // Of -m, memory backends and DIMMs: test/dimm/options.test.ts.
    [
      "-m frog",
      expect.stringContaining("-m frog: Parameter 'size' expects a non-negative number below 2^64\n"),
    ],
    ["-smp 256", "-smp 256: the machine has at most 255 CPUs"],
    ["-smp 0", "-smp cpus=0: must be at least 1"],
    ["-smp 4,maxcpus=2", "-smp 4,maxcpus=2: maxcpus is less than the number of CPUs"],
    ["-smp 4,cores=3", "-smp 4,cores=3: sockets, cores and threads make 3 CPUs, not 4"],
    ["-drive file=x,if=scsi", "-drive if=scsi is not supported: use ide, virtio, floppy or none"],
    ["-drive file=x,format=vmdk", "-drive format=vmdk is not supported: images are raw or qcow2"],
    ["-drive file=x,colour=red", "-drive colour= is not supported"],
    ["-drive file=x,index=4", "-drive index=4 is not supported: ide has 0 to 3"],
    ["-drive file=x,index=1,bus=0", "-drive: index= cannot be used together with bus= and unit="],
    ["-drive file=x,snapshot=maybe", "-drive snapshot=maybe: must be on or off"],
    ["-hda x -drive file=y,index=0", "-drive: there is another drive at if=ide,index=0"],
    ["-drive id=a,file=x -drive id=a,file=y", "-drive id=a is there twice"],
    ["-hda a -hdb b -hdc c -hdd d -drive file=e", "too many drives: ide has room for 4"],
    [
      "-device virtio-blk-pci,drive=d",
      `-device virtio-blk-pci: there is no -drive if=none with the id "d" before it`,
    ],
    ["-drive if=none,id=d,file=x -device ide-hd,drive=d,wwn=3", "-device ide-hd,wwn= is not supported"],
    ["-device ide-hd", "-device ide-hd: there is no drive="],
    [
      "-blockdev driver=raw,node-name=n,file=f",
      `-blockdev driver=raw,node-name=n,file=f: there is no -blockdev with the node-name "f" before it`,
    ],
    [
      "-blockdev driver=vdi,node-name=n,file.filename=x",
      "-blockdev format=vdi is not supported: images are raw or qcow2",
    ],
    [
      "-boot order=x",
      "-boot order=x is not supported: use the letters a (floppy), c (disk), d (CD), n (network)",
    ],
    ["-fw_cfg name=opt/x", "-fw_cfg name=opt/x: needs either string= or file="],
    ["-device virtio-rng-pci,rng=r", `-device virtio-rng-pci: there is no -object with the id "r" before it`],
    [
      "-chardev null,id=c -device virtconsole,chardev=c",
      "-device virtconsole: there is no -device virtio-serial-pci before it",
    ],
    ["-machine usb=on", "-machine usb=on is not supported: the machine has none"],
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
        "-drive",
        "-blockdev",
        "-hda",
        "-boot",
        "-fw_cfg",
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
      fc.constantFrom(
        "size=",
        "isa-debug-exit,iobase=",
        "stdio,id=a",
        "ide-cd,drive=a",
        "if=none,id=a,file=",
        "tcp::1",
        "base=",
        ",,",
        "=",
        "-",
      ),
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
  });
});

/** How a machine starts on the built-in BIOS: boot order, floppies, disks, CDs of every kind, what happens if nothing boots, and 16-bit stepping. */
import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { Pending, type BlockImage } from "../../emulator/block/index.ts";
import { SEG } from "../../emulator/index.ts";
import { bootCd } from "./cd.ts";
import { assemble, type Guest, MemoryImage, type Plug, start } from "./machine.ts";
import { press, type } from "./typing.ts";

const FLOPPY_BYTES = 1440 * 1024;
let sector = new Uint8Array(0);
beforeAll(() => {
  sector = new Uint8Array(readFileSync(assemble("sector", FLOPPY_BYTES)));
});

/** For cylinder 1, head 1, sector 3 of 18: sector 56. */
const image = (): MemoryImage => new MemoryImage(sector.slice());

const screen = (guest: Guest): string[] => guest.screen().filter((line) => line !== "");

describe("the sector starts, reads on and hears the keyboard", () => {
  test.each([
    ["floppy", 0x00],
    ["disk", 0x80],
    ["virtio", 0x80],
  ] as const)("from a %s", (plug: Plug, drive) => {
    const guest = start([[plug, image()]], { bootOrder: "ac" });
    guest.settle();
    expect(screen(guest)).toEqual(["Hello from a boot sector", "sector 56"]);
    type(guest, "ok 1", 1e9 / 15);
    expect(guest.screen()[2]).toBe("ok 1");
    press(guest, "Escape");
    expect(guest.run()).toEqual({ kind: "debug-exit", code: drive * 2 + 1 });
  });

  test("while it waits for a key the machine is idle, not busy", () => {
    const guest = start([["floppy", image()]]);
    guest.settle();
    const before = guest.machine.instant;
    guest.machine.run({ instants: 1e9, untilNanoseconds: guest.machine.now + 1e9 });
    // 18.2 timer interrupts a second, each some dozen instructions.
    expect(guest.machine.instant - before).toBeLessThan(1000);
  });
});

describe("CDs", () => {
  test("an image without emulation is loaded whole to its segment", () => {
    const boot = sector.slice(0, 57 * 512);
    const guest = start([["cd", new MemoryImage(bootCd({ media: 0, count: 57, image: boot }))]]);
    // The sector reads "sector 56" of a drive of 2048-byte blocks: not what it looks for.
    guest.settle();
    expect(screen(guest)[0]).toBe("Hello from a boot sector");
    expect(guest.log()).toBe("booting from drive e0h at 7c00h\n");
    expect(guest.machine.memory.readBytes((0x7c00 + 56 * 512) as never, 9)).toEqual(
      sector.slice(56 * 512, 56 * 512 + 9),
    );
  });

  test.each([
    ["a 1.44 MB diskette", 2, 0x00],
    ["a hard disk", 4, 0x80],
  ] as const)("an image becomes %s", (_name, media, drive) => {
    const boot = sector.slice();
    // One partition to the end of cylinder 39, head 1, sector 18.
    boot.set([0x80, 0, 1, 0, 6, 1, 18, 39, 1, 0, 0, 0, 0x9f, 5, 0, 0], 0x1be);
    const cd = new MemoryImage(bootCd({ media, count: 1, image: boot }));
    const guest = start([
      ["floppy", new MemoryImage(new Uint8Array(FLOPPY_BYTES))],
      ["cd", cd],
    ]);
    guest.settle();
    expect(screen(guest)).toEqual(["Hello from a boot sector", "sector 56"]);
    press(guest, "Escape");
    expect(guest.run()).toEqual({ kind: "debug-exit", code: drive * 2 + 1 });
  });
});

describe("nothing boots", () => {
  test("without a drive the processor halts for good, and the screen says why", () => {
    const guest = start([]);
    expect(guest.settle()).toEqual({ kind: "dead", cpu: 0 });
    expect(screen(guest)).toEqual(["Nothing to boot from. Tried in this order:", "  there is no drive"]);
  });

  test("every drive is named with its reason, in the boot order", () => {
    const plugs: (readonly [Plug, BlockImage | null])[] = [
      ["floppy", null],
      ["disk", new MemoryImage(new Uint8Array(1 << 20))],
      ["cd", new MemoryImage(new Uint8Array(1 << 20))],
      ["cd", new MemoryImage(bootCd({ media: 2, count: 1, image: sector, valid: false }))],
    ];
    const guest = start(plugs, { bootOrder: "dacn" });
    expect(guest.settle()).toEqual({ kind: "dead", cpu: 0 });
    const expected = [
      "Nothing to boot from. Tried in this order:",
      "  CD 2 has no El Torito boot record",
      "  CD 3 has a boot catalogue without a validation entry (sector 18)",
      "  floppy 0: no medium",
      "  hard disk 0: no boot signature (55 AA at offset 510)",
      "  network: not there",
    ];
    expect(screen(guest)).toEqual(expected);
    expect(guest.log().trimEnd().split("\n")).toEqual(expected);
  });

  test("INT 18h goes on to the next", () => {
    const gives = new Uint8Array(512);
    gives.set([0xcd, 0x18]);
    gives.set([0x55, 0xaa], 510);
    const guest = start([
      ["disk", new MemoryImage(gives)],
      ["floppy", image()],
    ]);
    guest.settle();
    expect(screen(guest)[0]).toBe("Hello from a boot sector");
    expect(guest.log()).toBe("booting from drive 80h at 7c00h\nbooting from drive 00h at 7c00h\n");
  });
});

describe("in the debugger", () => {
  test("a boot sector is stepped from 0000:7C00 on, a service is one instruction", () => {
    const guest = start([["floppy", image()]]);
    const { machine } = guest;
    const [core] = machine.cpus;
    machine.debug.addBreakpoint(1, 0x7c00n as never, "linear");
    expect(guest.run()).toEqual({ kind: "breakpoint", cpu: 0, ids: [1] });
    machine.debug.clear();
    const place = (): string => `${core!.selector(SEG.cs).toString(16)}:${core!.rip.toString(16)}`;
    const places = [place()];
    for (let n = 0; n < 8; n++) {
      machine.run({ instants: 1, resume: true });
      places.push(place());
    }
    // cli / xor ax,ax / mov ds,ax / mov es,ax / mov ss,ax / mov sp / sti / mov [drive],dl
    expect(places).toEqual([
      "0:7c00",
      "0:7c01",
      "0:7c03",
      "0:7c05",
      "0:7c07",
      "0:7c09",
      "0:7c0c",
      "0:7c0d",
      "0:7c11",
    ]);
    while (core!.selector(SEG.cs) === 0) machine.run({ instants: 1, resume: true });
    // INT 10h: the stub's OUT, and the service has run when it is over.
    expect(place()).toBe("f000:f065");
    machine.run({ instants: 1, resume: true });
    expect(place()).toBe("f000:f067");
    expect(guest.screen()[0]).toBe("H");
  });
});

/** An image whose bytes come only when they have been asked for once. */
class LateImage extends MemoryImage {
  readonly #here = new Set<number>();
  asked = 0;
  override read(offset: number, length: number): Uint8Array {
    if (this.#here.has(offset)) return super.read(offset, length);
    this.#here.add(offset);
    this.asked++;
    throw new Pending(Promise.resolve());
  }
}

describe("a run is a function of its inputs", () => {
  const END = 10e6;
  const finish = (guest: Guest): unknown => {
    for (let n = 0; n < 100 && guest.machine.now < END; n++)
      guest.machine.run({ instants: 1e6, untilNanoseconds: END });
    const { instant, idle, cpus } = guest.machine.save();
    return { instant, idle, cpu: cpus[0], screen: screen(guest) };
  };

  test("a host that is late changes nothing", () => {
    const late = new LateImage(sector.slice());
    const guest = start([["disk", late]]);
    expect(guest.machine.run({ instants: 1e6 }).kind).toBe("waiting");
    const waited = finish(guest);
    expect(late.asked).toBeGreaterThan(1);
    expect(waited).toEqual(finish(start([["disk", image()]])));
  });

  test("a state saved at any instant of the boot goes on alike", () => {
    const instants = 420;
    const low = (guest: Guest): Uint8Array => guest.machine.memory.readBytes(0 as never, 0xa0000);
    const whole = start([["disk", image()]]);
    whole.run(instants);
    const end = whole.machine.save();
    for (let at = 1; at < instants; at += 13) {
      const first = start([["disk", image()]]);
      first.run(at);
      const second = start([["disk", image()]]);
      second.machine.load(first.machine.save());
      second.run(instants - at);
      const state = second.machine.save();
      expect(state.cpus).toEqual(end.cpus);
      expect(state.devices).toEqual(end.devices);
      expect(Buffer.compare(low(second), low(whole))).toBe(0);
    }
  });
});

/** Frames, accesses, epochs, dirty bitmaps and translated code. */
import { describe, expect, it } from "vitest";
import { Halt } from "../../emulator/cpu/event.ts";
import { FRAMES } from "../../emulator/cpu/layout.ts";
import { MemoryRegion } from "../../emulator/memory/index.ts";
import { PAGE_BYTES } from "../../emulator/numbers.ts";
import { at, createMemory, createRam, GIB, loadByte, MIB, recordingDevice, storeByte } from "./machine.ts";

describe("frames", () => {
  it("untouched pages share the zero frame; a write gives a page its own and voids the address", () => {
    const { memory, wasm } = createRam(16 * MIB);
    const voided: unknown[] = [];
    memory.onFramesChanged = (...which) => voided.push(which);
    expect(memory.frameForRead(5)).toBe(FRAMES);
    expect(memory.frameForRead(700)).toBe(FRAMES);
    expect(voided).toEqual([]);
    expect(storeByte(memory, wasm, 5 * PAGE_BYTES + 3, 0xab)).toBe(true);
    expect(voided.splice(0)).toEqual([["all", 5]]);
    const frame = memory.frameForRead(5);
    expect(frame).toBeGreaterThan(FRAMES);
    expect(memory.frameForWrite(5)).toBe(frame);
    expect(loadByte(memory, wasm, 5 * PAGE_BYTES + 3)).toBe(0xab);
    // Pages whose zero frame was not given out do not disturb anybody. Which of the first 2 MiB were asked for before one of them changed, nobody knows.
    storeByte(memory, wasm, 2000 * PAGE_BYTES, 1);
    storeByte(memory, wasm, 2001 * PAGE_BYTES, 1);
    expect(voided).toEqual([]);
    expect(memory.frameForRead(2002)).toBe(FRAMES);
    storeByte(memory, wasm, 2002 * PAGE_BYTES, 1);
    storeByte(memory, wasm, 6 * PAGE_BYTES, 1);
    storeByte(memory, wasm, 6 * PAGE_BYTES, 2);
    expect(voided.splice(0)).toEqual([
      ["all", 2002],
      ["all", 6],
    ]);
    memory.beginEpoch();
    expect(memory.frameForRead(2003)).toBe(FRAMES);
    memory.beginEpoch();
    expect(voided.splice(0)).toEqual([["writes"], ["writes"]]);
    // An epoch leaves addresses for reading.
    storeByte(memory, wasm, 2003 * PAGE_BYTES, 1);
    expect(voided).toEqual([["all", 2003]]);
    expect(new Uint8Array(wasm.buffer, FRAMES, PAGE_BYTES).every((byte) => byte === 0)).toBe(true);
  });

  it("bytes of many pages arrive wherever their frames are", () => {
    const { memory, block } = createRam(16 * MIB);
    // Frames are given out in this order: 3 and 4 follow each other, 5 comes before them, and the rest are new.
    for (const page of [5, 3, 4]) memory.poke(at(page * PAGE_BYTES), Uint8Array.of(1));
    const bytes = Uint8Array.from({ length: 6 * PAGE_BYTES }, (_, i) => (i * 7 + (i >>> 12)) & 0xff);
    const start = 2 * PAGE_BYTES + 100;
    for (const write of [
      () => memory.writeBytes(at(start), bytes),
      () => memory.poke(at(start), bytes),
      () => memory.writeBlock(block, start, bytes),
    ]) {
      memory.poke(at(0), new Uint8Array(9 * PAGE_BYTES));
      write();
      expect(memory.readBytes(at(start), bytes.length)).toEqual(bytes);
      expect(memory.readBytes(at(start - 4), 4)).toEqual(new Uint8Array(4));
      expect(memory.readBytes(at(start + bytes.length), 4)).toEqual(new Uint8Array(4));
    }
    memory.writeBytes(at(0), new Uint8Array(0));
    expect(memory.readBytes(at(start), bytes.length)).toEqual(bytes);
  });

  it("grows linear memory as it needs frames", () => {
    const { memory, wasm } = createRam(64 * MIB);
    const before = wasm.buffer.byteLength;
    for (let page = 0; page < 16384; page++) storeByte(memory, wasm, page * PAGE_BYTES, page & 0xff);
    expect(wasm.buffer.byteLength).toBeGreaterThanOrEqual(before + 63 * MIB);
    expect(wasm.buffer.byteLength).toBeLessThan(before + 96 * MIB);
    const wrong = Array.from({ length: 16384 }, (_, page) => page).filter(
      (page) => loadByte(memory, wasm, page * PAGE_BYTES) !== (page & 0xff),
    );
    expect(wrong).toEqual([]);
    expect(memory.hostBytes.frames).toBe(64 * MIB);
  });

  it("64 GiB cost a few MB while idle, and what is touched when it is", () => {
    const { memory, wasm, block } = createRam(64 * GIB);
    const idle = memory.hostBytes;
    expect(idle.frames).toBe(0);
    expect(idle.tables).toBeLessThan(MIB);
    for (let i = 0; i < 1000; i++) storeByte(memory, wasm, i * 65 * MIB, 1);
    expect(memory.hostBytes.frames).toBe(1000 * PAGE_BYTES);
    expect(memory.hostBytes.tables).toBeLessThan(12 * MIB);
    // Reading all of it costs nothing at all.
    for (let page = 0; page < block.pageCount; page += 511) memory.frameForRead(page);
    expect(memory.hostBytes.frames).toBe(1000 * PAGE_BYTES);
    expect(memory.readBytes(at(64 * GIB - 4), 8)).toEqual(Uint8Array.of(0, 0, 0, 0, 255, 255, 255, 255));
  });

  it("running out is a stop that says so", () => {
    const { memory, wasm } = createRam(16 * MIB, { frameLimitBytes: MIB });
    let halt: unknown;
    try {
      for (let page = 0; page < 4096; page++) storeByte(memory, wasm, page * PAGE_BYTES, 1);
    } catch (error) {
      halt = error;
    }
    expect(halt).toBeInstanceOf(Halt);
    expect((halt as Halt).reason).toMatchObject({
      kind: "out-of-memory",
      text: expect.stringContaining("limit 1 MiB"),
    });
    // Cold pages move out, and the guest goes on.
    expect(memory.relieve(MIB / 2)).toBeGreaterThanOrEqual(128);
    expect(storeByte(memory, wasm, 255 * PAGE_BYTES, 7)).toBe(true);
    for (let page = 0; page < 255; page++) expect(memory.readBytes(at(page * PAGE_BYTES), 1)[0]).toBe(1);
  });

  it("more guest memory than frames: pages come back as they were", () => {
    const { memory, wasm } = createRam(32 * MIB, { frameLimitBytes: 4 * MIB, frameBudgetBytes: 2 * MIB });
    for (let page = 0; page < 8192; page++) {
      storeByte(memory, wasm, page * PAGE_BYTES + 17, (page * 7) & 0xff);
      if (page % 256 === 0) memory.relieve();
    }
    for (let page = 8191; page >= 0; page--) {
      if (page % 256 === 0) memory.relieve();
      expect(loadByte(memory, wasm, page * PAGE_BYTES + 17)).toBe((page * 7) & 0xff);
    }
    expect(memory.hostBytes.frames).toBeLessThanOrEqual(4 * MIB);
  });

  it("pages asked for lately stay when others go", () => {
    const { memory, wasm } = createRam(8 * MIB);
    for (let page = 0; page < 512; page++) storeByte(memory, wasm, page * PAGE_BYTES, 1);
    memory.relieve(2 * MIB - PAGE_BYTES);
    for (let page = 0; page < 64; page++) memory.frameForRead(page);
    const frames = Array.from({ length: 64 }, (_, page) => memory.frameForRead(page));
    memory.relieve(MIB / 2);
    expect(memory.hostBytes.frames).toBe(MIB / 2);
    expect(Array.from({ length: 64 }, (_, page) => memory.frameForRead(page))).toEqual(frames);
  });
});

describe("accesses", () => {
  it("cross pages and ranges", () => {
    const { memory, block } = createRam(2 * PAGE_BYTES);
    memory.write(at(PAGE_BYTES - 2), 4, 0x11223344);
    expect(memory.readBytes(at(PAGE_BYTES - 2), 4)).toEqual(Uint8Array.of(0x44, 0x33, 0x22, 0x11));
    expect(memory.read(at(PAGE_BYTES - 1), 2)).toBe(0x2233);
    expect(memory.read(at(PAGE_BYTES - 2), 4)).toBe(0x11223344);
    expect(memory.read(at(2 * PAGE_BYTES - 1), 4)).toBe(0xffffff00);
    expect(memory.read(at(0x100000000), 4)).toBe(0xffffffff);
    memory.writeBytes(at(2 * PAGE_BYTES - 1), Uint8Array.of(1, 2, 3));
    expect(memory.readBytes(at(2 * PAGE_BYTES - 1), 2)).toEqual(Uint8Array.of(1, 255));
    expect(memory.readBlock(block, PAGE_BYTES - 2, 3)).toEqual(Uint8Array.of(0x44, 0x33, 0x22));
  });

  it("ROM drops writes, poke does not", () => {
    const { memory } = createMemory();
    const block = memory.allocate({ idstr: "rom", usedLength: 0x1000 });
    memory.system.add(MemoryRegion.rom("rom", block), 0x1000);
    memory.writeBlock(block, 0, Uint8Array.of(1, 2, 3, 4));
    memory.write(at(0x1000), 4, 0);
    memory.writeBytes(at(0x1000), Uint8Array.of(9));
    expect(memory.frameForWrite(1)).toBe(0);
    expect(memory.frameForRead(1)).toBeGreaterThan(0);
    expect(memory.read(at(0x1000), 4)).toBe(0x04030201);
    memory.poke(at(0x1001), Uint8Array.of(9));
    expect(memory.read(at(0x1000), 4)).toBe(0x04030901);
    expect(memory.locate(at(0x1004))).toMatchObject({ block, offset: 4, ramAddress: 4 });
  });

  it("a ROM device reads as memory or as a device, and is written as a device", () => {
    const { memory } = createMemory();
    const block = memory.allocate({ idstr: "flash", usedLength: 0x1000 });
    const { ops, log } = recordingDevice(() => 0x77);
    const region = MemoryRegion.romDevice("flash", block, ops);
    memory.system.add(region, 0);
    memory.writeBlock(block, 0, Uint8Array.of(5));
    expect(memory.read(at(0), 1)).toBe(5);
    expect(memory.frameForRead(0)).toBeGreaterThan(0);
    memory.write(at(0), 1, 0x90);
    region.romd = false;
    expect(memory.read(at(0), 1)).toBe(0x77);
    expect(memory.frameForRead(0)).toBe(0);
    expect(log).toEqual(["w1@0=90", "r1@0"]);
  });

  it("pages only partly RAM have no frame", () => {
    const { memory } = createRam(4 * PAGE_BYTES);
    memory.system.add(MemoryRegion.io("hole", 0x10, recordingDevice().ops), 0x1ff0, 1);
    expect([0, 1, 2, 3, 4].map((page) => memory.frameForRead(page) !== 0)).toEqual([
      true,
      false,
      true,
      true,
      false,
    ]);
    memory.write(at(0x1fee), 2, 0x1234);
    expect(memory.read(at(0x1fee), 2)).toBe(0x1234);
  });

  it("devices: sizes, splitting, alignment", () => {
    const { memory } = createMemory();
    const { ops, log } = recordingDevice((offset) => 0x10 + offset);
    memory.system.add(MemoryRegion.io("plain", 0x1000, ops), 0);
    memory.system.add(MemoryRegion.io("bytes", 0x1000, ops, { access: { impl: { max: 1 } } }), 0x1000);
    memory.system.add(MemoryRegion.io("words", 0x1000, ops, { access: { impl: { min: 4 } } }), 0x2000);
    memory.system.add(MemoryRegion.io("dwords only", 0x1000, ops, { access: { valid: { min: 4 } } }), 0x3000);
    const done = <T>(result: T) => [result, log.splice(0).join(" ")];
    expect(done(memory.read(at(4), 4))).toEqual([0x14, "r4@4"]);
    expect(done(memory.read(at(0x1004), 4))).toEqual([0x17161514, "r1@4 r1@5 r1@6 r1@7"]);
    expect(done(memory.read(at(0x2004), 1))).toEqual([0x14, "r4@4"]);
    expect(done(memory.read(at(0x3004), 2))).toEqual([0xffff, ""]);
    expect(done(memory.write(at(0x1002), 2, 0xabcd))).toEqual([undefined, "w1@2=cd w1@3=ab"]);
    expect(done(memory.write(at(0x3000), 1, 1))).toEqual([undefined, ""]);
    // Unaligned: two aligned reads (0x10, 0x14 as little-endian dwords), bytewise writes.
    expect(done(memory.read(at(2), 4))).toEqual([0x00140000, "r4@0 r4@4"]);
    expect(done(memory.write(at(3), 2, 0xbeef))).toEqual([undefined, "w1@3=ef w1@4=be"]);
    expect(done(memory.readBytes(at(0), 2))).toEqual([Uint8Array.of(0x10, 0x11), "r1@0 r1@1"]);
  });

  it("a write of 8 bytes is two of 4, the low half first", () => {
    const { memory } = createRam(4 * PAGE_BYTES);
    const { ops, log } = recordingDevice(() => 0);
    memory.system.add(MemoryRegion.io("plain", 0x1000, ops), 0x10000);
    const write = (address: number) => {
      memory.writeHalves(at(address), 0x89abcdef, 5);
      return log.splice(0).join(" ");
    };
    expect(write(0x10008)).toBe("w4@8=89abcdef w4@c=5");
    // Unaligned, or over the end.
    expect(write(0x100f4)).toBe("w4@f4=89abcdef w4@f8=5");
    expect(write(0x10ffc)).toBe("w4@ffc=89abcdef");

    const changed: [number, number, number][] = [];
    memory.onCodeWrite = (...where) => changed.push(where);
    memory.markCode(1);
    for (const address of [8, PAGE_BYTES + 16, 2 * PAGE_BYTES - 4, 4 * PAGE_BYTES - 4]) {
      write(address);
      expect([memory.read(at(address), 4), memory.read(at(address + 4), 4)]).toEqual([
        0x89abcdef,
        address === 4 * PAGE_BYTES - 4 ? 0xffffffff : 5,
      ]);
    }
    expect(changed).toEqual([
      [1, 16, 8],
      [1, PAGE_BYTES - 4, 4],
    ]);
  });

  it("ports: taken apart where no device takes the access whole", () => {
    const { memory } = createMemory();
    const { ops, log } = recordingDevice((offset) => 0x20 + offset);
    memory.io.add(MemoryRegion.io("uart", 8, ops, { access: { impl: { max: 1 } } }), 0x3f8);
    memory.io.add(MemoryRegion.io("conf", 4, ops), 0xcf8);
    memory.io.add(MemoryRegion.io("reset", 1, ops), 0xcf9, 1);
    const done = <T>(result: T) => [result, log.splice(0).join(" ")];
    expect(done(memory.ports.readPort(0x3f8, 2))).toEqual([0x2120, "r1@0 r1@1"]);
    expect(done(memory.ports.readPort(0x3fe, 4))).toEqual([0xffff2726, "r1@6 r1@7"]);
    expect(done(memory.ports.readPort(0x80, 1))).toEqual([0xff, ""]);
    expect(done(memory.ports.readPort(0x80, 4))).toEqual([0xffffffff, ""]);
    expect(done(memory.ports.writePort(0xcf8, 4, 0x80001234))).toEqual([undefined, "w4@0=80001234"]);
    expect(done(memory.ports.writePort(0xcf9, 1, 6))).toEqual([undefined, "w1@0=6"]);
    expect(done(memory.ports.readPort(0xffff, 2))).toEqual([0xffff, ""]);
  });
});

describe("epochs", () => {
  it("pages changed since, for any number of observers", () => {
    const { memory, wasm } = createRam(16 * MIB);
    let voided = 0;
    memory.onFramesChanged = () => voided++;
    const changed = (epoch: number) => [...memory.changedSince(epoch)].map(({ page }) => page);
    storeByte(memory, wasm, 1 * PAGE_BYTES, 1);
    const first = memory.beginEpoch();
    expect(voided).toBe(1);
    storeByte(memory, wasm, 2 * PAGE_BYTES, 1);
    memory.write(at(3 * PAGE_BYTES), 1, 1);
    const second = memory.beginEpoch();
    memory.writeBytes(at(4 * PAGE_BYTES), Uint8Array.of(1));
    memory.poke(at(600 * PAGE_BYTES), Uint8Array.of(1));
    storeByte(memory, wasm, 2 * PAGE_BYTES, 1);
    memory.read(at(5 * PAGE_BYTES), 4);
    expect(changed(first)).toEqual([2, 3, 4, 600]);
    expect(changed(second)).toEqual([2, 4, 600]);
    expect(changed(memory.beginEpoch())).toEqual([]);
  });
});

describe("dirty bitmaps", () => {
  it("blocks start dirty, clients are cleared and enabled apart", () => {
    const { memory, wasm, block } = createRam(4 * MIB);
    const { dirty } = memory;
    expect([...dirty.ranges("vga", block)]).toEqual([{ first: 0, count: 1024 }]);
    dirty.clear("vga", block);
    expect([...dirty.ranges("vga", block)]).toEqual([]);
    expect([...dirty.ranges("migration", block)]).toEqual([{ first: 0, count: 1024 }]);
    dirty.clear("migration", block);
    storeByte(memory, wasm, 7 * PAGE_BYTES + 9, 1);
    expect(dirty.take("vga", block)).toEqual([{ first: 7, count: 1 }]);
    expect(dirty.isDirty("vga", block, 7)).toBe(false);
    expect(dirty.isDirty("migration", block, 7)).toBe(true);
    storeByte(memory, wasm, 7 * PAGE_BYTES + 9, 1);
    storeByte(memory, wasm, 8 * PAGE_BYTES, 1);
    dirty.clear("vga", block, 8, 1);
    expect(dirty.take("vga", block)).toEqual([{ first: 7, count: 1 }]);
    dirty.setEnabled("vga", false);
    expect(dirty.isDirty("vga", block, 7)).toBe(false);
    dirty.setEnabled("vga", true);
    expect(dirty.take("vga", block)).toEqual([{ first: 0, count: 1024 }]);
  });

  it("CODE is clean exactly where code was translated", () => {
    const { memory, block } = createRam(4 * MIB);
    expect(memory.dirty.isDirty("code", block, 3)).toBe(true);
    memory.markCode(3);
    expect(memory.dirty.isDirty("code", block, 3)).toBe(false);
    memory.clearCode(3);
    expect(memory.dirty.isDirty("code", block, 3)).toBe(true);
  });
});

describe("translated code", () => {
  it("pages with code are written the slow way, which reports it first", () => {
    const { memory, wasm } = createRam(4 * MIB);
    const reports: string[] = [];
    memory.onCodeWrite = (page, offset, length) => {
      reports.push(
        `${page}+${offset}:${length} was ${memory.readBytes(at(page * PAGE_BYTES + offset), 1)[0]}`,
      );
      memory.clearCode(page);
    };
    storeByte(memory, wasm, 2 * PAGE_BYTES, 0x90);
    let voided = 0;
    memory.onFramesChanged = () => voided++;
    memory.markCode(2);
    expect(voided).toBe(1);
    expect(memory.hasCode(2)).toBe(true);
    expect(storeByte(memory, wasm, 2 * PAGE_BYTES, 0xcc)).toBe(false);
    memory.write(at(2 * PAGE_BYTES), 2, 0xcccc);
    expect(reports).toEqual(["2+0:2 was 144"]);
    expect(memory.hasCode(2)).toBe(false);
    expect(storeByte(memory, wasm, 2 * PAGE_BYTES, 0xcc)).toBe(true);
    memory.markCode(2);
    memory.markCode(3);
    memory.writeBytes(at(3 * PAGE_BYTES - 2), Uint8Array.of(1, 2, 3, 4));
    expect(reports.splice(0)).toEqual(["2+0:2 was 144", "2+4094:2 was 0", "3+0:2 was 0"]);
  });

  it("granules: what lies beside code may be written until one more holds some", () => {
    const { memory } = createRam(4 * MIB);
    const changes: string[] = [];
    memory.onFramesChanged = (which, page) => changes.push(`${which} ${page}`);
    memory.markCode(3, 0b1);
    const frame = memory.frameBesideCode(3);
    expect([memory.frameForWrite(3), memory.frameForWrite(3)]).toEqual([0, 0]);
    expect([frame, memory.frameBesideCode(4)]).toEqual([memory.frameForRead(3), 0]);
    changes.length = 0;
    memory.markCode(3, 0b1);
    expect(changes).toEqual([]);
    memory.markCode(3, 0b10);
    expect(changes).toEqual(["beside 3"]);
    expect(memory.codeGranules(3)).toBe(0b11);
    memory.clearCode(3, 0b1);
    expect([memory.codeGranules(3), memory.hasCode(3)]).toEqual([0b10, true]);
    memory.clearCode(3, 0b10);
    expect([memory.codeGranules(3), memory.hasCode(3), memory.frameForWrite(3)]).toEqual([0, false, frame]);
  });

  it("a block seen at two addresses reports both; moving a window reports what it showed", () => {
    const { memory } = createRam(4 * MIB);
    const ram = memory.system.subregions[0]!;
    const alias = MemoryRegion.alias("again", ram, PAGE_BYTES, PAGE_BYTES);
    memory.system.add(alias, 0x10000000);
    const reports: number[] = [];
    memory.onCodeWrite = (page) => reports.push(page);
    memory.markCode(1);
    memory.markCode(0x10000);
    memory.write(at(PAGE_BYTES), 1, 1);
    expect(reports.splice(0)).toEqual([1, 0x10000]);
    expect(memory.frameForWrite(0x10000)).toBe(0);
    memory.clearCode(1);
    expect(memory.frameForWrite(1)).toBe(0);
    alias.enabled = false;
    expect(reports).toEqual([0x10000]);
    expect(memory.hasCode(0x10000)).toBe(false);
    expect(memory.frameForWrite(1)).toBeGreaterThan(0);
  });
});

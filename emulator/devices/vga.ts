/**
 * A VGA with 16 MiB of memory and the Bochs display interface: its registers and windows (IBM VGA Technical Reference; QEMU's "stdvga").
 *
 *     0x3c0/1 attribute   0x3c2 w: miscellaneous output, r: input status 0   0x3c4/5 sequencer   0x3c6…9 DAC   0x3ca r: feature control
 *     0x3cc r: miscellaneous output   0x3ce/f graphics   0x3d4/5 CRTC   0x3da r: input status 1, w: feature control
 *     With miscellaneous output bit 0 clear, CRTC, status and feature control are at 0x3b4/5 and 0x3ba.
 *     0x1ce DISPI index   0x1cf, 0x1d0 DISPI data, of 16 bits
 *
 * Invariant: `version` changes whenever anything that can be seen does, whoever changed it. Memory is a RAMBlock and saved as such; only registers are the device's own
 * state. Retrace is a function of virtual time (449 lines of 31.778 µs, 400 of them shown), whatever the CRTC's timing registers say. Not modelled: the retrace
 * interrupt, palette snooping. Elsewhere: the PCI function (`pci/display.ts`), modes as a BIOS sets them (`vga-modes.ts`).
 */
import { assert } from "../assert.ts";
import type { Display, Picture, TextDisplay, TextScreen } from "../machine/display.ts";
import { type Memory, MemoryRegion } from "../memory/index.ts";
import type { Nanoseconds } from "../numbers.ts";
import type { Device, PlainData, RegionOps } from "./device.ts";
import { copyOf } from "./state.ts";
import { dispiStart, readDispi, writeDispi } from "./vga-dispi.ts";
import { VGA_FONT } from "./vga-font.ts";
import { PLANES_BYTES, VGA_MEMORY_BYTES, type Changed, VgaMemory } from "./vga-memory.ts";
import { VgaPicture } from "./vga-picture.ts";
import { drawLinear, drawPlanar, graphicsSize, linearLayout } from "./vga-pixels.ts";
import { type DirectWindow, directWindow, readPlanes, writePlanes } from "./vga-planes.ts";
import {
  ATTRIBUTE_MASKS,
  CRTC_REGISTERS,
  DISPI,
  DISPI_ENABLE,
  dispiEnabled,
  dispiLineBytes,
  GRAPHICS_MASKS,
  isBlank,
  powerOn,
  SEQUENCER_MASKS,
  type VgaState,
} from "./vga-state.ts";
import { drawText, isText, textDisplay, textScreen, textSize } from "./vga-text.ts";

const LINE_NANOSECONDS = 31_778;
/** Of each line this much is displayed: 720 of 900 dots. */
const LINE_SHOWN_NANOSECONDS = 25_422;
const LINES = 449;
const LINES_SHOWN = 400;
const RETRACE_LINES = { from: 412, to: 414 } as const;
const STATUS1 = { blanked: 1, verticalRetrace: 8 } as const;

const WINDOW_BYTES = 0x20000;
const DIRECT_PRIORITY = 2;
/** Characters a BIOS clears in a text mode: all of its 32 KiB window. */
const TEXT_CELLS = 0x4000;
const BLANK_CELL = 0x0720;
const BLACK = 0xff000000;
/** Pieces of changed memory that are remembered apart. */
const MOST_CHANGES = 256;

/** The VGA's own ports, by first and number; each goes to `Vga.ports`. */
export const VGA_PORTS = [
  [0x3b4, 2],
  [0x3ba, 1],
  [0x3c0, 16],
  [0x3d4, 2],
  [0x3da, 1],
] as const;

/** Values for all registers, as a table in a mode-setting BIOS has them. */
export interface VgaMode {
  readonly misc: number;
  readonly sequencer: readonly number[];
  readonly crtc: readonly number[];
  readonly graphics: readonly number[];
  readonly attribute: readonly number[];
  /** 256 × red, green, blue of 6 bits; shorter tables leave the rest black. */
  readonly dac: Uint8Array;
}

export class Vga implements Device {
  readonly name = "VGA";
  readonly deadline = Infinity;
  #state: VgaState = powerOn(0);
  #memory: VgaMemory | null = null;
  #version = 1;
  /** Version of the registers that the picture was drawn by; what changed in memory since. */
  #drawn = 0;
  #changes: Changed[] = [];
  #registersVersion = 1;
  readonly #picture = new VgaPicture();
  #text: { readonly version: number; readonly display: TextDisplay } | null = null;
  /** The part of the window that shows memory directly now, and the region that does so. Regions are kept for the next time. */
  #direct: { readonly window: DirectWindow; readonly region: MemoryRegion } | null = null;
  readonly #directRegions = new Map<string, MemoryRegion>();

  /** The window at 0xa0000, byte by byte. */
  readonly window = MemoryRegion.io(
    "vga-lowmem",
    WINDOW_BYTES,
    {
      read: (address) => readPlanes(this.#state, this.#vram, address),
      write: (address, _size, value) => writePlanes(this.#state, this.#vram, address, value & 0xff),
    },
    { access: { impl: { max: 1 } } },
  );

  /** Gives the adapter its memory; once, before anything else. */
  attach(memory: Memory): void {
    assert(this.#memory === null, "the VGA has its memory once");
    this.#memory = new VgaMemory(memory);
  }

  get #vram(): VgaMemory {
    assert(this.#memory !== null, "the VGA has memory");
    return this.#memory;
  }

  /** All of its memory, for a base address register. */
  get frameBuffer(): MemoryRegion {
    return this.#vram.region;
  }

  /** Grows with every change of what could be seen. Not state: only good for comparing in one machine. */
  get version(): number {
    const { start, end } = this.#shown();
    const changes = this.#vram.takeChanges(start, end);
    if (changes.length > 0) {
      // Nobody may be drawing, only asking.
      this.#changes = this.#changes.length > MOST_CHANGES ? [{ start, end }] : [...this.#changes, ...changes];
      this.#version++;
    }
    return this.#version;
  }

  reset(): void {
    this.#state = powerOn(this.#state.now);
    this.#registersChanged();
    this.#updateWindow();
  }

  tick(now: Nanoseconds): void {
    this.#state.now = now;
  }

  /** Sets every register at once and, in a text mode, loads the font and clears the cells; in others clears the planes: as a BIOS does. DISPI is switched off. */
  setMode(mode: VgaMode, clears = true): void {
    const state = this.#state;
    state.dispi[DISPI.enable] = 0;
    state.dispi[DISPI.bank] = 0;
    state.misc = mode.misc;
    state.sequencer.set(mode.sequencer);
    state.crtc.set(mode.crtc);
    state.graphics.set(mode.graphics);
    state.attribute.set(mode.attribute);
    state.attributeIndex = 0x20;
    state.attributeData = false;
    state.dac.fill(0).set(mode.dac);
    state.dacMask = 0xff;
    this.#registersChanged();
    this.#updateWindow();
    if (isText(state)) {
      const words = new Uint32Array(TEXT_CELLS);
      const old = new Uint32Array(this.#vram.bytes(0, TEXT_CELLS * 4).buffer);
      for (let cell = 0; cell < TEXT_CELLS; cell++) {
        const glyph = cell < VGA_FONT.length ? VGA_FONT[cell]! << 16 : old[cell]! & 0xff0000;
        words[cell] = (clears ? BLANK_CELL : old[cell]! & 0xffff) | glyph;
      }
      this.#vram.write(0, new Uint8Array(words.buffer));
    } else if (clears) this.#vram.write(0, new Uint8Array(PLANES_BYTES));
  }

  /** Sets a DISPI mode with a linear frame buffer, as a VESA BIOS does. Its memory is cleared. */
  setLinearMode(width: number, height: number, bitsPerPixel: number): void {
    const set = (index: number, value: number): void => {
      this.dispi.write(0, 2, index);
      this.dispi.write(1, 2, value);
    };
    this.#state.attributeIndex = 0x20;
    set(DISPI.enable, 0);
    set(DISPI.width, width);
    set(DISPI.height, height);
    set(DISPI.bitsPerPixel, bitsPerPixel);
    set(DISPI.enable, DISPI_ENABLE.enabled | DISPI_ENABLE.linear);
  }

  /** Bytes from one line of a linear picture to the next; 0 in the VGA's own modes. */
  get lineBytes(): number {
    return dispiEnabled(this.#state) ? dispiLineBytes(this.#state) : 0;
  }

  /** The text screen; nothing (0 columns) in graphics modes. */
  screen(): TextScreen {
    return textScreen(this.#state, this.#vram);
  }

  display(): Display {
    if (isText(this.#state) && !isBlank(this.#state)) return this.#textOf(this.version);
    const { width, height, pixels } = this.picture();
    return { kind: "pixels", width, height, pixels };
  }

  /** What a monitor shows, but for the text cursor. Draws only what has changed. */
  picture(): Picture {
    const version = this.version;
    if (this.#drawn === version) return this.#picture;
    const isFresh = this.#drawn < this.#registersVersion;
    this.#draw(version, isFresh, this.#changes);
    this.#drawn = version;
    this.#changes = [];
    return this.#picture;
  }

  /** The text screen of a version, which is taken from memory once. */
  #textOf(version: number): TextDisplay {
    if (this.#text?.version !== version)
      this.#text = { version, display: textDisplay(this.#state, this.#vram) };
    return this.#text.display;
  }

  #draw(version: number, isFresh: boolean, changes: readonly Changed[]): void {
    const picture = this.#picture;
    const state = this.#state;
    const { put } = picture;
    if (isText(state)) {
      const display = this.#textOf(version);
      const { width, height } = textSize(display);
      picture.begin(width, height, version);
      if (isBlank(state)) this.#drawBlank();
      else drawText(display, put);
      return;
    }
    const { width, height } = graphicsSize(state);
    const isNew = picture.begin(width, height, version);
    const linear = linearLayout(state);
    if (isBlank(state)) this.#drawBlank();
    else if (linear === null) drawPlanar(state, this.#vram, put);
    else if (isNew || isFresh) drawLinear(state, this.#vram, 0, height, put);
    else {
      let done = 0;
      for (const { start, end } of changes.toSorted((a, b) => a.start - b.start)) {
        const first = Math.max(Math.floor((start - linear.start) / linear.lineBytes), done);
        const last = Math.min(Math.ceil((end - linear.start) / linear.lineBytes), height);
        if (last > first) drawLinear(state, this.#vram, first, last, put);
        done = Math.max(done, last);
      }
    }
  }

  #drawBlank(): void {
    const line = new Uint32Array(this.#picture.width).fill(BLACK);
    for (let y = 0; y < this.#picture.height; y++) this.#picture.put(y, line);
  }

  /** Ports from `first` on (0x3b4, 0x3ba, 0x3c0, 0x3d4 or 0x3da), byte by byte. */
  ports(first: number): RegionOps {
    return {
      read: (address) => this.#readPort(first + address),
      write: (address, _size, value) => this.#writePort(first + address, value & 0xff),
    };
  }

  /** Ports 0x1ce (index), 0x1cf and 0x1d0 (data), of 16 bits. */
  readonly dispi: RegionOps = {
    read: (address) => (address === 0 ? this.#state.dispiIndex : readDispi(this.#state)),
    write: (address, _size, value) => {
      if (address === 0) this.#state.dispiIndex = value & 0xffff;
      else this.#writeDispi(value & 0xffff);
    },
  };

  /** The DISPI registers one after the other, of 16 bits, as the PCI function shows them. Like QEMU's they move the index. */
  readonly dispiRegisters: RegionOps = {
    read: (address) => {
      this.#state.dispiIndex = address >> 1;
      return readDispi(this.#state);
    },
    write: (address, _size, value) => {
      this.#state.dispiIndex = address >> 1;
      this.#writeDispi(value & 0xffff);
    },
  };

  /** The words of the frame buffer are stored big-endian. */
  get bigEndian(): boolean {
    return this.#state.bigEndian;
  }
  set bigEndian(value: boolean) {
    this.#state.bigEndian = value;
    this.#registersChanged();
  }

  save(): PlainData {
    return copyOf(this.#state);
  }

  load(saved: PlainData): void {
    this.#state = copyOf(saved as VgaState);
    this.#registersChanged();
    this.#updateWindow();
  }

  #registersChanged(): void {
    this.#registersVersion = ++this.#version;
  }

  /** Bytes of memory that the picture is made from. */
  #shown(): Changed {
    if (!dispiEnabled(this.#state)) return { start: 0, end: PLANES_BYTES };
    const start = dispiStart(this.#state);
    const end = start + this.#state.dispi[DISPI.height]! * dispiLineBytes(this.#state);
    return { start, end: Math.min(end, VGA_MEMORY_BYTES) };
  }

  #writeDispi(value: number): void {
    const cleared = writeDispi(this.#state, value);
    if (cleared > 0) this.#vram.write(0, new Uint8Array(cleared));
    this.#registersChanged();
    this.#updateWindow();
  }

  /** Lets the processor reach memory directly where the registers make the window nothing else. */
  #updateWindow(): void {
    const container = this.window.container;
    if (container === null) return;
    const window = directWindow(this.#state);
    const before = this.#direct;
    if (
      window?.offset === before?.window.offset &&
      window?.sizeBytes === before?.window.sizeBytes &&
      window?.target === before?.window.target
    )
      return;
    this.#vram.transaction(() => {
      if (before !== null) container.remove(before.region);
      this.#direct = window === null ? null : { window, region: this.#directRegion(window) };
      if (this.#direct !== null)
        container.add(this.#direct.region, this.window.address + window!.offset, DIRECT_PRIORITY);
    });
  }

  #directRegion({ sizeBytes, target }: DirectWindow): MemoryRegion {
    const key = `${sizeBytes}@${target}`;
    const known = this.#directRegions.get(key);
    if (known !== undefined) return known;
    const region = MemoryRegion.alias("vga.chain4", this.frameBuffer, target, sizeBytes);
    this.#directRegions.set(key, region);
    return region;
  }

  #readPort(port: number): number {
    const state = this.#state;
    if (this.#isElsewhere(port)) return 0xff;
    switch (port) {
      case 0x3c0:
        return state.attributeData ? 0 : state.attributeIndex;
      case 0x3c1:
        return state.attribute[state.attributeIndex & 0x1f] ?? 0;
      case 0x3c2: // no switches, no retrace interrupt
        return 0;
      case 0x3c4:
        return state.sequencerIndex;
      case 0x3c5:
        return state.sequencer[state.sequencerIndex]!;
      case 0x3c6:
        return state.dacMask;
      case 0x3c7:
        return state.dacState;
      case 0x3c8:
        return state.dacWrite;
      case 0x3c9: {
        const value = state.dac[state.dacRead * 3 + state.dacByte]!;
        state.dacByte = (state.dacByte + 1) % 3;
        if (state.dacByte === 0) state.dacRead = (state.dacRead + 1) & 0xff;
        return value;
      }
      case 0x3ca:
        return state.feature;
      case 0x3cc:
        return state.misc;
      case 0x3ce:
        return state.graphicsIndex;
      case 0x3cf:
        return state.graphics[state.graphicsIndex]!;
      case 0x3b4:
      case 0x3d4:
        return state.crtcIndex;
      case 0x3b5:
      case 0x3d5:
        return state.crtc[state.crtcIndex] ?? 0;
      case 0x3ba:
      case 0x3da:
        state.attributeData = false;
        return this.#inputStatus1();
      default:
        return 0xff;
    }
  }

  #writePort(port: number, value: number): void {
    const state = this.#state;
    if (this.#isElsewhere(port)) return;
    switch (port) {
      case 0x3c0:
        if (!state.attributeData) state.attributeIndex = value & 0x3f;
        else this.#writeAttribute(state.attributeIndex & 0x1f, value);
        state.attributeData = !state.attributeData;
        this.#registersChanged();
        return;
      case 0x3c2:
        state.misc = value & 0xef;
        return;
      case 0x3c4:
        state.sequencerIndex = value & 7;
        return;
      case 0x3c5:
        state.sequencer[state.sequencerIndex] = value & SEQUENCER_MASKS[state.sequencerIndex]!;
        // The map mask (2) is for writes only.
        if (state.sequencerIndex !== 2) this.#registersChanged();
        this.#updateWindow();
        return;
      case 0x3c6:
        state.dacMask = value;
        this.#registersChanged();
        return;
      case 0x3c7:
        Object.assign(state, { dacRead: value, dacByte: 0, dacState: 3 });
        return;
      case 0x3c8:
        Object.assign(state, { dacWrite: value, dacByte: 0, dacState: 0 });
        return;
      case 0x3c9:
        state.dac[state.dacWrite * 3 + state.dacByte] =
          value & ((state.dispi[DISPI.enable]! & DISPI_ENABLE.dac8) === 0 ? 0x3f : 0xff);
        this.#registersChanged();
        state.dacByte = (state.dacByte + 1) % 3;
        if (state.dacByte === 0) state.dacWrite = (state.dacWrite + 1) & 0xff;
        return;
      case 0x3ce:
        state.graphicsIndex = value & 0x0f;
        return;
      case 0x3cf:
        state.graphics[state.graphicsIndex] = value & GRAPHICS_MASKS[state.graphicsIndex]!;
        // All others are for the data path only.
        if (state.graphicsIndex === 5 || state.graphicsIndex === 6) this.#registersChanged();
        this.#updateWindow();
        return;
      case 0x3b4:
      case 0x3d4:
        state.crtcIndex = value;
        return;
      case 0x3b5:
      case 0x3d5:
        this.#writeCrtc(state.crtcIndex, value);
        this.#registersChanged();
        return;
      case 0x3ba:
      case 0x3da:
        state.feature = value & 0x10;
        return;
      default: // read-only ports
    }
  }

  #writeAttribute(index: number, value: number): void {
    const mask = ATTRIBUTE_MASKS[index];
    if (mask !== undefined) this.#state.attribute[index] = value & mask;
  }

  #writeCrtc(index: number, value: number): void {
    const { crtc } = this.#state;
    if (index >= CRTC_REGISTERS) return;
    if (crtc[0x11]! & 0x80 && index <= 7) {
      // Registers 0…7 are protected but for the line compare bit in 7.
      if (index === 7) crtc[7] = (crtc[7]! & ~0x10) | (value & 0x10);
      return;
    }
    crtc[index] = value;
  }

  /** Monochrome ports answer only if miscellaneous output bit 0 is clear, colour ports only if it is set. */
  #isElsewhere(port: number): boolean {
    return (this.#state.misc & 1) !== 0 ? port < 0x3c0 : port >= 0x3d0;
  }

  #inputStatus1(): number {
    const line = Math.floor(this.#state.now / LINE_NANOSECONDS) % LINES;
    const blanked = line >= LINES_SHOWN || this.#state.now % LINE_NANOSECONDS >= LINE_SHOWN_NANOSECONDS;
    const retrace = line >= RETRACE_LINES.from && line < RETRACE_LINES.to;
    return (blanked ? STATUS1.blanked : 0) | (retrace ? STATUS1.verticalRetrace : 0);
  }
}

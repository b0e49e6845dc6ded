/**
 * A VGA: its registers, its memory window at 0xa0000, and what is on a text screen (IBM VGA Technical Reference; QEMU's `vga`).
 *
 *     0x3c0/1 attribute   0x3c2 w: miscellaneous output, r: input status 0   0x3c4/5 sequencer   0x3c6…9 DAC   0x3ca r: feature control
 *     0x3cc r: miscellaneous output   0x3ce/f graphics   0x3d4/5 CRTC   0x3da r: input status 1, w: feature control
 *     With miscellaneous output bit 0 clear, CRTC, status and feature control are at 0x3b4/5 and 0x3ba.
 *
 * Invariant: `version` changes whenever anything that can be seen does. Retrace is a function of virtual time (449 lines of 31.778 µs, 400 of
 * them shown), whatever the CRTC's timing registers say. Not modelled: the retrace interrupt, character fonts, palette snooping, blanking.
 */
import { assert } from "../assert.ts";
import type { Nanoseconds } from "../numbers.ts";
import type { TextScreen } from "../machine/types.ts";
import type { Device, PlainData, RegionOps } from "./device.ts";
import { copyOf } from "./state.ts";
import { VgaPlanes } from "./vga-planes.ts";

const LINE_NANOSECONDS = 31_778;
/** Of each line this much is displayed: 720 of 900 dots. */
const LINE_SHOWN_NANOSECONDS = 25_422;
const LINES = 449;
const LINES_SHOWN = 400;
const RETRACE_LINES = { from: 412, to: 414 } as const;
const STATUS1 = { blanked: 1, verticalRetrace: 8 } as const;

/** Bits that exist in each register. */
const SEQUENCER_MASKS = Uint8Array.of(0x03, 0x3d, 0x0f, 0x3f, 0x0e, 0, 0, 0xff);
const GRAPHICS_MASKS = Uint8Array.of(
  0x0f,
  0x0f,
  0x0f,
  0x1f,
  0x03,
  0x7b,
  0x0f,
  0x0f,
  0xff,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
);
const CRTC_REGISTERS = 0x19;
const ATTRIBUTE_MASKS = Uint8Array.from({ length: 0x15 }, (_, index) =>
  index < 0x10 ? 0x3f : [0xef, 0xff, 0x3f, 0x0f, 0x0f][index - 0x10]!,
);

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

type State = {
  misc: number;
  feature: number;
  sequencerIndex: number;
  sequencer: Uint8Array;
  graphicsIndex: number;
  graphics: Uint8Array;
  crtcIndex: number;
  crtc: Uint8Array;
  /** Index with bit 5, palette address source. */
  attributeIndex: number;
  /** The next write to 0x3c0 is data. */
  attributeData: boolean;
  attribute: Uint8Array;
  dac: Uint8Array;
  dacMask: number;
  dacRead: number;
  dacWrite: number;
  /** Byte 0 … 2 of the colour that is read or written. */
  dacByte: number;
  /** What a read of 0x3c7 gives: 3 after a read index was set, 0 after a write index. */
  dacState: number;
  now: number;
};
type Saved = { registers: State; planes: Uint8Array; latch: Uint8Array };

export class Vga implements Device {
  readonly name = "VGA";
  readonly deadline = Infinity;
  #state: State = powerOn(0);
  readonly #planes: VgaPlanes;
  #version = 0;
  /** The last copy of the planes that was saved, shared between saves until they change. */
  #savedPlanes: Uint8Array | null = null;

  constructor() {
    const state = (): State => this.#state;
    this.#planes = new VgaPlanes({
      get sequencer() {
        return state().sequencer;
      },
      get graphics() {
        return state().graphics;
      },
    });
  }

  /** Grows with every change of what could be seen. Not state: only good for comparing in one machine. */
  get version(): number {
    return this.#version;
  }

  reset(): void {
    this.#state = powerOn(this.#state.now);
    this.#version++;
  }

  tick(now: Nanoseconds): void {
    this.#state.now = now;
  }

  /** Sets every register at once and clears the text window, as a BIOS does when it sets a text mode. */
  setMode(mode: VgaMode): void {
    const state = this.#state;
    state.misc = mode.misc;
    state.sequencer.set(mode.sequencer);
    state.crtc.set(mode.crtc);
    state.graphics.set(mode.graphics);
    state.attribute.set(mode.attribute);
    state.attributeIndex = 0x20;
    state.dac.set(mode.dac);
    for (let cell = 0; cell < 0x4000; cell++) this.#planes.bytes.set([0x20, 0x07], cell * 4);
    this.#changed(true);
  }

  /** The text screen; nothing (0 columns) in graphics modes. */
  screen(): TextScreen {
    const { crtc, graphics } = this.#state;
    if (graphics[6]! & 1) return { columns: 0, rows: 0, cells: new Uint8Array(0), cursor: null };
    const columns = crtc[1]! + 1;
    const lines = (crtc[0x12]! | ((crtc[7]! & 2) << 7) | ((crtc[7]! & 0x40) << 3)) + 1;
    const lineHeight = ((crtc[9]! & 0x1f) + 1) << (crtc[9]! >> 7);
    const rows = Math.max(Math.floor(lines / lineHeight), 1);
    const start = (crtc[0x0c]! << 8) | crtc[0x0d]!;
    const rowCells = crtc[0x13]! * 2;
    const cells = new Uint8Array(columns * rows * 2);
    const { bytes } = this.#planes;
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        const from = ((start + row * rowCells + column) * 4) & 0x3ffff;
        const to = (row * columns + column) * 2;
        cells[to] = bytes[from]!;
        cells[to + 1] = bytes[from + 1]!;
      }
    }
    return { columns, rows, cells, cursor: cursorCell(crtc, start, rowCells, columns, rows) };
  }

  /** The window at 0xa0000, byte by byte. */
  readonly memory: RegionOps = {
    read: (address) => this.#planes.read(address),
    write: (address, _size, value) => {
      if (this.#planes.write(address, value & 0xff)) this.#changed(true);
    },
  };

  /** Ports from `first` on (0x3b4, 0x3ba, 0x3c0, 0x3d4 or 0x3da), byte by byte. */
  ports(first: number): RegionOps {
    return {
      read: (address) => this.#readPort(first + address),
      write: (address, _size, value) => {
        this.#writePort(first + address, value & 0xff);
        this.#changed(false);
      },
    };
  }

  save(): PlainData {
    this.#savedPlanes ??= this.#planes.bytes.slice();
    return { registers: copyOf(this.#state), planes: this.#savedPlanes, latch: this.#planes.latch.slice() };
  }

  load(saved: PlainData): void {
    const { registers, planes, latch } = saved as Saved;
    assert(planes.length === this.#planes.bytes.length, "VGA memory size", planes.length);
    this.#state = copyOf(registers);
    this.#planes.bytes.set(planes);
    this.#planes.latch.set(latch);
    this.#changed(false);
    this.#savedPlanes = planes;
  }

  #changed(planes: boolean): void {
    this.#version++;
    if (planes) this.#savedPlanes = null;
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
        return;
      case 0x3c2:
        state.misc = value & 0xef;
        return;
      case 0x3c4:
        state.sequencerIndex = value & 7;
        return;
      case 0x3c5:
        state.sequencer[state.sequencerIndex] = value & SEQUENCER_MASKS[state.sequencerIndex]!;
        return;
      case 0x3c6:
        state.dacMask = value;
        return;
      case 0x3c7:
        Object.assign(state, { dacRead: value, dacByte: 0, dacState: 3 });
        return;
      case 0x3c8:
        Object.assign(state, { dacWrite: value, dacByte: 0, dacState: 0 });
        return;
      case 0x3c9:
        state.dac[state.dacWrite * 3 + state.dacByte] = value & 0x3f;
        state.dacByte = (state.dacByte + 1) % 3;
        if (state.dacByte === 0) state.dacWrite = (state.dacWrite + 1) & 0xff;
        return;
      case 0x3ce:
        state.graphicsIndex = value & 0x0f;
        return;
      case 0x3cf:
        state.graphics[state.graphicsIndex] = value & GRAPHICS_MASKS[state.graphicsIndex]!;
        return;
      case 0x3b4:
      case 0x3d4:
        state.crtcIndex = value;
        return;
      case 0x3b5:
      case 0x3d5:
        this.#writeCrtc(state.crtcIndex, value);
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

/** The screen cell under the cursor; null if it is off, of no height, or scrolled out. */
function cursorCell(
  crtc: Uint8Array,
  start: number,
  rowCells: number,
  columns: number,
  rows: number,
): number | null {
  if (crtc[0x0a]! & 0x20 || (crtc[0x0a]! & 0x1f) > (crtc[0x0b]! & 0x1f)) return null;
  const offset = ((crtc[0x0e]! << 8) | crtc[0x0f]!) - start;
  if (offset < 0 || rowCells === 0) return null;
  const row = Math.floor(offset / rowCells);
  const column = offset - row * rowCells;
  return row < rows && column < columns ? row * columns + column : null;
}

function powerOn(now: number): State {
  return {
    misc: 0,
    feature: 0,
    sequencerIndex: 0,
    sequencer: new Uint8Array(8),
    graphicsIndex: 0,
    graphics: new Uint8Array(16),
    crtcIndex: 0,
    crtc: new Uint8Array(CRTC_REGISTERS),
    attributeIndex: 0,
    attributeData: false,
    attribute: new Uint8Array(0x15),
    dac: new Uint8Array(768),
    dacMask: 0xff,
    dacRead: 0,
    dacWrite: 0,
    dacByte: 0,
    dacState: 0,
    now,
  };
}

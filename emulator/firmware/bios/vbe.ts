/**
 * VESA BIOS Extension, INT 10h AH=4Fh (VBE Core Functions Standard 3.0): modes of the bochs-dispi adapter with a linear frame buffer, or through the 64 KiB
 * window at A000. Not there: saving state (04h), the protected-mode interface (0Ah), DDC (15h); they say so.
 */
import { SEG } from "../../cpu/layout.ts";
import type { Call } from "./call.ts";
import { BDA } from "./data-area.ts";
import { DISPI, dispi, ENABLE, hasDispi, setDispi } from "./dispi.ts";
import { VBE_OEM_OFFSET, VIDEO_ROM_SEGMENT } from "./font.ts";
import { functions, read as readPci } from "./pci.ts";
import { setVideoMode } from "./video-set.ts";

interface Mode {
  readonly number: number;
  readonly width: number;
  readonly height: number;
  readonly bits: number;
}

/** By size: mode numbers for 8, 15, 16, 24 and 32 bits per pixel, VESA's where there are any; 0: none. */
const SIZES: readonly (readonly [width: number, height: number, numbers: readonly number[]])[] = [
  [320, 200, [0x146, 0x10d, 0x10e, 0x10f, 0x140]],
  [640, 400, [0x100, 0, 0, 0, 0x141]],
  [640, 480, [0x101, 0x110, 0x111, 0x112, 0x142]],
  [800, 600, [0x103, 0x113, 0x114, 0x115, 0x143]],
  [1024, 768, [0x105, 0x116, 0x117, 0x118, 0x144]],
  [1280, 720, [0, 0, 0x18d, 0x18e, 0x18f]],
  [1280, 1024, [0x107, 0x119, 0x11a, 0x11b, 0x145]],
  [1600, 1200, [0x11c, 0x11d, 0x11e, 0x11f, 0x147]],
  [1920, 1080, [0, 0, 0x190, 0x191, 0x192]],
];
const DEPTHS = [8, 15, 16, 24, 32] as const;
const MODES: readonly Mode[] = SIZES.flatMap(([width, height, numbers]) =>
  numbers.flatMap((number, n) => (number === 0 ? [] : [{ number, width, height, bits: DEPTHS[n]! }])),
);

/** Size and position of red, green, blue and the rest. */
const CHANNELS: Readonly<Record<number, readonly number[]>> = {
  15: [5, 10, 5, 5, 5, 0, 1, 15],
  16: [5, 11, 6, 5, 5, 0, 0, 0],
  24: [8, 16, 8, 8, 8, 0, 0, 0],
  32: [8, 16, 8, 8, 8, 0, 8, 24],
};

const VBE2 = 0x32454256; // "VBE2"
const OK = 0x004f;
const FAILED = 0x014f;
const UNSUPPORTED = 0x0100;
const LINEAR = 0x4000;
const KEEP = 0x8000;
/** Supported, colour, graphics, no VGA registers; a window and a linear frame buffer. */
const ATTRIBUTES = 0xbb;
const WINDOW_SEGMENT = 0xa000;

const lineBytes = (width: number, bits: number): number => width * ((bits + 7) >> 3);

/** The frame buffer's address: memory BAR 0 of the display controller; 0 if there is none. */
function frameBuffer(call: Call): number {
  for (const at of functions(call))
    if (readPci(call, at, 0x0a, 2) === 0x0300) return (readPci(call, at, 0x10, 4) & 0xfffffff0) >>> 0;
  return 0;
}

const usable = (call: Call): readonly Mode[] => {
  const memory = dispi(call, DISPI.memory) * 0x10000;
  return MODES.filter(({ width, height, bits }) => lineBytes(width, bits) * height <= memory);
};

/** Virtual width in pixels and depth of the mode that is set. */
function current(call: Call): { width: number; bits: number } {
  return { width: dispi(call, DISPI.virtualWidth), bits: dispi(call, DISPI.bits) };
}

export function vbe(call: Call): void {
  if (!hasDispi(call)) {
    call.ax = UNSUPPORTED | (call.ax & 0xff);
    return;
  }
  switch (call.al) {
    case 0x00:
      return information(call);
    case 0x01:
      return modeInformation(call);
    case 0x02:
      return setMode(call);
    case 0x03:
      call.bx = isOn(call) ? numberOfCurrent(call) : call.data(BDA.videoMode) & 0x7f;
      call.ax = OK;
      return;
    case 0x05:
      if (call.bl !== 0 || !isOn(call)) return fail(call);
      if (call.bh === 0) setDispi(call, DISPI.bank, call.dx);
      else call.dx = dispi(call, DISPI.bank);
      call.ax = OK;
      return;
    case 0x06:
      return scanLine(call);
    case 0x07:
      return displayStart(call);
    case 0x08: {
      if (!isOn(call)) return fail(call);
      const enable = dispi(call, DISPI.enable);
      if (call.bl === 0)
        setDispi(
          call,
          DISPI.enable,
          call.bh >= 8 ? enable | ENABLE.dac8 | ENABLE.keep : (enable & ~ENABLE.dac8) | ENABLE.keep,
        );
      call.bh = dispi(call, DISPI.enable) & ENABLE.dac8 ? 8 : 6;
      call.ax = OK;
      return;
    }
    case 0x09:
      return palette(call);
    default:
      call.ax = UNSUPPORTED | (call.ax & 0xff);
  }
}

const isOn = (call: Call): boolean => (dispi(call, DISPI.enable) & ENABLE.enabled) !== 0;

function fail(call: Call): void {
  call.ax = FAILED;
}

/** 00h: 512 bytes at ES:DI for those who ask with "VBE2", else 256. The list of modes lies in their reserved part. */
function information(call: Call): void {
  const at = call.linear(SEG.es, call.di);
  const size = call.read(at, 4) === VBE2 ? 512 : 256;
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  bytes.set(Array.from("VESA", (character) => character.charCodeAt(0)));
  view.setUint16(4, 0x0300, true);
  const oem = ((VIDEO_ROM_SEGMENT << 16) | VBE_OEM_OFFSET) >>> 0;
  view.setUint32(6, oem, true);
  view.setUint32(0x0a, 1, true); // the DAC can be switched to 8 bits
  const list = 0x22;
  view.setUint32(0x0e, ((call.core.selector(SEG.es) << 16) | ((call.di + list) & 0xffff)) >>> 0, true);
  view.setUint16(0x12, dispi(call, DISPI.memory), true);
  if (size === 512) {
    view.setUint16(0x14, 1, true);
    for (const pointer of [0x16, 0x1a, 0x1e]) view.setUint32(pointer, oem, true);
  }
  let next = list;
  for (const { number } of usable(call)) {
    view.setUint16(next, number, true);
    next += 2;
  }
  view.setUint16(next, 0xffff, true);
  call.writeBytes(at, bytes);
  call.ax = OK;
}

/** 01h: mode CX, 256 bytes to ES:DI. */
function modeInformation(call: Call): void {
  const mode = usable(call).find(({ number }) => number === (call.cx & 0x1ff));
  if (mode === undefined) return fail(call);
  const { width, height, bits } = mode;
  const bytes = new Uint8Array(256);
  const view = new DataView(bytes.buffer);
  const line = lineBytes(width, bits);
  const channels = CHANNELS[bits] ?? [0, 0, 0, 0, 0, 0, 0, 0];
  view.setUint16(0, ATTRIBUTES, true);
  bytes[2] = 7; // window A: there, readable, writable
  view.setUint16(4, 64, true);
  view.setUint16(6, 64, true);
  view.setUint16(8, WINDOW_SEGMENT, true);
  view.setUint16(0x10, line, true);
  view.setUint16(0x12, width, true);
  view.setUint16(0x14, height, true);
  bytes.set([8, 16, 1, bits, 1, bits === 8 ? 4 : 6], 0x16);
  bytes[0x1d] = Math.max(Math.floor((dispi(call, DISPI.memory) * 0x10000) / (line * height)) - 1, 0);
  bytes[0x1e] = 1;
  bytes.set(channels, 0x1f);
  bytes[0x27] = bits === 32 ? 2 : 0;
  view.setUint32(0x28, frameBuffer(call), true);
  // VBE 3.0: the same for the linear frame buffer.
  view.setUint16(0x32, line, true);
  bytes.set(channels, 0x36);
  call.writeBytes(call.linear(SEG.es, call.di), bytes);
  call.ax = OK;
}

/** 02h: mode BX; bit 14 linear, bit 15 keeps the memory. */
function setMode(call: Call): void {
  const number = call.bx & 0x1ff;
  if (number < 0x100) {
    setVideoMode(call, number | (call.bx & KEEP ? 0x80 : 0));
    call.ax = OK;
    return;
  }
  const mode = usable(call).find((each) => each.number === number);
  if (mode === undefined) return fail(call);
  setVideoMode(call, 0x13 | 0x80);
  setDispi(call, DISPI.enable, 0);
  setDispi(call, DISPI.width, mode.width);
  setDispi(call, DISPI.height, mode.height);
  setDispi(call, DISPI.bits, mode.bits);
  const linear = call.bx & LINEAR ? ENABLE.linear : 0;
  setDispi(call, DISPI.enable, ENABLE.enabled | linear | (call.bx & KEEP ? ENABLE.keep : 0));
  call.setData(BDA.columns, Math.min(mode.width >> 3, 255), 2);
  call.setData(BDA.rows, (mode.height >> 4) - 1);
  call.setData(BDA.characterHeight, 16, 2);
  call.ax = OK;
}

function numberOfCurrent(call: Call): number {
  const width = dispi(call, DISPI.width);
  const height = dispi(call, DISPI.height);
  const bits = dispi(call, DISPI.bits);
  const mode = MODES.find((each) => each.width === width && each.height === height && each.bits === bits);
  return (mode?.number ?? 0) | (dispi(call, DISPI.enable) & ENABLE.linear ? LINEAR : 0);
}

/** 06h: length of a line: BL 0 set in pixels, 1 get, 2 set in bytes, 3 get the longest. */
function scanLine(call: Call): void {
  if (!isOn(call)) return fail(call);
  const { bits } = current(call);
  const bytesPerPixel = (bits + 7) >> 3;
  const memory = dispi(call, DISPI.memory) * 0x10000;
  const longest = Math.floor(memory / dispi(call, DISPI.height) / bytesPerPixel);
  if (call.bl === 0) setDispi(call, DISPI.virtualWidth, call.cx);
  else if (call.bl === 2) setDispi(call, DISPI.virtualWidth, Math.floor(call.cx / bytesPerPixel));
  else if (call.bl > 3) return fail(call);
  const width = call.bl === 3 ? longest : current(call).width;
  call.bx = width * bytesPerPixel;
  call.cx = width;
  call.dx = Math.min(Math.floor(memory / Math.max(width * bytesPerPixel, 1)), 0xffff);
  call.ax = OK;
}

/** 07h: CX, DX: the pixel at the upper left. */
function displayStart(call: Call): void {
  if (!isOn(call)) return fail(call);
  if ((call.bl & 0x7f) === 0) {
    setDispi(call, DISPI.x, call.cx);
    setDispi(call, DISPI.y, call.dx);
  } else if (call.bl === 1) {
    call.bx = 0;
    call.cx = dispi(call, DISPI.x);
    call.dx = dispi(call, DISPI.y);
  } else return fail(call);
  call.ax = OK;
}

/** 09h: CX colours from DX on; four bytes each at ES:DI: blue, green, red, 0. */
function palette(call: Call): void {
  const at = call.linear(SEG.es, call.di);
  if ((call.bl & 0x7f) > 1) return fail(call);
  for (let n = 0; n < call.cx; n++) {
    if (call.bl === 1) {
      call.out(0x3c7, call.dx + n);
      const [red, green, blue] = [call.in(0x3c9), call.in(0x3c9), call.in(0x3c9)];
      call.writeBytes(at + n * 4, Uint8Array.of(blue, green, red, 0));
    } else {
      const [blue, green, red] = call.readBytes(at + n * 4, 4);
      call.out(0x3c8, call.dx + n);
      for (const value of [red!, green!, blue!]) call.out(0x3c9, value);
    }
  }
  call.ax = OK;
}

/**
 * The data path between the processor's window at 0xa0000 and the VGA's memory: the graphics controller's read and write modes, odd/even and chain-4
 * addressing (IBM VGA Technical Reference §2-51 ff.), and which part of the window answers.
 *
 * The four planes are a word of memory, so an operation on all of them is one on 32 bits. Elsewhere: the registers (`vga-state.ts`).
 */
import type { VgaMemory } from "./vga-memory.ts";
import { DISPI, isLinear, type VgaState } from "./vga-state.ts";

const WINDOW_BYTES = 0x20000;
const BANK_BYTES = 0x10000;

/** Which part of 0xa0000…0xbffff answers, by graphics register 6 bits 3:2: offset and size. */
const PARTS = [
  [0, WINDOW_BYTES],
  [0, 0x10000],
  [0x10000, 0x8000],
  [0x18000, 0x8000],
] as const;

/** A bit per plane as 0x00 or 0xff in each byte. */
const SPREAD = Uint32Array.from({ length: 16 }, (_, bits) =>
  [0, 1, 2, 3].reduce((word, plane) => word | (bits & (1 << plane) ? 0xff << (8 * plane) : 0), 0),
);
const spread = (bits: number): number => SPREAD[bits & 0x0f]!;
/** A byte in all four planes. */
const repeat = (byte: number): number => Math.imul(byte & 0xff, 0x01010101);

/** A window of the processor's that shows memory directly: offset from 0xa0000, size, and offset in VGA memory. */
export interface DirectWindow {
  readonly offset: number;
  readonly sizeBytes: number;
  readonly target: number;
}

const part = ({ graphics }: VgaState): (typeof PARTS)[number] =>
  PARTS[((graphics[6]! >> 2) & 3) as 0 | 1 | 2 | 3];
/** The DISPI bank moves only the window of 64 KiB. */
const bank = ({ graphics, dispi }: VgaState): number =>
  ((graphics[6]! >> 2) & 3) === 1 ? dispi[DISPI.bank]! * BANK_BYTES : 0;
const isChained = (state: VgaState): boolean => (state.sequencer[4]! & 8) !== 0 || isLinear(state);
const mapMask = (state: VgaState): number => (isLinear(state) ? 0x0f : state.sequencer[2]!);

/** Offset into VGA memory before planes are told apart, −1 if the address lies outside the part that answers. */
function offsetOf(state: VgaState, address: number): number {
  const [start, size] = part(state);
  return address >= start && address < start + size ? address - start + bank(state) : -1;
}

/** In chain-4 with all planes writable the window is memory like any other; null if it is not so now. */
export function directWindow(state: VgaState): DirectWindow | null {
  if (!isChained(state) || (mapMask(state) & 0x0f) !== 0x0f) return null;
  const [offset, sizeBytes] = part(state);
  return { offset, sizeBytes, target: bank(state) };
}

/** Byte in memory of an odd/even address: the low bit chooses between planes 0 and 1, or 2 and 3. */
const oddEven = (state: VgaState, at: number): number =>
  (((at & ~1) << 1) | (state.graphics[4]! & 2) | (at & 1)) & 0xffffff;

/** Reads a byte at an offset from 0xa0000. */
export function readPlanes(state: VgaState, memory: VgaMemory, address: number): number {
  const { graphics } = state;
  const at = offsetOf(state, address);
  if (at < 0) return 0xff;
  if (isChained(state)) return memory.byte(at);
  if ((graphics[5]! & 0x10) !== 0) return memory.byte(oddEven(state, at));
  state.latch = memory.word(at & 0x3fffff);
  if ((graphics[5]! & 8) === 0) return (state.latch >>> (8 * (graphics[4]! & 3))) & 0xff;
  const differs = (state.latch ^ spread(graphics[2]!)) & spread(graphics[7]!);
  return ~(differs | (differs >> 8) | (differs >> 16) | (differs >> 24)) & 0xff;
}

/** Writes a byte at an offset from 0xa0000. */
export function writePlanes(state: VgaState, memory: VgaMemory, address: number, value: number): void {
  const { graphics } = state;
  const at = offsetOf(state, address);
  if (at < 0) return;
  if (isChained(state)) {
    if ((mapMask(state) & (1 << (at & 3))) !== 0) memory.setByte(at, value);
  } else if ((graphics[5]! & 0x10) !== 0) {
    const byte = oddEven(state, at);
    if ((mapMask(state) & (1 << (byte & 3))) !== 0) memory.setByte(byte, value);
  } else {
    const mask = spread(mapMask(state));
    const word = at & 0x3fffff;
    memory.setWord(word, (memory.word(word) & ~mask) | (planar(state, value) & mask));
  }
}

/** What a write of `value` puts into the planes, by write mode. */
function planar({ graphics, latch }: VgaState, value: number): number {
  const rotation = graphics[3]! & 7;
  const rotated = repeat((value >> rotation) | (value << (8 - rotation)));
  const setReset = spread(graphics[0]!);
  const bitMask = repeat(graphics[8]!);
  switch ((graphics[5]! & 3) as 0 | 1 | 2 | 3) {
    case 0: {
      const enable = spread(graphics[1]!);
      return combine((rotated & ~enable) | (setReset & enable), latch, graphics[3]!, bitMask);
    }
    case 1:
      return latch;
    case 2:
      return combine(spread(value), latch, graphics[3]!, bitMask);
    case 3:
      return combine(setReset, latch, graphics[3]!, rotated & bitMask);
  }
}

/** Function select (register 3 bits 4:3), then the bit mask. */
function combine(data: number, latch: number, select: number, mask: number): number {
  const operation = (select >> 3) & 3;
  const result =
    operation === 0 ? data : operation === 1 ? data & latch : operation === 2 ? data | latch : data ^ latch;
  return (result & mask) | (latch & ~mask);
}

/**
 * The stack protector's word: which one in a frame it is, and whether it still is what it was.
 *
 * Compilers load it from a fixed offset of FS or GS (GCC's -mstack-protector-guard: 0x28 in 64-bit code, 0x14 in 32-bit code; or a symbol near RIP) and store
 * it into the frame with the next instructions. That is looked for at a function's beginning, so it is exact or not found.
 */
import { SEG } from "../../emulator/index.ts";
import { littleEndian } from "../memory/space.ts";
import { convention } from "../symbols/index.ts";
import type { Chain, Stretch } from "./chain.ts";

export interface Canary {
  readonly address: bigint;
  /** What it must be; null if that cannot be read. */
  readonly expected: bigint | null;
}

/** The load comes within the prologue; the store a few instructions later. */
const PROLOGUE_BYTES = 128;
const STORE_WITHIN = 24;
const FS = 0x64;
const GS = 0x65;

interface Load {
  /** Behind the instruction. */
  readonly end: number;
  readonly register: number;
  readonly segment: typeof FS | typeof GS;
  readonly offset: bigint;
}

export function canaryOf(chain: Chain, stretch: Stretch): Canary | null {
  const fun = stretch.frames.at(-1)?.symbols?.function;
  if (fun === undefined || chain.bits === 16) return null;
  const { bytes } = chain.space.readUpTo({ space: "linear", offset: fun.low }, PROLOGUE_BYTES);
  const done = stretch.pc - fun.low;
  const is64 = stretch.frames[0]!.architecture === "x86-64";
  for (let at = 0; at + 6 < bytes.length; at++) {
    const load = is64 ? load64(bytes, at, fun.low) : load32(bytes, at);
    if (load === null) continue;
    for (let next = load.end; next < Math.min(load.end + STORE_WITHIN, bytes.length - 8); next++) {
      const place = storeOf(bytes, next, load.register, is64);
      // Not stored yet: the word is somebody else's.
      if (place === null || (done >= 0n && done < BigInt(place.end))) continue;
      const address = addressOf(stretch, place, is64);
      return address === null ? null : { address, expected: expectedOf(chain, load, is64) };
    }
  }
  return null;
}

/** `mov reg, fs:[abs32]`, or with RIP-relative addressing (Linux from 6.15 on). */
function load64(code: Uint8Array, at: number, base: bigint): Load | null {
  const segment = code[at];
  if (segment !== FS && segment !== GS) return null;
  const rex = code[at + 1]!;
  if ((rex & 0xfb) !== 0x48 || code[at + 2] !== 0x8b) return null;
  const modrm = code[at + 3]!;
  const register = ((modrm >> 3) & 7) | ((rex & 4) << 1);
  const view = new DataView(code.buffer, code.byteOffset, code.byteLength);
  if ((modrm & 0xc7) === 0x04 && code[at + 4] === 0x25 && at + 9 <= code.length)
    return { end: at + 9, register, segment, offset: BigInt(view.getInt32(at + 5, true)) };
  if ((modrm & 0xc7) === 0x05 && at + 8 <= code.length)
    return {
      end: at + 8,
      register,
      segment,
      offset: BigInt.asIntN(64, base + BigInt(at + 8 + view.getInt32(at + 4, true))),
    };
  return null;
}

/** `mov eax, gs:[abs32]`, or another register. */
function load32(code: Uint8Array, at: number): Load | null {
  const segment = code[at];
  if (segment !== FS && segment !== GS) return null;
  const view = new DataView(code.buffer, code.byteOffset, code.byteLength);
  if (code[at + 1] === 0xa1)
    return { end: at + 6, register: 0, segment, offset: BigInt(view.getUint32(at + 2, true)) };
  if (code[at + 1] !== 0x8b || (code[at + 2]! & 0xc7) !== 0x05 || at + 7 > code.length) return null;
  const register = (code[at + 2]! >> 3) & 7;
  return { end: at + 7, register, segment, offset: BigInt(view.getUint32(at + 3, true)) };
}

interface Store {
  readonly end: number;
  readonly base: "frame" | "stack";
  readonly displacement: bigint;
}

/** `mov [rbp+d], reg`, `mov [rsp+d], reg`. */
function storeOf(code: Uint8Array, at: number, register: number, is64: boolean): Store | null {
  let here = at;
  if (is64) {
    if ((code[here]! & 0xfb) !== 0x48 || (code[here]! & 4) << 1 !== (register & 8)) return null;
    here++;
  }
  if (code[here] !== 0x89) return null;
  const modrm = code[here + 1]!;
  if (((modrm >> 3) & 7) !== (register & 7)) return null;
  const mode = modrm >> 6;
  const isStack = (modrm & 7) === 4;
  if (isStack ? code[here + 2] !== 0x24 : (modrm & 7) !== 5 || mode === 0) return null;
  if (mode === 3) return null;
  const view = new DataView(code.buffer, code.byteOffset, code.byteLength);
  const from = here + (isStack ? 3 : 2);
  const length = mode === 0 ? 0 : mode === 1 ? 1 : 4;
  const displacement = length === 0 ? 0 : length === 1 ? view.getInt8(from) : view.getInt32(from, true);
  return { end: from + length, base: isStack ? "stack" : "frame", displacement: BigInt(displacement) };
}

function addressOf(stretch: Stretch, { base, displacement }: Store, is64: boolean): bigint | null {
  const { framePointer } = convention(is64 ? "x86-64" : "i386");
  const from = base === "stack" ? stretch.low : stretch.physical.context.registers.get(framePointer);
  if (from === undefined) return null;
  const address = BigInt.asUintN(is64 ? 64 : 32, from + displacement);
  return address >= stretch.low && (stretch.high === null || address < stretch.high) ? address : null;
}

function expectedOf({ core, space }: Chain, { segment, offset }: Load, is64: boolean): bigint | null {
  const base = core.segmentBase(segment === FS ? SEG.fs : SEG.gs);
  const at = BigInt.asUintN(is64 ? 64 : 32, base + offset);
  const { bytes, why } = space.readUpTo({ space: "linear", offset: at }, is64 ? 8 : 4);
  return why === null ? littleEndian(bytes) : null;
}

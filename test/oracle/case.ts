/**
 * A case: the state before some bytes of code run, and the state at the first exception after; and the records in which cases and results
 * travel to and from the native program (`native/harness.c`, which must agree with this file).
 *
 *     request   gpr[16] rip rflags fsBase gsBase : u64    es cs ss ds fs gs codeBytes flags : u16    codeOffset pokes : u32
 *               then the code, the pokes (offset, 0 : u32, value : u64) and, if flags bit 0 is set, 512 bytes of FXSAVE image
 *     response  gpr[16] rip rflags fsBase gsBase : u64    es cs ss ds fs gs vector flags : u16       error cr2 : u64    changes 0 : u32
 *               then the changes (as pokes) and the image
 */

/** Where a case's memory lies, in linear addresses: the pages listed below, and nothing around them. */
export const ARENA = 0x1000_0000;
export const ARENA_BYTES = 0x1_0000;
export interface ArenaRegion {
  readonly name: string;
  readonly offset: number;
  readonly bytes: number;
  readonly access: "read-write" | "read" | "execute";
}
/** Offsets are from ARENA. Code pages are full of INT3 (CCh) but for the case's code; the others hold `background()`. */
export const REGIONS: readonly ArenaRegion[] = [
  { name: "code", offset: 0x1000, bytes: 0x2000, access: "execute" },
  { name: "data", offset: 0x4000, bytes: 0x2000, access: "read-write" },
  { name: "read-only", offset: 0x7000, bytes: 0x1000, access: "read" },
  { name: "stack", offset: 0x9000, bytes: 0x1000, access: "read-write" },
  { name: "end", offset: 0xf000, bytes: 0x1000, access: "read-write" },
];

export interface Selectors {
  readonly es: number;
  readonly cs: number;
  readonly ss: number;
  readonly ds: number;
  readonly fs: number;
  readonly gs: number;
}
const SELECTORS = ["es", "cs", "ss", "ds", "fs", "gs"] as const;

/** An aligned quadword of the arena. */
export interface Quad {
  readonly offset: number;
  readonly value: bigint;
}

export interface Case {
  /** What is tested, for reports: "add", "fsqrt" … */
  readonly name: string;
  /** In encoding order. */
  readonly gpr: readonly bigint[];
  readonly rip: bigint;
  readonly rflags: number;
  /** Only used where the selector is 0, as in 64-bit mode. */
  readonly fsBase: bigint;
  readonly gsBase: bigint;
  readonly selectors: Selectors;
  readonly code: Uint8Array;
  readonly codeOffset: number;
  readonly pokes: readonly Quad[];
  readonly fx: Uint8Array | null;
}

/** Result.vector of a case that does not end by itself. */
export const TIMED_OUT = 0xffff;

export interface Result {
  readonly gpr: readonly bigint[];
  readonly rip: bigint;
  readonly rflags: number;
  readonly fsBase: bigint;
  readonly gsBase: bigint;
  readonly selectors: Selectors;
  readonly vector: number;
  readonly error: number;
  /** Linear address of the last page fault: meaningful if `vector` is 14. */
  readonly cr2: bigint;
  /** Quadwords that differ from the background (pokes count as different unless they were overwritten with it). */
  readonly changes: readonly Quad[];
  readonly fx: Uint8Array | null;
}

const FX_BYTES = 512;
const QUAD_BYTES = 16;
const REQUEST_BYTES = 20 * 8 + 8 * 2 + 2 * 4;

/** What the arena holds before a case's pokes. */
export function background(): Uint8Array {
  const bytes = new Uint8Array(ARENA_BYTES);
  const view = new DataView(bytes.buffer);
  let state = 0x9e3779b97f4a7c15n;
  for (let at = 0; at < ARENA_BYTES; at += 8) {
    state = BigInt.asUintN(64, state ^ (state << 13n));
    state ^= state >> 7n;
    state = BigInt.asUintN(64, state ^ (state << 17n));
    view.setBigUint64(at, state, true);
  }
  return bytes;
}

function bytesOf(item: Case): number {
  return (
    REQUEST_BYTES + item.code.length + item.pokes.length * QUAD_BYTES + (item.fx === null ? 0 : FX_BYTES)
  );
}

export function encodeCases(cases: readonly Case[]): Uint8Array {
  const bytes = new Uint8Array(cases.reduce((sum, item) => sum + bytesOf(item), 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  const quad = (value: bigint): void => {
    view.setBigUint64(at, value, true);
    at += 8;
  };
  const half = (value: number): void => {
    view.setUint16(at, value, true);
    at += 2;
  };
  const word = (value: number): void => {
    view.setUint32(at, value, true);
    at += 4;
  };
  for (const item of cases) {
    item.gpr.forEach(quad);
    quad(item.rip);
    quad(BigInt(item.rflags));
    quad(item.fsBase);
    quad(item.gsBase);
    for (const name of SELECTORS) half(item.selectors[name]);
    half(item.code.length);
    half(item.fx === null ? 0 : 1);
    word(item.codeOffset);
    word(item.pokes.length);
    bytes.set(item.code, at);
    at += item.code.length;
    for (const poke of item.pokes) {
      word(poke.offset);
      word(0);
      quad(poke.value);
    }
    if (item.fx !== null) {
      bytes.set(item.fx, at);
      at += FX_BYTES;
    }
  }
  return bytes;
}

export function decodeResults(bytes: Uint8Array): Result[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const results: Result[] = [];
  let at = 0;
  const quad = (): bigint => {
    at += 8;
    return view.getBigUint64(at - 8, true);
  };
  const half = (): number => {
    at += 2;
    return view.getUint16(at - 2, true);
  };
  const word = (): number => {
    at += 4;
    return view.getUint32(at - 4, true);
  };
  while (at < bytes.length) {
    const gpr = Array.from({ length: 16 }, quad);
    const rip = quad();
    const rflags = Number(quad());
    const fsBase = quad();
    const gsBase = quad();
    const [es, cs, ss, ds, fs, gs] = [half(), half(), half(), half(), half(), half()];
    const vector = half();
    const withFx = half() === 1;
    const error = Number(quad());
    const cr2 = quad();
    const count = word();
    at += 4;
    const changes: Quad[] = [];
    for (let i = 0; i < count; i++) {
      const offset = word();
      at += 4;
      changes.push({ offset, value: quad() });
    }
    const fx = withFx ? bytes.slice(at, at + FX_BYTES) : null;
    if (withFx) at += FX_BYTES;
    results.push({
      gpr,
      rip,
      rflags,
      fsBase,
      gsBase,
      selectors: { es, cs, ss, ds, fs, gs },
      vector,
      error,
      cr2,
      changes,
      fx,
    });
  }
  return results;
}

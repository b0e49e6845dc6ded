/**
 * Instructions on the processor's own state that are too frequent to be left to TypeScript: interrupt and other system flags, time, segment bases, control
 * registers that are read. A meaning does what is usual (kernel code, no virtual-8086 mode); `escape` hands the rest to the operation of the
 * same name in `cpu/system/`, whose checks and faults are the complete ones.
 *
 * Invariant: after any of these the engine need not look for an interrupt. One that could let in what waits at the door (RUN.interrupt) escapes.
 */
import { MODE, RUN, SEG, SEGMENT, SEGMENT_BYTES, STATE } from "../cpu/layout.ts";
import { CR4, FLAG, STATUS_FLAGS } from "../cpu/registers.ts";
import type { Vocabulary } from "../semantics/vocabulary.ts";
import { i32, type Node } from "../wasm/index.ts";
import { family } from "./family.ts";

const [RAX, RCX, RDX] = [0, 1, 2] as const;

/** What POPF takes from the image at any privilege, of the flags that are not arithmetic; and what it takes beside that if it is longer than a word. */
const ALWAYS = FLAG.TF | FLAG.DF | FLAG.NT;
const LONG = FLAG.AC | FLAG.ID | FLAG.RF;

const baseOf = (segment: number): number => STATE.segments + segment * SEGMENT_BYTES + SEGMENT.base;

const isVirtual8086 = (v: Vocabulary): Node => v.and(v.stateWord(STATE.mode), i32(MODE.virtual8086));
const iopl = (v: Vocabulary): Node => v.and(v.shr(v.systemFlags(), i32(12)), i32(3));
const has = (v: Vocabulary, word: Node, mask: number): Node =>
  v.compare("ne", v.and(word, i32(mask)), i32(0));
const waits = (v: Vocabulary): Node => v.compare("ne", v.stateWord(RUN.interrupt), i32(0));

const requireCpl0 = (v: Vocabulary): void => v.escape(v.stateWord(STATE.cpl));

/** CLI and STI at a privilege that may change IF. In real mode CPL is 0; in virtual-8086 mode and with PVI there is more to ask. */
function requireInterruptFlag(v: Vocabulary): void {
  v.escape(v.or(isVirtual8086(v), v.compare("gt_u", v.stateWord(STATE.cpl), iopl(v))));
}

function clearInterruptFlag(v: Vocabulary): void {
  requireInterruptFlag(v);
  v.setSystemFlags(v.and(v.systemFlags(), i32(~FLAG.IF)));
}

/**
 * STI keeps interrupts out for one more instruction. That needs no word of the state if the next one is certain to be executed before anybody looks for
 * interrupts, saves the state or ends the run: if it has been charged for already (`isFollowed`). INTR and NMI change only during call-outs and
 * accesses to devices, and between runs; so none can come between, and one that the next instruction itself causes finds the shadow gone, as it
 * should be. A HLT there halts before the interrupt that ends it. The last instruction of a trace, a scratch trace's only one among them, and an STI with
 * something at the door go the long way, by STATE.shadow.
 */
function setInterruptFlag(v: Vocabulary): void {
  requireInterruptFlag(v);
  const off = v.isNot(has(v, v.systemFlags(), FLAG.IF));
  v.escape(v.and(off, v.or(waits(v), v.isNot(v.isFollowed()))));
  v.setSystemFlags(v.or(v.systemFlags(), i32(FLAG.IF)));
}

function pushFlags(v: Vocabulary): void {
  v.escape(isVirtual8086(v));
  const image = v.or(v.and(v.systemFlags(), i32(~(FLAG.VM | FLAG.RF))), v.flagsToImage());
  v.push(v.resize(image, v.width), v.width);
}

function popFlags(v: Vocabulary): void {
  v.escape(isVirtual8086(v));
  const image = v.let(v.low32(v.top(v.width)));
  const before = v.let(v.systemFlags());
  const long = v.width === 16 ? 0 : LONG;
  // TF asks for a trap after the next instruction; with AC come alignment checks, and under SMAP rights to user pages.
  const changed = v.and(v.xor(image, before), i32(long & FLAG.AC));
  const opens = v.and(waits(v), has(v, image, FLAG.IF));
  v.escape(v.or(v.or(v.and(image, i32(FLAG.TF)), changed), opens));
  const cpl = v.let(v.stateWord(STATE.cpl));
  const mayInterrupt = v.select(v.compare("le_u", cpl, iopl(v)), i32(FLAG.IF), i32(0));
  const mayPrivilege = v.select(v.isZero(cpl), i32(FLAG.IOPL), i32(0));
  const mask = v.let(v.or(v.or(mayInterrupt, mayPrivilege), i32(ALWAYS | long)));
  v.release(v.k(v.width / 8, 64));
  // RF is cleared whatever the image says.
  const taken = v.and(v.and(image, i32(~(FLAG.RF | STATUS_FLAGS))), mask);
  v.setSystemFlags(v.or(v.and(before, v.not(mask)), taken));
  v.flagsImage(image);
}

/** SWAPGS exists in 64-bit mode only. */
function swapGs(v: Vocabulary): void {
  requireCpl0(v);
  const base = v.let(v.stateQuad(baseOf(SEG.gs)));
  v.setStateQuad(baseOf(SEG.gs), v.stateQuad(STATE.kernelGsBase));
  v.setStateQuad(STATE.kernelGsBase, base);
}

/** RUN.clock is the time when the budget will be over: now is as many instants earlier as are left of it. */
function timeStamp(v: Vocabulary): void {
  v.escape(has(v, v.stateWord(STATE.cr4), CR4.TSD));
  const ahead = v.mul(v.resize(v.instantsLeft(), 64), v.resize(v.stateWord(RUN.pace), 64));
  const value = v.let(v.add(v.sub(v.stateQuad(RUN.clock), ahead), v.stateQuad(STATE.tscOffset)));
  v.setRegister(RAX, 32, v.low32(value));
  v.setRegister(RDX, 32, v.low32(v.shr(value, v.k(32, 64))));
}

const requireBases = (v: Vocabulary): void => v.escape(v.isNot(has(v, v.stateWord(STATE.cr4), CR4.FSGSBASE)));

const readBase = (segment: number) => (v: Vocabulary) => {
  requireBases(v);
  const base = v.stateQuad(baseOf(segment));
  v.write(0, v.width === 64 ? base : v.low32(base));
};

/** An address that is canonical in 48 bits is so in 57. */
const writeBase = (segment: number) => (v: Vocabulary) => {
  requireBases(v);
  const base = v.let(v.resize(v.read(0), 64));
  if (v.width === 64) {
    const canonical = v.sar(v.shl(base, v.k(16, 64)), v.k(16, 64));
    v.escape(v.compare("ne", base, canonical));
  }
  v.setStateQuad(baseOf(segment), base);
};

/** Memory gets 16 bits, a register as many as the operand size says. */
function readSelector(v: Vocabulary): void {
  const selector = v.read(1, 16);
  if (v.isMemory(0)) v.write(0, selector, 16);
  else v.write(0, v.resize(selector, v.width));
}

const escapes = { escapes: true } as const;

export const control = [
  family("cli", "", clearInterruptFlag, ["fa"], escapes),
  family("sti", "", setInterruptFlag, ["fb"], escapes),
  family("pushf", "", pushFlags, ["9c ; d64"], { escapes: true, stack: true }),
  family("popf", "", popFlags, ["9d ; d64"], { escapes: true, stack: true }),
  family("rdtsc", "", timeStamp, ["0f 31 ; w32"], escapes),
  family(
    "rdtscp",
    "",
    (v) => {
      timeStamp(v);
      v.setRegister(RCX, 32, v.stateWord(STATE.tscAux));
    },
    ["0f 01 f9 ; w32"],
    escapes,
  ),
  // Alone, a CPU waits for nobody; else its turn may end.
  family("pause", "", (v) => v.escape(v.isZero(v.stateWord(RUN.alone))), ["f3 90 ; w32"], escapes),
  family("fence", "a", () => {}, [
    "np 0f ae /5 : rm ; nomem w32",
    "np 0f ae /6 : rm ; nomem w32",
    "np 0f ae /7 : rm ; nomem w32",
  ]),
  // Without AC, supervisors may not reach user pages under SMAP: tags that say otherwise have to go.
  family(
    "clac",
    "",
    (v) => {
      v.escape(v.or(v.stateWord(STATE.cpl), v.stateWord(RUN.opened)));
      v.setSystemFlags(v.and(v.systemFlags(), i32(~FLAG.AC)));
    },
    ["np 0f 01 ca ; w32"],
    escapes,
  ),
  family(
    "stac",
    "",
    (v) => {
      requireCpl0(v);
      v.setSystemFlags(v.or(v.systemFlags(), i32(FLAG.AC)));
    },
    ["np 0f 01 cb ; w32"],
    escapes,
  ),
  family("swapgs", "", swapGs, ["0f 01 f8 ; o64 w32"], escapes),
  family("rdfsbase", "w", readBase(SEG.fs), ["f3 0f ae /0 : rm ; nomem o64 x32"], escapes),
  family("rdgsbase", "w", readBase(SEG.gs), ["f3 0f ae /1 : rm ; nomem o64 x32"], escapes),
  family("wrfsbase", "r", writeBase(SEG.fs), ["f3 0f ae /2 : rm ; nomem o64 x32"], escapes),
  family("wrgsbase", "r", writeBase(SEG.gs), ["f3 0f ae /3 : rm ; nomem o64 x32"], escapes),
  family("mov_from_sreg", "w r", readSelector, ["8c /r : rm, sreg"]),
  // The selector is zero-extended; the manual also allows a 32-bit push to write only 16 bits (SDM 2, PUSH).
  family(
    "push_sreg",
    "r",
    (v) => v.push(v.resize(v.read(0, 16), v.width), v.width),
    [
      "06 : osreg ; i64",
      "0e : osreg ; i64",
      "16 : osreg ; i64",
      "1e : osreg ; i64",
      "0f a0 : osreg ; d64",
      "0f a8 : osreg ; d64",
    ],
    { stack: true },
  ),
  family(
    "mov_r_cr",
    "w r",
    (v) => {
      requireCpl0(v);
      v.write(0, v.read(1));
    },
    ["0f 20 /r : rm, creg ; nomem x32 f64"],
    escapes,
  ),
];

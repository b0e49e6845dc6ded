/**
 * SYSCALL and SYSRET between 64-bit programs and their kernel (SDM 2): what `cpu/system/syscall.ts` does, and what follows from it for the mode
 * (`Core.updateMode`), as constants. That file has everything else: compatibility mode, single steps, watched changes of privilege, faults.
 */
import { MODE, RUN, SEG, SEGMENT, SEGMENT_BYTES, STATE, TLB } from "../cpu/layout.ts";
import { EFER, FLAG, flatCode, flatStack, STATUS_FLAGS } from "../cpu/registers.ts";
import type { Vocabulary } from "../semantics/vocabulary.ts";
import { i32, i64, type Node } from "../wasm/index.ts";
import { family } from "./family.ts";

const [RCX, R11] = [1, 11] as const;

/** What SYSRET takes from R11. */
const RETURNED = 0x3c7fd7;
/** With these in RFLAGS a change of privilege means more: a trap, or other rights to memory. */
const SPECIAL = FLAG.TF | FLAG.AC;

/** Not 0 if the instruction does not exist here, or the change of privilege is somebody's business. */
function isUnusual(v: Vocabulary): Node {
  const size = v.xor(v.and(v.stateWord(STATE.mode), i32(MODE.codeSize)), i32(2));
  const off = v.xor(v.and(v.stateWord(STATE.efer), i32(EFER.SCE)), i32(EFER.SCE));
  const special = v.and(v.systemFlags(), i32(SPECIAL));
  return v.or(v.or(v.or(size, off), special), v.or(v.stateWord(RUN.watched), v.stateWord(RUN.opened)));
}

function loadFlat(v: Vocabulary, segment: number, selector: Node, attributes: number): void {
  const at = STATE.segments + segment * SEGMENT_BYTES;
  v.setStateWord(at + SEGMENT.selector, selector);
  v.setStateWord(at + SEGMENT.attributes, i32(attributes));
  v.setStateQuad(at + SEGMENT.base, i64(0n));
  v.setStateWord(at + SEGMENT.limit, i32(-1));
}

/** 64-bit code at a privilege, and all that `updateMode` derives from it. The next fetch looks its page up anew. */
function enter(v: Vocabulary, cpl: 0 | 3, code: Node, stack: Node): void {
  const selector = (from: Node) => v.or(v.and(from, i32(0xfffc)), i32(cpl));
  loadFlat(v, SEG.cs, selector(code), flatCode(cpl, true));
  loadFlat(v, SEG.ss, selector(stack), flatStack(cpl));
  const mode = 2 | MODE.flat | MODE.stack32 | MODE.protected | MODE.long | (cpl === 3 ? MODE.user : 0);
  v.setStateWord(STATE.mode, i32(mode));
  v.setStateWord(STATE.cpl, i32(cpl));
  v.setStateWord(RUN.dataTags, i32(cpl === 3 ? TLB.readUser : TLB.readSystem));
  v.setStateWord(RUN.codeTags, i32(cpl === 3 ? 8 : 0));
  v.setStateQuad(RUN.codePage, i64(-1n));
}

function setFlags(v: Vocabulary, image: Node): void {
  const value = v.let(image);
  v.setSystemFlags(v.or(v.and(value, i32(~STATUS_FLAGS)), i32(2)));
  v.flagsImage(value);
}

function systemCall(v: Vocabulary): void {
  v.escape(isUnusual(v));
  const flags = v.let(v.or(v.systemFlags(), v.flagsToImage()));
  const selector = v.let(v.and(v.stateWord(STATE.star + 4), i32(0xffff)));
  v.setRegister(RCX, 64, v.nextRip());
  v.setRegister(R11, 64, v.resize(flags, 64));
  setFlags(v, v.and(flags, v.not(v.or(v.stateWord(STATE.fmask), i32(FLAG.RF | FLAG.VM)))));
  enter(v, 0, selector, v.add(v.and(selector, i32(0xfffc)), i32(8)));
  v.jump(v.stateQuad(STATE.lstar), 64);
}

function systemReturn(v: Vocabulary): void {
  if (v.width !== 64) return v.escape(i32(1));
  const image = v.let(v.and(v.register(R11, 32), i32(RETURNED)));
  const target = v.let(v.register(RCX, 64));
  const canonical = v.sar(v.shl(target, v.k(16, 64)), v.k(16, 64));
  const waits = v.select(v.stateWord(RUN.interrupt), v.and(image, i32(FLAG.IF)), i32(0));
  const special = v.or(v.or(v.and(image, i32(SPECIAL)), waits), v.stateWord(STATE.cpl));
  v.escape(v.or(v.or(isUnusual(v), special), v.compare("ne", target, canonical)));
  const selector = v.let(v.shr(v.stateWord(STATE.star + 4), i32(16)));
  setFlags(v, image);
  enter(v, 3, v.add(selector, i32(16)), v.add(selector, i32(8)));
  v.jump(target, 64);
}

const traits = { escapes: true, ends: true } as const;

export const systemCalls = [
  family("syscall", "", systemCall, ["0f 05 ; w32"], traits),
  family("sysret", "", systemReturn, ["0f 07"], traits),
];

/**
 * IRET from 64-bit kernel code to 64-bit code of the same privilege or to a 64-bit program, as every interrupt and page fault of a kernel ends: what
 * `cpu/system/return.ts` does, and what follows from it for the mode (`Core.updateMode`). That file has everything else: other modes and
 * privileges, tasks, descriptors that are not quite usual, single steps, watched changes of privilege, faults.
 */
import { MODE, RUN, SEG, SEGMENT, SEGMENT_BYTES, STATE, TLB } from "../cpu/layout.ts";
import { ATTRIBUTE, FLAG, STATUS_FLAGS } from "../cpu/registers.ts";
import type { Vocabulary } from "../semantics/vocabulary.ts";
import { i32, i64, type Node } from "../wasm/index.ts";
import { family } from "./family.ts";

const RSP = 4;

/** With these, before or after, more has to be done than to load registers. */
const SPECIAL = FLAG.TF | FLAG.AC | FLAG.RF;
/** What is taken from the image at CPL 0. */
const TAKEN =
  STATUS_FLAGS |
  FLAG.TF |
  FLAG.DF |
  FLAG.NT |
  FLAG.RF |
  FLAG.AC |
  FLAG.ID |
  FLAG.IF |
  FLAG.IOPL |
  FLAG.VIF |
  FLAG.VIP;

/** Upper half of a descriptor: DPL, and what must be so: present, accessed, nonconforming 64-bit code; writable data that does not expand down. */
const DPL = 0x6000;
const CODE = { mask: 0x609d00, value: 0x209900 } as const;
const DATA = { mask: 0x9f00, value: 0x9300 } as const;

const segmentAt = (segment: number): number => STATE.segments + segment * SEGMENT_BYTES;
const isNot = (v: Vocabulary, value: Node, mask: number, wanted: number): Node =>
  v.xor(v.and(value, i32(mask)), i32(wanted));

interface Descriptor {
  readonly low: Node;
  readonly high: Node;
}

/** The descriptor of a selector into the GDT; escapes unless it is of this kind and its DPL is the selector's RPL. */
function descriptor(v: Vocabulary, selector: Node, kind: typeof CODE | typeof DATA): Descriptor {
  const beyond = v.compare("gt_u", v.or(selector, i32(7)), v.stateWord(STATE.gdtr + 8));
  v.escape(v.or(beyond, v.and(selector, i32(4))));
  const offset = v.resize(v.and(selector, i32(0xfff8)), 64);
  const pair = v.let(v.load(v.add(v.stateQuad(STATE.gdtr), offset), 64));
  const high = v.let(v.low32(v.shr(pair, v.k(32, 64))));
  const privilege = v.shl(v.and(selector, i32(3)), i32(13));
  v.escape(v.or(isNot(v, high, kind.mask, kind.value), v.xor(v.and(high, i32(DPL)), privilege)));
  return { low: v.let(v.low32(pair)), high };
}

function loadSegment(v: Vocabulary, segment: number, selector: Node, { low, high }: Descriptor): void {
  const at = segmentAt(segment);
  const limit = v.let(v.or(v.and(low, i32(0xffff)), v.and(high, i32(0xf0000))));
  const pages = v.or(v.shl(limit, i32(12)), i32(0xfff));
  const middle = v.shl(v.and(high, i32(0xff)), i32(16));
  const base = v.or(v.or(v.shr(low, i32(16)), middle), v.and(high, i32(0xff000000)));
  v.setStateWord(at + SEGMENT.selector, selector);
  v.setStateWord(at + SEGMENT.attributes, v.and(v.shr(high, i32(8)), i32(0xf0ff)));
  v.setStateWord(at + SEGMENT.limit, v.select(v.and(high, i32(0x800000)), pages, limit));
  v.setStateQuad(at + SEGMENT.base, v.resize(base, 64));
}

/** The null selector, which kernels have in SS after an interrupt from a program: unusable, and of DPL 0. */
function loadNullStack(v: Vocabulary, selector: Node): void {
  const at = segmentAt(SEG.ss);
  v.setStateWord(at + SEGMENT.selector, selector);
  v.setStateWord(at + SEGMENT.attributes, i32(ATTRIBUTE.unusable));
  v.setStateWord(at + SEGMENT.limit, i32(-1));
  v.setStateQuad(at + SEGMENT.base, i64(0n));
}

/** Not 0 if a program would be left with a data segment that it may not use. */
function hasPrivilegedSegment(v: Vocabulary): Node {
  const each = [SEG.es, SEG.ds, SEG.fs, SEG.gs].map((segment) => {
    const attributes = v.let(v.stateWord(segmentAt(segment) + SEGMENT.attributes));
    const isUsable = v.isZero(v.and(attributes, i32(ATTRIBUTE.unusable)));
    return v.and(isUsable, v.compare("ne", v.and(attributes, i32(ATTRIBUTE.dpl)), i32(ATTRIBUTE.dpl)));
  });
  return each.reduce((some, one) => v.or(some, one));
}

function interruptReturn(v: Vocabulary): void {
  if (v.width !== 64) return v.escape(i32(1));
  const before = v.let(v.systemFlags());
  const usual = MODE.long | 2;
  const mode = isNot(v, v.stateWord(STATE.mode), MODE.long | MODE.codeSize | MODE.user, usual);
  const flags = v.and(before, i32(SPECIAL | FLAG.NT));
  const others = v.or(v.or(v.stateWord(RUN.watched), v.stateWord(RUN.opened)), v.stateWord(STATE.nmiBlocked));
  v.escape(v.or(v.or(mode, flags), v.or(others, v.stateWord(STATE.cpl))));

  const target = v.let(v.top(64));
  const code = v.let(v.and(v.low32(v.top(64, 8)), i32(0xffff)));
  const image = v.let(v.low32(v.top(64, 16)));
  const canonical = v.sar(v.shl(target, v.k(16, 64)), v.k(16, 64));
  const waits = v.select(v.stateWord(RUN.interrupt), v.and(image, i32(FLAG.IF)), i32(0));
  v.escape(v.or(v.or(v.and(image, i32(SPECIAL)), waits), v.compare("ne", target, canonical)));
  const rpl = v.let(v.and(code, i32(3)));
  const toProgram = v.let(v.compare("eq", rpl, i32(3)));
  v.escape(v.and(rpl, v.isNot(toProgram)));
  const codeDescriptor = descriptor(v, code, CODE);
  const pointer = v.let(v.top(64, 24));
  const stack = v.let(v.and(v.low32(v.top(64, 32)), i32(0xffff)));
  const isNull = v.let(v.isZero(v.and(stack, i32(0xfffc))));
  v.escape(v.and(toProgram, v.or(isNull, hasPrivilegedSegment(v))));
  v.escape(v.and(v.isNot(isNull), v.compare("ne", v.and(stack, i32(3)), rpl)));

  const finish = (load: () => void): void => {
    v.setSystemFlags(v.or(v.and(before, i32(~TAKEN)), v.and(image, i32(TAKEN & ~STATUS_FLAGS))));
    v.flagsImage(image);
    load();
    loadSegment(v, SEG.cs, code, codeDescriptor);
    const wide = v.stateWord(segmentAt(SEG.ss) + SEGMENT.attributes);
    const stackBits = v.select(v.and(wide, i32(ATTRIBUTE.big)), i32(MODE.stack32), i32(0));
    const user = v.select(toProgram, i32(MODE.user), i32(0));
    v.setStateWord(STATE.mode, v.or(v.or(stackBits, user), i32(2 | MODE.flat | MODE.protected | MODE.long)));
    v.setStateWord(STATE.cpl, rpl);
    v.setStateWord(RUN.dataTags, v.select(toProgram, i32(TLB.readUser), i32(TLB.readSystem)));
    v.setStateWord(RUN.codeTags, v.select(toProgram, i32(8), i32(0)));
    v.setStateQuad(RUN.codePage, i64(-1n));
    v.setRegister(RSP, 64, pointer);
    v.jump(target, 64);
  };
  v.if(isNull, () => finish(() => loadNullStack(v, stack)));
  const stackDescriptor = descriptor(v, stack, DATA);
  finish(() => loadSegment(v, SEG.ss, stack, stackDescriptor));
}

export const returns = [
  family("iret", "", interruptReturn, ["cf"], { escapes: true, ends: true, stack: true }),
];

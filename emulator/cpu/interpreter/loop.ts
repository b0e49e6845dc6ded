/**
 * The interpreter as a WebAssembly module: one function that finds traces and runs their records, with the hot handlers inside its jump table
 * and every other handler as a function behind an indirect call.
 *
 * Invariant: `run` leaves state.rip at the next instruction when it returns, or at the start of the trace under way when a host call throws;
 * RUN.record then says which record it was.
 */
import {
  FunctionBuilder,
  block,
  br,
  brIf,
  call,
  encodeModule,
  get,
  i32,
  i64,
  label,
  load,
  loop,
  op,
  ret,
  set,
  store,
  when,
  type FunctionBody,
  type Label,
  type Local,
  type ModuleDescription,
  type Node,
  type Signature,
} from "../../wasm/index.ts";
import { exceptionFunctions } from "../../isa/index.ts";
import { INSTRUCTION_BYTES_MAX } from "../decode.ts";
import { flagWordsFunction } from "../translator/flags.ts";
import {
  ADDRESS_SIZE,
  CROSSING,
  EXIT,
  ITLB,
  MODE,
  RECORD,
  RUN,
  SEG,
  SEGMENT,
  SEGMENT_BYTES,
  STATE,
  TRACE,
  TRACE_GRAIN,
  TRACE_GUESS,
  TRACE_INDEX,
} from "../layout.ts";
import { PLAIN_DATA, bulkFunctions } from "./bulk.ts";
import {
  HandlerVocabulary,
  escapeTo,
  functionEnding,
  loopEnding,
  memory,
  put32,
  put64,
  recordIndex,
} from "./handler.ts";
import { mmuFunctions } from "../mmu/index.ts";
import { FIRST_COLD, PSEUDO, coldVariants, hotVariants, variantName } from "./variant.ts";

/** What the host provides. Anything here may throw a Fault or a Halt through the emitted code. */
const IMPORTS: ModuleDescription["imports"] = [
  { name: "slowRead", signature: { params: ["i32"], result: "i32" } },
  { name: "slowWrite", signature: { params: ["i32"], result: "i32" } },
  { name: "slowModify", signature: { params: ["i32"], result: "i32" } },
  { name: "commit", signature: { params: [], result: "void" } },
  { name: "segmented", signature: { params: ["i32", "i32", "i32"], result: "void" } },
  { name: "raise", signature: { params: ["i32", "i32"], result: "void" } },
  { name: "nearTarget", signature: { params: [], result: "void" } },
  { name: "refuseVector", signature: { params: ["i32"], result: "void" } },
  { name: "divide128", signature: { params: ["i64", "i32"], result: "i32" } },
  { name: "operate", signature: { params: ["i32"], result: "i32" } },
];

/** Slots for translated regions that the function table begins with; more are added behind. */
const REGION_SLOTS = 4096;

const HANDLER: Signature = { params: ["i32"], result: "i32" };
const HANDLER_KEY = "i32>i32";

/** Emits the whole module. `run(trace)` enters `trace`, or looks state.rip up if it is 0, and returns an EXIT. */
export function interpreterModule(): Uint8Array {
  const cold = coldVariants.map((variant, index) => {
    const f = new FunctionBuilder(`h${index}_${variantName(variant)}`, HANDLER);
    const rec = f.param(0);
    new HandlerVocabulary(f, variant, rec, functionEnding).emitHandler();
    f.emit(i32(0));
    return f.finish();
  });
  const functions: FunctionBody[] = [
    effectiveFunction(),
    linearFunction(),
    linearLowFunction(),
    stackOffsetFunction(),
    setStackPointerFunction(),
    ...mmuFunctions(),
    crossingFunction(),
    runFunction(),
    flagWordsFunction(),
    escapeFunction(),
    ...exceptionFunctions(),
    ...bulkFunctions(),
    ...cold,
  ];
  return encodeModule({
    imports: IMPORTS,
    functions,
    table: cold.map((f) => f.name),
    tableRoom: REGION_SLOTS,
  });
}

/** Offset of a record's memory operand, masked to its address size. */
function effectiveFunction(): FunctionBody {
  const f = new FunctionBuilder("effective", { params: ["i32"], result: "i64" });
  const rec = get(f.param(0));
  const register = (offset: number) => load("i64.load", load("i32.load16_u", rec, offset));
  const index = op(
    "i64.shl",
    register(RECORD.index),
    op("i64.extend_i32_u", load("i32.load8_u", rec, RECORD.shift)),
  );
  const size = f.let(load("i32.load8_u", rec, RECORD.addressSize));
  const displacement = when(
    op("i32.eq", size, i32(ADDRESS_SIZE.wide)),
    [load("i64.load", rec, RECORD.displacement)],
    [load("i64.load32_s", rec, RECORD.displacement)],
    "i64",
  );
  const sum = f.let(op("i64.add", op("i64.add", register(RECORD.base), displacement), index));
  f.emit(when(op("i32.ge_u", size, i32(ADDRESS_SIZE[64])), [ret(sum)]));
  f.emit(when(size, [ret(op("i64.and", sum, i64(0xffffffffn)))]));
  f.emit(op("i64.and", sum, i64(0xffffn)));
  return f.finish();
}

/**
 * Linear address of (record, segment number, offset, bytes | access << 8). In 64-bit mode only FS and GS have a base, and nothing a limit. Elsewhere a
 * writable expand-up segment, which nearly all are, is checked here; the host decides about the others and raises the faults.
 */
function linearFunction(): FunctionBody {
  const f = new FunctionBuilder("linear", { params: ["i32", "i32", "i64", "i32"], result: "i64" });
  const [rec, segment, offset, access] = f.params.map(get) as [Node, Node, Node, Node];
  const at = f.let(op("i32.mul", segment, i32(SEGMENT_BYTES)));
  const base = load("i64.load", at, STATE.segments + SEGMENT.base);
  const size = op("i32.and", access, i32(0xff));
  const long = op("i32.eq", op("i32.and", memory(STATE.mode, "i32.load"), i32(MODE.codeSize)), i32(2));
  const based = op("i32.ge_u", segment, i32(SEG.fs));
  f.emit(when(long, [when(based, [ret(op("i64.add", offset, base))]), ret(offset)]));
  const kind = op("i32.and", load("i32.load", at, STATE.segments + SEGMENT.attributes), i32(PLAIN_DATA.mask));
  const last = op("i64.add", offset, op("i64.extend_i32_u", op("i32.sub", size, i32(1))));
  const limit = load("i64.load32_u", at, STATE.segments + SEGMENT.limit);
  const plain = op("i32.and", op("i32.eq", kind, i32(PLAIN_DATA.value)), op("i64.le_u", last, limit));
  f.emit(when(plain, [ret(op("i64.and", op("i64.add", offset, base), i64(0xffffffffn)))]));
  f.emit(put64(RUN.effective, offset), put32(RUN.record, rec));
  f.emit(call("segmented", "void", segment, size, op("i32.shr_u", access, i32(8))));
  f.emit(memory(RUN.address, "i64.load"));
  return f.finish();
}

/** Low 32 bits of the linear address of (record, offset) in the record's segment, unchecked. */
function linearLowFunction(): FunctionBody {
  const f = new FunctionBuilder("linearLow", { params: ["i32", "i64"], result: "i32" });
  const [rec, offset] = f.params.map(get) as [Node, Node];
  const segment = f.let(load("i32.load8_u", rec, RECORD.segment));
  const base = load("i32.load", op("i32.mul", segment, i32(SEGMENT_BYTES)), STATE.segments + SEGMENT.base);
  const long = op("i32.eq", op("i32.and", memory(STATE.mode, "i32.load"), i32(MODE.codeSize)), i32(2));
  const flat = op("i32.and", long, op("i32.lt_u", segment, i32(SEG.fs)));
  const low = op("i32.wrap_i64", offset);
  f.emit(op("i32.add", low, op("select", i32(0), base, flat)));
  return f.finish();
}

/** A stack pointer cut to the size that SS.B gives. */
function stackOffsetFunction(): FunctionBody {
  const f = new FunctionBuilder("stackOffset", { params: ["i64"], result: "i64" });
  const value = get(f.param(0));
  const wide = op("i32.and", memory(STATE.mode, "i32.load"), i32(MODE.stack32));
  f.emit(when(wide, [op("i64.and", value, i64(0xffffffffn))], [op("i64.and", value, i64(0xffffn))], "i64"));
  return f.finish();
}

function setStackPointerFunction(): FunctionBody {
  const f = new FunctionBuilder("setStackPointer", { params: ["i64"], result: "void" });
  const value = get(f.param(0));
  const wide = op("i32.and", memory(STATE.mode, "i32.load"), i32(MODE.stack32));
  const half: Node = {
    kind: "store",
    type: "void",
    op: "i64.store16",
    address: i32(0),
    offset: STATE.gpr + 32,
    value,
  };
  f.emit(when(wide, [put64(STATE.gpr + 32, op("i64.and", value, i64(0xffffffffn)))], [half]));
  return f.finish();
}

function runFunction(): FunctionBody {
  const f = new FunctionBuilder("run", { params: ["i32"], result: "i32" });
  const trace = f.param(0);
  const rec = f.local("i32");
  const interpret = f.local("i32");
  const labels = { next: label("next"), enter: label("enter"), dispatch: label("dispatch") };
  const body = f.collect(() => {
    f.emit(...lookup(f, trace));
    f.emit(
      loop(labels.enter, [
        ...enter(f, trace, rec, interpret, labels.next),
        loop(labels.dispatch, dispatch(f, trace, rec, labels)),
      ]),
    );
  });
  // A trace given by the caller skips the look-up on the first round.
  f.emit(loop(labels.next, body));
  f.emit(i32(EXIT.budget));
  return f.finish(true);
}

/** What a handler escapes to: executes the record's operation in TypeScript and answers as a handler does. */
function escapeFunction(): FunctionBody {
  const f = new FunctionBuilder("escape", HANDLER);
  f.emit(...escapeTo(f, get(f.param(0)), functionEnding), i32(0));
  return f.finish();
}

/** Finds the trace for state.rip unless `trace` is already set. */
function lookup(f: FunctionBuilder, trace: Local): readonly Node[] {
  const given = label("given");
  const body = f.collect(() => {
    f.emit(brIf(given, get(trace)));
    // With nothing left to run nothing is looked up: it would fill the TLB before its time, and only where the page cache knows the tables.
    f.emit(when(op("i32.eqz", memory(RUN.budget, "i32.load")), [ret(i32(EXIT.budget))]));
    const csBase = memory(STATE.segments + SEG.cs * SEGMENT_BYTES + SEGMENT.base, "i64.load");
    const linear = f.let(
      op("i64.and", op("i64.add", memory(STATE.rip, "i64.load"), csBase), memory(RUN.linearMask, "i64.load")),
    );
    const page = f.let(op("i64.and", linear, i64(-0x1000n)));
    f.emit(when(op("i64.ne", page, memory(RUN.codePage, "i64.load")), codePage(f, page)));
    const offset = op("i32.and", op("i32.wrap_i64", linear), i32(0xfff));
    const frame = memory(RUN.codeFrame, "i64.load");
    const low = f.let(op("i32.or", op("i32.wrap_i64", op("i64.shl", frame, i64(12n))), offset));
    const mode = op("i32.shl", memory(STATE.mode, "i32.load"), i32(20));
    const high = f.let(op("i32.or", op("i32.wrap_i64", op("i64.shr_u", frame, i64(20n))), mode));
    const hash = (
      value: Node,
      { entries, entryBytes, fold }: typeof TRACE_INDEX | typeof TRACE_GUESS,
    ): Node => {
      const bits = op("i32.xor", op("i32.shr_u", value, i32(TRACE_GRAIN)), op("i32.shr_u", value, i32(fold)));
      return op("i32.shl", op("i32.and", bits, i32(entries - 1)), i32(Math.log2(entryBytes)));
    };
    const isIt = (): Node => {
      const differs = (field: number, value: Node) =>
        op("i32.xor", load("i32.load", get(trace), field), value);
      return op("i32.eqz", op("i32.or", differs(TRACE.keyLow, low), differs(TRACE.keyHigh, high)));
    };
    // Where this linear address led last is known before its page's translation is.
    const guess = f.let(hash(op("i32.wrap_i64", linear), TRACE_GUESS));
    f.emit(set(trace, load("i32.load", guess, TRACE_GUESS.base)));
    const slot = hash(low, TRACE_INDEX);
    const found = label("found");
    const others = label("others");
    const crosses = [
      set(trace, call("crossing", "i32", slot, low, high, page)),
      when(op("i32.eqz", get(trace)), [ret(i32(EXIT.miss))]),
      put32(RUN.link, i32(0)),
      br(given),
    ];
    const missing = when(op("i32.eqz", get(trace)), crosses);
    const another = set(trace, load("i32.load", get(trace), TRACE.next));
    const search = loop(others, [another, missing, brIf(found, isIt()), br(others)]);
    const guessed = label("guessed");
    f.emit(
      block(guessed, [
        brIf(guessed, op("i32.and", isIt(), op("i32.ne", get(trace), i32(0)))),
        set(trace, load("i32.load", slot, TRACE_INDEX.base)),
        block(found, [missing, brIf(found, isIt()), search]),
        store("i32.store", guess, TRACE_GUESS.base, get(trace)),
      ]),
    );
    // The branch that led here may remember where it went.
    const link = f.let(memory(RUN.link, "i32.load"));
    const remember: Node = {
      kind: "store",
      type: "void",
      op: "i32.store",
      address: link,
      offset: 0,
      value: get(trace),
    };
    f.emit(when(link, [remember, put32(RUN.link, i32(0))]));
  });
  return [block(given, body)];
}

/**
 * The trace of an instruction that crosses a page, or 0: of (its place in TRACE_INDEX, its key, its linear page). Only the TLB is asked for the second page.
 */
function crossingFunction(): FunctionBody {
  const f = new FunctionBuilder("crossing", { params: ["i32", "i32", "i32", "i64"], result: "i32" });
  const [slot, low, high, page] = f.params.map(get) as [Node, Node, Node, Node];
  const offset = op("i32.and", low, i32(0xfff));
  f.emit(when(op("i32.lt_u", offset, i32(0x1000 - INSTRUCTION_BYTES_MAX + 1)), [ret(i32(0))]));
  const next = f.let(op("i64.and", op("i64.add", page, i64(0x1000n)), memory(RUN.linearMask, "i64.load")));
  const { entry, tag } = codeEntry(f, next);
  const isAbove = load("i32.load", entry, ITLB.base + ITLB.physicalHigh);
  f.emit(when(op("i32.or", op("i64.ne", tag, next), isAbove), [ret(i32(0))]));
  const second = f.let(load("i32.load", entry, ITLB.base + ITLB.physicalLow));
  const trace = f.local("i32");
  const field = (at: number): Node => load("i32.load", get(trace), at);
  const key = op("i32.or", high, i32(TRACE.unlisted));
  const isKey = op("i32.eqz", op("i32.or", op("i32.xor", field(TRACE.keyLow), low), op("i32.xor", field(TRACE.keyHigh), key))); // oxfmt-ignore
  const isIt = op("i32.eq", field(CROSSING.page), second);
  const others = label("others");
  f.emit(set(trace, load("i32.load", slot, TRACE_INDEX.base)));
  f.emit(
    loop(others, [
      when(op("i32.eqz", get(trace)), [ret(i32(0))]),
      when(isKey, [when(isIt, [ret(get(trace))])]),
      set(trace, field(TRACE.next)),
      br(others),
    ]),
  );
  f.emit(i32(0));
  return f.finish();
}

/** Offset of a linear page's entry in the instruction TLB, and the tag that it has for fetches at this privilege. */
function codeEntry(f: FunctionBuilder, page: Node): { readonly entry: Node; readonly tag: Node } {
  const number = op("i32.wrap_i64", op("i64.shr_u", page, i64(12n)));
  const shift = i32(Math.log2(ITLB.entryBytes));
  const entry = f.let(op("i32.shl", op("i32.and", number, i32(ITLB.entries - 1)), shift));
  return { entry, tag: load("i64.load", op("i32.add", entry, memory(RUN.codeTags, "i32.load")), ITLB.base) };
}

/** Another page is entered: its translation comes from the instruction TLB, which a walk fills, or the host fetches it. */
function codePage(f: FunctionBuilder, page: Node): readonly Node[] {
  return f.collect(() => {
    const { entry, tag } = codeEntry(f, page);
    const absent = op("i32.eqz", call("refillCode", "i32", page));
    f.emit(when(op("i64.ne", tag, page), [when(absent, [ret(i32(EXIT.miss))])]));
    f.emit(put64(RUN.codePage, page));
    f.emit(put64(RUN.codeFrame, load("i64.load", entry, ITLB.base + ITLB.physicalLow)));
  });
}

/** Charges a trace to the budget and starts it, or leaves with state.rip at its first instruction. */
function enter(f: FunctionBuilder, trace: Local, rec: Local, interpret: Local, next: Label): readonly Node[] {
  return f.collect(() => {
    const field = (offset: number) => load("i32.load", get(trace), offset);
    // A region that can be entered here runs instead, unless it has just said that it cannot go on from here.
    const region = f.let(field(TRACE.region));
    const unlimited = op("i64.ge_u", memory(RUN.codeLimit, "i64.load"), i64(0xffffffffn));
    const slot = op("i32.and", region, i32(~TRACE.limited));
    const instead = f.collect(() => runRegion(f, trace, slot, interpret, next));
    f.emit(when(region, [when(slot, [when(op("i32.eqz", get(interpret)), [when(unlimited, instead)])])]));
    f.emit(set(interpret, i32(0)));
    const heat = f.let(op("i32.sub", field(TRACE.heat), i32(1)));
    f.emit(store("i32.store", get(trace), TRACE.heat, heat));
    const hot = [put32(RUN.trace, get(trace)), ret(i32(EXIT.hot))];
    f.emit(when(op("i32.eqz", heat), [when(isDead(trace), forget(trace, rec, next)), ...hot]));
    const left = f.let(op("i32.sub", memory(RUN.budget, "i32.load"), field(TRACE.count)));
    f.emit(when(op("i32.lt_s", left, i32(0)), [ret(i32(EXIT.budget))]));
    const rip = f.let(memory(STATE.rip, "i64.load"));
    const last = op("i64.add", rip, op("i64.extend_i32_u", field(TRACE.lastByte)));
    const beyond = op("i64.gt_u", last, memory(RUN.codeLimit, "i64.load"));
    f.emit(when(op("i32.lt_s", region, i32(0)), [when(beyond, [ret(i32(EXIT.miss))])]));
    f.emit(put32(RUN.budget, left), put64(RUN.traceRip, rip), put32(RUN.trace, get(trace)));
    f.emit(set(rec, op("i32.add", get(trace), i32(TRACE.headerBytes))));
  });
}

const isDead = (trace: Local): Node => {
  const first = load("i32.load16_u", get(trace), TRACE.headerBytes + RECORD.handler);
  return op("i32.eq", first, i32(PSEUDO.dead));
};
/**
 * Only a link leads to a dead trace: the branch's record `rec` forgets it, so that it will remember the one that is found in its place. (REP repeats its own
 * trace when that has died, too; what is written to its record does not matter any more.)
 */
function forget(trace: Local, rec: Local, next: Label): readonly Node[] {
  const unlink = (link: number): Node =>
    when(op("i32.eq", load("i32.load", get(rec), link), get(trace)), [
      store("i32.store", get(rec), link, i32(0)),
    ]);
  const heat = store("i32.store", get(trace), TRACE.heat, i32(1));
  const links = when(get(rec), [unlink(RECORD.linkTaken), unlink(RECORD.linkNext)]);
  return [heat, links, set(trace, i32(0)), br(next)];
}

/** Runs a region; then the next trace is looked up. */
function runRegion(f: FunctionBuilder, trace: Local, region: Node, interpret: Local, next: Label): void {
  // Regions count on: one that is entered very often is worth a larger one.
  const heat = f.let(op("i32.sub", load("i32.load", get(trace), TRACE.heat), i32(1)));
  f.emit(store("i32.store", get(trace), TRACE.heat, heat));
  f.emit(when(op("i32.eqz", heat), [put32(RUN.trace, get(trace)), ret(i32(EXIT.hot))]));
  const before = f.let(memory(RUN.budget, "i32.load"));
  const indirect: Node = {
    kind: "call_indirect",
    type: "i32",
    signature: HANDLER_KEY,
    args: [get(trace)],
    index: region,
  };
  f.emit(set(interpret, indirect));
  const spent = op("i64.extend_i32_u", op("i32.sub", before, memory(RUN.budget, "i32.load")));
  f.emit(put64(RUN.translated, op("i64.add", memory(RUN.translated, "i64.load"), spent)));
  f.emit(put32(RUN.entered, op("i32.add", memory(RUN.entered, "i32.load"), i32(1))));
  f.emit(put32(RUN.leftOver, op("i32.add", memory(RUN.leftOver, "i32.load"), get(interpret))));
  f.emit(set(trace, i32(0)), br(next));
}

function dispatch(
  f: FunctionBuilder,
  trace: Local,
  rec: Local,
  labels: { dispatch: Label; enter: Label; next: Label },
): readonly Node[] {
  const ending = loopEnding(rec, trace, labels);
  const handlers: { label: Label; body: readonly Node[] }[] = [];
  const handler = (name: string, write: () => void) =>
    handlers.push({ label: label(name), body: f.collect(() => f.scope(write)) });
  const ownRip = (): Node =>
    op(
      "i64.add",
      memory(RUN.traceRip, "i64.load"),
      op("i64.extend_i32_u", load("i32.load16_u", get(rec), RECORD.offset)),
    );
  /** Gives back what the trace was charged for this record and those behind it. */
  const refund = (): Node => {
    const count = load("i32.load", memory(RUN.trace, "i32.load"), TRACE.count);
    const rest = op("i32.sub", count, recordIndex(get(rec)));
    return put32(RUN.budget, op("i32.add", memory(RUN.budget, "i32.load"), rest));
  };

  handler("end", () => f.emit(put64(STATE.rip, ownRip()), ...ending.lookup()));
  handler("dead", () => f.emit(refund(), put64(STATE.rip, ownRip()), ...ending.lookup()));
  handler("yield", () => f.emit(refund(), put64(STATE.rip, ownRip()), ret(i32(EXIT.yield))));
  handler("break", () => f.emit(refund(), put64(STATE.rip, ownRip()), ret(i32(EXIT.break))));
  handler("operate", () => f.emit(...escapeTo(f, get(rec), ending)));
  for (const variant of hotVariants)
    handler(variantName(variant), () => new HandlerVocabulary(f, variant, rec, ending).emitHandler());

  const cold = label("cold");
  const number = f.local("i32");
  const table: Node = {
    kind: "br_table",
    type: "void",
    index: get(number),
    labels: handlers.map((h) => h.label),
    default: cold,
  };
  const jump = block(cold, [set(number, load("i32.load16_u", get(rec), RECORD.handler)), table]);
  const answer = f.local("i32");
  const indirect: Node = {
    kind: "call_indirect",
    type: "i32",
    signature: HANDLER_KEY,
    args: [get(rec)],
    index: op("i32.sub", get(number), i32(FIRST_COLD)),
  };
  const afterCold: Node[] = [
    set(answer, indirect),
    when(op("i32.eqz", get(answer)), ending.next()),
    when(op("i32.eq", get(answer), i32(1)), ending.lookup()),
    when(op("i32.lt_s", get(answer), i32(0)), ending.exit(op("i32.sub", i32(0), get(answer)))),
    ...ending.enter(get(answer)),
  ];
  // Block k ends where handler k begins; the innermost holds the jump. Cold comes first, the pseudo handlers outermost.
  let body: Node[] = [jump, ...afterCold];
  for (const { label: target, body: code } of handlers) body = [block(target, body), ...code];
  return body;
}

/**
 * Iterations of REP string instructions done at once: functions of the core module. Regions leave REP to the interpreter, which calls them.
 *
 * Invariant: what a function here does is what so many single iterations would do, and nothing if they would not all hit the TLB. It faults never, fills no
 * entry of the TLB, reaches neither devices nor pages that hold code or are watched (those have no tags), and touches neither registers nor the budget:
 * it answers how many iterations it has done, and the caller sees to the rest. 0 is always a right answer.
 * Elsewhere: who asks, and the iteration behind (`isa/string.ts`).
 *
 * `form` says what is repeated:
 *
 *     1:0  log2 of an element's bytes      2  DF: downwards      3  scans: go on while unequal (REPNE)
 *     5:4  address size of `stringSpan`: 0 = 16, 1 = 32, 2 = 64 bits
 */
import {
  FunctionBuilder,
  block,
  br,
  brIf,
  call,
  get,
  i32,
  i64,
  label,
  load,
  loop,
  memoryCopy,
  memoryFill,
  op,
  ret,
  set,
  store,
  when,
  type FunctionBody,
  type LoadName,
  type Local,
  type Node,
  type StoreName,
} from "../../wasm/index.ts";
import type { BulkKind, BulkOperands } from "../../semantics/vocabulary.ts";
import { dataEntry, hostAddress, lastPage } from "../fast-path.ts";
import { MODE, RUN, SEG, SEGMENT, SEGMENT_BYTES, STATE, TLB } from "../layout.ts";

export const FORM = { size: 3, down: 4, unequal: 8, address: 4 } as const;

const PAGE = 4096;
/** Below so many bytes a loop is faster than the call that a bulk operation of WebAssembly is (Node 20: 25 ns). */
const SHORT = 128;

/** Attributes of a usable, writable, expand-up data segment: of unusable, code, expand-down and writable only the last is set. */
export const PLAIN_DATA = { mask: 0x1000e, value: 0x2 } as const;

const word = (offset: number): Node => load("i32.load", i32(0), offset);
const add = (a: Node, b: Node): Node => op("i32.add", a, b);
const sub = (a: Node, b: Node): Node => op("i32.sub", a, b);

export const bulkFunctions = (): readonly FunctionBody[] => [
  bulkMove(),
  bulkStore(),
  bulkLoad(),
  bulkScan(),
  bulkCompare(),
  stringSpan(),
  stringLinear(),
];

/** log2 of an element's bytes, from a form. */
const shiftOf = (form: Node): Node => op("i32.and", form, i32(FORM.size));
const isDown = (form: Node): Node => op("i32.and", form, i32(FORM.down));

/** Returns 0 unless the page of a linear address has a tag for this access; else its host address. */
function hostOf(f: FunctionBuilder, linear: Node, access: "read" | "write"): Node {
  const entry = f.let(dataEntry(linear));
  const tag = access === "read" ? TLB.readSystem : TLB.writeSystem;
  const found = load("i64.load", add(entry, word(RUN.dataTags)), TLB.base + tag);
  f.emit(when(op("i64.ne", lastPage(linear, 1), found), [ret(i32(0))]));
  return f.let(hostAddress(entry, linear));
}
const inPage = (linear: Node): Node => op("i32.and", op("i32.wrap_i64", linear), i32(PAGE - 1));

/** Makes `count` no greater than the number of elements from `linear` on that lie in its page. */
function keepInPage(f: FunctionBuilder, count: Local, linear: Node, form: Node): void {
  const offset = f.let(inPage(linear));
  const shift = f.let(shiftOf(form));
  const fits = op("i32.le_u", add(offset, op("i32.shl", i32(1), shift)), i32(PAGE));
  const below = when(fits, [add(op("i32.shr_u", offset, shift), i32(1))], [i32(0)], "i32");
  const above = op("i32.shr_u", sub(i32(PAGE), offset), shift);
  const room = f.let(when(isDown(form), [below], [above], "i32"));
  f.emit(when(op("i32.lt_u", room, get(count)), [set(count, room)]));
}

/** Distance in bytes from the first element to the lowest one. */
const lowest = (bytes: Node, shift: Node, form: Node): Node =>
  when(isDown(form), [sub(bytes, op("i32.shl", i32(1), shift))], [i32(0)], "i32");

/** Runs `step` over [at, at + bytes) in steps of `size`, as often as they fit; `at` and `bytes` are what is left afterwards. */
function inSteps(f: FunctionBuilder, size: number, bytes: Local, step: () => void): void {
  const again = label("again");
  const body = f.collect(() => {
    step();
    f.emit(set(bytes, sub(get(bytes), i32(size))), brIf(again, op("i32.ge_u", get(bytes), i32(size))));
  });
  f.emit(when(op("i32.ge_u", get(bytes), i32(size)), [loop(again, body)]));
}

const WIDTHS = [8, 4, 2, 1] as const;
const LOADS: Record<1 | 2 | 4 | 8, LoadName> = {
  1: "i64.load8_u",
  2: "i64.load16_u",
  4: "i64.load32_u",
  8: "i64.load",
};
const STORES: Record<1 | 2 | 4 | 8, StoreName> = {
  1: "i64.store8",
  2: "i64.store16",
  4: "i64.store32",
  8: "i64.store",
};

/** bulkMove(form, source, destination, limit): MOVS. Addresses are linear. */
function bulkMove(): FunctionBody {
  const f = new FunctionBuilder("bulkMove", { params: ["i32", "i64", "i64", "i32"], result: "i32" });
  const [form, source, destination, limit] = f.params as [Local, Local, Local, Local];
  f.emit(when(op("i32.eqz", get(limit)), [ret(i32(0))]));
  const first = hostOf(f, get(source), "read");
  const firstTo = hostOf(f, get(destination), "write");
  keepInPage(f, limit, get(source), get(form));
  keepInPage(f, limit, get(destination), get(form));
  f.emit(when(op("i32.eqz", get(limit)), [ret(i32(0))]));
  const shift = f.let(shiftOf(get(form)));
  const bytes = f.local("i32");
  f.emit(set(bytes, op("i32.shl", get(limit), shift)));
  const back = f.let(lowest(get(bytes), shift, get(form)));
  const from = f.local("i32");
  const to = f.local("i32");
  f.emit(set(from, sub(first, back)), set(to, sub(firstTo, back)));
  // Frames are compared, not linear addresses: the same page may be mapped twice.
  const ahead = f.let(sub(get(to), get(from)));
  const behind = f.let(sub(get(from), get(to)));
  const within = (distance: Node) => op("i32.lt_u", sub(distance, i32(1)), sub(get(bytes), i32(1)));
  const downwards = f.collect(() => {
    // Reads what it has written: one by one.
    f.emit(when(within(behind), [ret(i32(0))]));
    f.emit(memoryCopy(get(to), get(from), get(bytes)), ret(get(limit)));
  });
  f.emit(when(isDown(get(form)), downwards));
  const pattern = f.collect(() => {
    f.emit(when(op("i32.lt_u", ahead, op("i32.shl", i32(1), shift)), [ret(i32(0))]));
    repeatPattern(f, from, ahead, bytes);
    f.emit(ret(get(limit)));
  });
  f.emit(when(within(ahead), pattern));
  f.emit(
    when(op("i32.ge_u", get(bytes), i32(SHORT)), [
      memoryCopy(get(to), get(from), get(bytes)),
      ret(get(limit)),
    ]),
  );
  for (const width of WIDTHS)
    inSteps(f, width, bytes, () =>
      f.emit(
        store(STORES[width], get(to), 0, load(LOADS[width], get(from))),
        set(from, add(get(from), i32(width))),
        set(to, add(get(to), i32(width))),
      ),
    );
  f.emit(get(limit));
  return f.finish(true);
}

/** The `period` bytes at `from` come again and again behind themselves, `bytes` in all: what is there is doubled until it is enough. */
function repeatPattern(f: FunctionBuilder, from: Local, period: Node, bytes: Local): void {
  const have = f.local("i32");
  const again = label("double");
  const size = f.local("i32");
  f.emit(set(have, period));
  const body = f.collect(() => {
    const more = op("i32.lt_u", get(have), get(bytes));
    f.emit(set(size, when(more, [get(have)], [get(bytes)], "i32")));
    f.emit(memoryCopy(add(get(from), get(have)), get(from), get(size)));
    f.emit(set(have, add(get(have), get(size))), set(bytes, sub(get(bytes), get(size))));
    f.emit(brIf(again, get(bytes)));
  });
  f.emit(loop(again, body));
}

/** bulkStore(form, destination, value, limit): STOS. */
function bulkStore(): FunctionBody {
  const f = new FunctionBuilder("bulkStore", { params: ["i32", "i64", "i64", "i32"], result: "i32" });
  const [form, destination, value, limit] = f.params as [Local, Local, Local, Local];
  f.emit(when(op("i32.eqz", get(limit)), [ret(i32(0))]));
  const firstTo = hostOf(f, get(destination), "write");
  keepInPage(f, limit, get(destination), get(form));
  const shift = f.let(shiftOf(get(form)));
  const bytes = f.local("i32");
  f.emit(set(bytes, op("i32.shl", get(limit), shift)));
  // Eight bytes of the pattern.
  const times = (width: bigint, factor: bigint): Node[] => [
    set(value, op("i64.mul", op("i64.and", get(value), i64(width)), i64(factor))),
  ];
  f.emit(when(op("i32.eqz", shift), times(0xffn, 0x0101_0101_0101_0101n)));
  f.emit(when(op("i32.eq", shift, i32(1)), times(0xffffn, 0x0001_0001_0001_0001n)));
  f.emit(when(op("i32.eq", shift, i32(2)), times(0xffff_ffffn, 0x0000_0001_0000_0001n)));
  f.emit(when(op("i32.eqz", get(limit)), [ret(i32(0))]));
  const to = f.local("i32");
  f.emit(set(to, sub(firstTo, lowest(get(bytes), shift, get(form)))));
  const allEqual = op("i64.eq", op("i64.rotl", get(value), i64(8n)), get(value));
  const long = op("i32.ge_u", get(bytes), i32(SHORT));
  const fill = memoryFill(get(to), op("i32.wrap_i64", get(value)), get(bytes));
  f.emit(when(op("i32.and", long, allEqual), [fill, ret(get(limit))]));
  const vector = f.let(op("i64x2.splat", get(value)));
  inSteps(f, 64, bytes, () => {
    for (let at = 0; at < 64; at += 16) f.emit(store("v128.store", get(to), at, vector));
    f.emit(set(to, add(get(to), i32(64))));
  });
  for (const width of WIDTHS)
    inSteps(f, width, bytes, () =>
      f.emit(store(STORES[width], get(to), 0, get(value)), set(to, add(get(to), i32(width)))),
    );
  f.emit(get(limit));
  return f.finish(true);
}

/** bulkLoad(form, source, limit): LODS. Loads nothing: the iteration behind does, and is in the same page. */
function bulkLoad(): FunctionBody {
  const f = new FunctionBuilder("bulkLoad", { params: ["i32", "i64", "i32"], result: "i32" });
  const [form, source, limit] = f.params as [Local, Local, Local];
  f.emit(when(op("i32.eqz", get(limit)), [ret(i32(0))]));
  hostOf(f, get(source), "read");
  leaveOne(f, limit, [get(source)], get(form));
  f.emit(get(limit));
  return f.finish(true);
}

/** bulkScan(form, destination, value, limit): SCAS, as long as it goes on. The element that follows is in the same page. */
function bulkScan(): FunctionBody {
  const f = new FunctionBuilder("bulkScan", { params: ["i32", "i64", "i64", "i32"], result: "i32" });
  const [form, destination, value, limit] = f.params as [Local, Local, Local, Local];
  f.emit(when(op("i32.eqz", get(limit)), [ret(i32(0))]));
  const at = moving(f, hostOf(f, get(destination), "read"));
  leaveOne(f, limit, [get(destination)], get(form));
  scan(f, get(form), limit, [at], (width) => [get(value), load(LOADS[width], get(at))]);
  return f.finish(true);
}

/** bulkCompare(form, source, destination, limit): CMPS, likewise. */
function bulkCompare(): FunctionBody {
  const f = new FunctionBuilder("bulkCompare", { params: ["i32", "i64", "i64", "i32"], result: "i32" });
  const [form, source, destination, limit] = f.params as [Local, Local, Local, Local];
  f.emit(when(op("i32.eqz", get(limit)), [ret(i32(0))]));
  const a = moving(f, hostOf(f, get(source), "read"));
  const b = moving(f, hostOf(f, get(destination), "read"));
  leaveOne(f, limit, [get(source), get(destination)], get(form));
  scan(f, get(form), limit, [a, b], (width) => [load(LOADS[width], get(a)), load(LOADS[width], get(b))]);
  return f.finish(true);
}

function moving(f: FunctionBuilder, start: Node): Local {
  const local = f.local("i32");
  f.emit(set(local, start));
  return local;
}

/** Keeps `limit` below the number of elements in each page, so that one more can be looked at without a fault. */
function leaveOne(f: FunctionBuilder, limit: Local, linears: readonly Node[], form: Node): void {
  f.emit(set(limit, add(get(limit), i32(1))));
  for (const linear of linears) keepInPage(f, limit, linear, form);
  f.emit(when(op("i32.eqz", get(limit)), [ret(i32(0))]));
  f.emit(set(limit, sub(get(limit), i32(1))));
}

/** Moves `pointers` over elements while the comparison goes on, `limit` at most, and ends the function with how many they were. */
function scan(
  f: FunctionBuilder,
  form: Node,
  limit: Local,
  pointers: readonly Local[],
  operands: (width: 1 | 2 | 4 | 8) => readonly [Node, Node],
): void {
  const wanted = f.let(op("i32.eqz", op("i32.and", form, i32(FORM.unequal))));
  const shift = f.let(shiftOf(form));
  const bytes = f.let(op("i32.shl", i32(1), shift));
  const step = f.let(when(isDown(form), [sub(i32(0), bytes)], [bytes], "i32"));
  const done = f.local("i32");
  f.emit(set(done, i32(0)));
  for (const [log2, width] of [1, 2, 4, 8].entries()) {
    const over = label("over");
    const again = label("again");
    const body = f.collect(() => {
      const [a, b] = operands(width as 1 | 2 | 4 | 8);
      f.emit(brIf(over, op("i32.ge_u", get(done), get(limit))));
      f.emit(brIf(over, op("i32.ne", op("i64.eq", a, b), wanted)));
      for (const pointer of pointers) f.emit(set(pointer, add(get(pointer), step)));
      f.emit(set(done, add(get(done), i32(1))), br(again));
    });
    const whole = block(over, [loop(again, body)]);
    f.emit(when(op("i32.eq", shift, i32(log2)), [whole, ret(get(done))]));
  }
  f.emit(get(done));
}

/**
 * stringSpan(segment, offset, form): how many elements from an offset on lie in a segment before the offset wraps, a page's worth at most. 0 if the segment is
 * none that everything may be done with: the host decides about those, one by one.
 */
function stringSpan(): FunctionBody {
  const f = new FunctionBuilder("stringSpan", { params: ["i32", "i64", "i32"], result: "i32" });
  const [segment, offset, form] = f.params.map(get) as [Node, Node, Node];
  const at = f.let(op("i32.mul", segment, i32(SEGMENT_BYTES)));
  const address = f.let(op("i32.shr_u", form, i32(FORM.address)));
  const last = f.local("i64");
  const kind = op("i32.and", load("i32.load", at, STATE.segments + SEGMENT.attributes), i32(PLAIN_DATA.mask));
  f.emit(
    when(
      isLong(),
      [when(op("i32.eq", address, i32(2)), [ret(i32(PAGE))]), set(last, i64(0xffff_ffffn))],
      [
        when(op("i32.ne", kind, i32(PLAIN_DATA.value)), [ret(i32(0))]),
        set(last, load("i64.load32_u", at, STATE.segments + SEGMENT.limit)),
        when(op("i32.and", op("i32.eqz", address), op("i64.gt_u", get(last), i64(0xffffn))), [
          set(last, i64(0xffffn)),
        ]),
      ],
    ),
  );
  const shift = f.let(op("i64.extend_i32_u", shiftOf(form)));
  const end = op("i64.add", offset, op("i64.sub", op("i64.shl", i64(1n), shift), i64(1n)));
  f.emit(when(op("i64.gt_u", end, get(last)), [ret(i32(0))]));
  const below = op("i64.add", op("i64.shr_u", offset, shift), i64(1n));
  const above = op("i64.shr_u", op("i64.sub", op("i64.add", get(last), i64(1n)), offset), shift);
  const span = f.let(when(isDown(form), [below], [above], "i64"));
  f.emit(
    op("i32.wrap_i64", op("select.i64", span, i64(BigInt(PAGE)), op("i64.lt_u", span, i64(BigInt(PAGE))))),
  );
  return f.finish(true);
}

/** stringLinear(segment, offset): linear address of an offset for which `stringSpan` is not 0. */
function stringLinear(): FunctionBody {
  const f = new FunctionBuilder("stringLinear", { params: ["i32", "i64"], result: "i64" });
  const [segment, offset] = f.params.map(get) as [Node, Node];
  const base = load("i64.load", op("i32.mul", segment, i32(SEGMENT_BYTES)), STATE.segments + SEGMENT.base);
  const based = when(op("i32.ge_u", segment, i32(SEG.fs)), [base], [i64(0n)], "i64");
  f.emit(
    when(
      isLong(),
      [op("i64.add", offset, based)],
      [op("i64.and", op("i64.add", offset, base), i64(0xffff_ffffn))],
      "i64",
    ),
  );
  return f.finish(true);
}

const isLong = (): Node => op("i32.eq", op("i32.and", word(STATE.mode), i32(MODE.codeSize)), i32(2));

const FUNCTION: Record<BulkKind, string> = {
  movs: "bulkMove",
  stos: "bulkStore",
  lods: "bulkLoad",
  scas: "bulkScan",
  cmps: "bulkCompare",
};
/** What these kinds leave behind in registers or flags is the doing of the ordinary iteration that follows, so that one must not fault. */
export const leavesOne = (kind: BulkKind): boolean => kind !== "movs" && kind !== "stos";

/** Calls what does a kind of iteration at once. The operands' addresses are linear here; answers how many (i32). */
export function callBulk(
  kind: BulkKind,
  form: Node,
  { source, destination, value }: BulkOperands,
  limit: Node,
): Node {
  const operands = [source, destination, value].filter((node) => node !== null);
  return call(FUNCTION[kind], "i32", form, ...operands, limit);
}

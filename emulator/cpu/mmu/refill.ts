/**
 * What happens in WebAssembly when a tag does not match: the entry is found valid and gets its tags back, or a page walk fills it.
 *
 * Invariant: entries are filled exactly as `system/tlb.ts` fills them, and in its order. Whatever emitted code cannot finish here it answers 0 to, with
 * nothing done but what TypeScript would begin with: after walks that succeed (stores to two pages, devices, pages without a lent frame) it finds the entries
 * valid; after faults, pages watched by their linear address, suspects and #AC as they were, accessed bits of upper levels aside.
 * Elsewhere: walks (`walk.ts`), the slow paths that answer then (`system/access.ts`, `system/fetch.ts`).
 */
import { FunctionBuilder, call, get, i32, i64, load, op, ret, store, when } from "../../wasm/index.ts";
import type { FunctionBody, Node } from "../../wasm/index.ts";
import { memory, put32, put64 } from "../interpreter/handler.ts";
import { FILLED, ITLB, PAGE_CACHE, RUN, SCRATCH, STATE, TLB, TLB_FLAG } from "../layout.ts";
import { CR0, CR4, FLAG } from "../registers.ts";
import { ACCESS } from "../system/paging.ts";
import { besideCodeFunction } from "./beside-code.ts";
import { openFunctions } from "./open-access.ts";
import { UNKNOWN, and, control, lentFrame } from "./walk.ts";

const NONE = i64(-1n);
const DATA_TAGS = [TLB.readSystem, TLB.writeSystem, TLB.readUser, TLB.writeUser] as const;

export function refillFunctions(): FunctionBody[] {
  return [
    tagFunction(),
    besideCodeFunction(),
    lookupFunction(),
    refillFunction("refillRead", ACCESS.read),
    refillFunction("refillWrite", ACCESS.write),
    refillCodeFunction(),
    ...openFunctions(),
    missFunction("missRead", "refillRead", "slowRead", "openRead"),
    missFunction("missWrite", "refillWrite", "slowWrite", "openWrite"),
    missFunction("missModify", "refillWrite", "slowModify", null),
  ];
}

const count = (offset: number): Node => put32(offset, op("i32.add", memory(offset, "i32.load"), i32(1)));
const pageNumber = (linear: Node): Node => op("i32.wrap_i64", op("i64.shr_u", linear, i64(12n)));

/** Not 0 unless the address is canonical: in 48 bits, or in 57 with five levels. */
const notCanonical = (linear: Node): Node => {
  const unused = op("select.i64", i64(7n), i64(16n), control(STATE.cr4, CR4.LA57));
  return op("i64.ne", op("i64.shr_s", op("i64.shl", linear, unused), unused), linear);
};

/** The PCID in use. */
const currentPcid = (): Node =>
  op("select", control(STATE.cr3, 0xfff), i32(0), control(STATE.cr4, CR4.PCIDE));

/** Sets bit `number` of a bitmap of FILLED. */
function mark(f: FunctionBuilder, bitmap: number, number: Node): void {
  const at = f.let(and(op("i32.shr_u", number, i32(3)), -4));
  const bit = op("i32.shl", i32(1), number);
  f.emit(store("i32.store", at, bitmap, op("i32.or", load("i32.load", at, bitmap), bit)));
}

/** Notes in which GiB an entry with such rights is a piece of a large page. */
function markLarge(rights: Node, linear: Node): Node {
  const bit = op("i32.shl", i32(1), op("i32.wrap_i64", op("i64.shr_u", linear, i64(30n))));
  const known = memory(RUN.largePages, "i32.load");
  return when(and(rights, TLB_FLAG.large), [put32(RUN.largePages, op("i32.or", known, bit))]);
}

/** Entry `index` of a TLB has been filled: in its bitmap, and unless the page is global in that of local pages. */
function markFilled(f: FunctionBuilder, all: number, local: number, index: Node, rights: Node): void {
  mark(f, all, index);
  const isLocal = op("i32.eqz", and(rights, TLB_FLAG.global));
  f.emit(
    when(
      isLocal,
      f.collect(() => mark(f, local, index)),
    ),
  );
}

/** Not 0 if a filter of watched pages has a page's bit. */
const isWatched = (filter: number, page: Node): Node =>
  and(op("i32.wrap_i64", op("i64.shr_u", memory(filter, "i64.load"), op("i64.extend_i32_u", page))), 1);

/** (offset of a filled entry, its page cache word) writes the tags that its rights allow, as `writeTags` in `system/tlb.ts`. */
function tagFunction(): FunctionBody {
  const f = new FunctionBuilder("mmuTag", { params: ["i32", "i32"], result: "void" });
  const [entry, lent] = f.params.map(get) as [Node, Node];
  const flags = f.let(load("i32.load", entry, TLB.base + TLB.flags));
  const page = f.let(load("i64.load", entry, TLB.base + TLB.page));
  const addend = f.let(op("i32.sub", and(lent, -4096), op("i32.wrap_i64", page)));
  const tag = (offset: number, value: Node = page) => store("i64.store", entry, TLB.base + offset, value);
  const other = op("i32.ne", load("i32.load", entry, TLB.base + TLB.addend), addend);
  f.emit(when(other, DATA_TAGS.map((offset) => tag(offset, NONE)))); // oxfmt-ignore
  f.emit(store("i32.store", entry, TLB.base + TLB.addend, addend), put32(RUN.tagged, i32(1)));
  const writable = f.let(and(op("i32.and", lent, op("i32.shr_u", flags, i32(4))), PAGE_CACHE.writable));
  const mayWrite = f.let(op("i32.and", writable, op("i32.shr_u", flags, i32(1))));
  const isUser = and(flags, TLB_FLAG.user);
  const systemTags = (): Node[] => {
    const unprotected = op("i32.eqz", control(STATE.cr0, CR0.WP));
    return [
      tag(TLB.readSystem),
      when(op("i32.or", mayWrite, op("i32.and", writable, unprotected)), [tag(TLB.writeSystem)]),
    ];
  };
  const userTags = [tag(TLB.readUser), when(mayWrite, [tag(TLB.writeUser)])];
  // Under SMAP a user page gets supervisor tags only while EFLAGS.AC lets supervisors in; `closeUserPages` takes them away.
  const guarded = f.collect(() => {
    mark(f, FILLED.opened, op("i32.shr_u", entry, i32(Math.log2(TLB.entryBytes))));
    f.emit(put32(RUN.opened, i32(1)), ...systemTags());
  });
  const smap = when(
    control(STATE.cr4, CR4.SMAP),
    [when(control(STATE.eflags, FLAG.AC), guarded)],
    systemTags(),
  );
  f.emit(
    when(isUser, [smap, when(op("i32.eqz", memory(RUN.alignment, "i32.load")), userTags)], systemTags()),
  );
  return f.finish();
}

/**
 * (linear address, ACCESS, 1 for CPL 3) to the offset of the data entry that allows the access, filled if need be, as `tryLookup` in `system/tlb.ts`; −1:
 * TypeScript has to look.
 */
function lookupFunction(): FunctionBody {
  const f = new FunctionBuilder("mmuLookup", { params: ["i64", "i32", "i32"], result: "i32" });
  const [linear, access, user] = f.params.map(get) as [Node, Node, Node];
  const refuse = [ret(i32(-1))];
  const number = f.let(pageNumber(linear));
  f.emit(when(isWatched(RUN.watchedLinear, number), refuse));
  const index = f.let(and(number, TLB.entries - 1));
  const entry = f.let(op("i32.shl", index, i32(Math.log2(TLB.entryBytes))));
  const field = (at: number) => load("i32.load", entry, TLB.base + at);
  const page = f.let(op("i64.and", linear, i64(-4096n)));
  const flags = f.let(field(TLB.flags));
  f.emit(when(and(flags, TLB_FLAG.suspect), refuse));
  const samePage = op("i64.eq", load("i64.load", entry, TLB.base + TLB.page), page);
  const samePcid = op("i32.eq", field(TLB.pcid), currentPcid());
  const mine = op("i32.or", and(flags, TLB_FLAG.global), samePcid);
  const isWrite = op("i32.eq", access, i32(ACCESS.write));
  const wanted = op("select", i32(TLB_FLAG.valid | TLB_FLAG.dirty), i32(TLB_FLAG.valid), isWrite);
  const complete = op("i32.eqz", op("i32.and", op("i32.xor", flags, i32(-1)), wanted));
  const allowed = call("mmuAllows", "i32", flags, access, user);
  const conditions = [samePage, complete, mine, allowed];
  const isHit = conditions.reduceRight((rest, condition) => when(condition, [rest], [i32(0)], "i32"));
  f.emit(when(isHit, [ret(entry)]));
  const found = f.let(call("mmuWalk", "i64", linear, access, user));
  f.emit(when(op("i64.eq", found, UNKNOWN), refuse));
  markLeaf(f);
  const rights = f.let(and(op("i32.wrap_i64", found), 0xff));
  const put = (at: number, value: Node) => store("i32.store", entry, TLB.base + at, value);
  f.emit(
    ...DATA_TAGS.map((tag) => store("i64.store", entry, TLB.base + tag, NONE)),
    put(TLB.flags, rights),
    store("i64.store", entry, TLB.base + TLB.page, page),
    put(TLB.physicalPage, op("i32.wrap_i64", op("i64.shr_u", found, i64(8n)))),
    put(TLB.pcid, currentPcid()),
    markLarge(rights, linear),
    count(RUN.countWalks),
  );
  markFilled(f, FILLED.data, FILLED.localData, index, rights);
  f.emit(entry);
  return f.finish();
}

/** (linear address, bytes: 1 … 16) to the host address of an access at the privilege of RUN.dataTags, or 0. What is read from two pages is in SCRATCH. */
function refillFunction(name: string, access: 0 | 1): FunctionBody {
  const f = new FunctionBuilder(name, { params: ["i64", "i32"], result: "i32" });
  const [linear, bytes] = f.params.map(get) as [Node, Node];
  const refuse = [count(RUN.countRefusals), ret(i32(0))];
  const user = f.let(op("i32.eq", memory(RUN.dataTags, "i32.load"), i32(TLB.readUser)));
  const checked = op("i32.and", user, memory(RUN.alignment, "i32.load"));
  f.emit(when(op("i32.or", checked, notCanonical(linear)), refuse));
  const lookup = (address: Node): Node => {
    const entry = f.let(call("mmuLookup", "i32", address, i32(access), user));
    f.emit(when(op("i32.lt_s", entry, i32(0)), refuse));
    return entry;
  };
  const pageOf = (entry: Node): Node => f.let(load("i32.load", entry, TLB.base + TLB.physicalPage));
  /** The page cache's word for a guest-physical page, if it may be accessed without asking. */
  const lend = (physical: Node, frameless: readonly Node[] = refuse): Node => {
    f.emit(when(isWatched(RUN.watchedPhysical, physical), refuse));
    return lentFrame(f, physical, frameless);
  };
  const offset = f.let(and(op("i32.wrap_i64", linear), 0xfff));
  const twoPages = f.collect(() => {
    const next = f.let(op("i64.add", op("i64.and", linear, i64(-4096n)), i64(4096n)));
    // Here addresses wrap, or are canonical no more.
    f.emit(when(op("i32.eqz", op("i32.wrap_i64", next)), refuse));
    const entries = [lookup(linear), lookup(next)];
    if (access === ACCESS.write) return f.emit(...refuse);
    const [before, after] = entries.map((entry) => and(lend(pageOf(entry)), -4096)) as [Node, Node];
    // Where the one page ends in SCRATCH the other begins.
    f.emit(
      store("v128.store", i32(0), SCRATCH, load("v128.load", before, 4096 - 16)),
      store("v128.store", i32(0), SCRATCH + 16, load("v128.load", after)),
      ret(op("i32.sub", op("i32.add", offset, i32(SCRATCH)), i32(4096 - 16))),
    );
  });
  f.emit(when(op("i32.gt_u", op("i32.add", offset, bytes), i32(4096)), twoPages));
  const walks = f.let(memory(RUN.countWalks, "i32.load"));
  const entry = lookup(linear);
  const physical = pageOf(entry);
  const lent = lend(physical, [put32(RUN.frameless, physical), ...refuse]);
  if (access === ACCESS.write) {
    // A page with code may be written where there is none, without a tag.
    const beside = f.collect(() => {
      const host = f.let(call("besideCode", "i32", lent, physical, offset, bytes));
      f.emit(when(host, [ret(host)]), ...refuse);
    });
    f.emit(when(op("i32.eqz", and(lent, PAGE_CACHE.writable)), beside));
  }
  f.emit(when(op("i32.eq", memory(RUN.countWalks, "i32.load"), walks), [count(RUN.countTags)]));
  f.emit(call("mmuTag", "void", entry, lent));
  f.emit(op("i32.or", and(lent, -4096), offset));
  return f.finish(true);
}

/** Sets the accessed and dirty bits that the leaf of the last walk lacks. */
function markLeaf(f: FunctionBuilder): void {
  const bits = f.let(memory(RUN.leafBits, "i32.load"));
  const at = memory(RUN.leaf, "i32.load");
  f.emit(when(bits, [store("i32.store", at, 0, op("i32.or", load("i32.load", at), bits))]));
}

/** (linear address of an instruction page) fills the entry of the instruction TLB; 0: TypeScript has to. */
function refillCodeFunction(): FunctionBody {
  const f = new FunctionBuilder("refillCode", { params: ["i64"], result: "i32" });
  const page = get(f.param(0));
  const refuse = [ret(i32(0))];
  // An RIP beyond the segment faults before anything is looked up.
  const beyond = op("i64.gt_u", memory(STATE.rip, "i64.load"), memory(RUN.codeLimit, "i64.load"));
  f.emit(when(op("i32.or", beyond, notCanonical(page)), refuse));
  f.emit(when(isWatched(RUN.breakpoints, pageNumber(page)), refuse));
  const index = f.let(and(pageNumber(page), ITLB.entries - 1));
  const entry = f.let(op("i32.shl", index, i32(Math.log2(ITLB.entryBytes))));
  f.emit(when(and(load("i32.load", entry, ITLB.base + ITLB.flags), TLB_FLAG.suspect), refuse));
  const user = op("i32.ne", memory(RUN.codeTags, "i32.load"), i32(0));
  const found = f.let(call("mmuWalk", "i64", page, i32(ACCESS.execute), user));
  f.emit(when(op("i64.eq", found, UNKNOWN), refuse));
  markLeaf(f);
  const flags = f.let(and(op("i32.wrap_i64", found), 0xff));
  const put = (at: number, value: Node) => store("i32.store", entry, ITLB.base + at, value);
  const tag = (at: number, forUser: 0 | 1) => {
    const allowed = call("mmuAllows", "i32", flags, i32(ACCESS.execute), i32(forUser));
    return store("i64.store", entry, ITLB.base + at, op("select.i64", page, NONE, allowed));
  };
  f.emit(
    tag(ITLB.tagSystem, 0),
    tag(ITLB.tagUser, 1),
    put(ITLB.physicalLow, op("i32.wrap_i64", op("i64.shr_u", found, i64(8n)))),
    put(ITLB.physicalHigh, i32(0)),
    put(ITLB.flags, flags),
    put(ITLB.pcid, currentPcid()),
    markLarge(flags, page),
    count(RUN.countCodeWalks),
  );
  markFilled(f, FILLED.code, FILLED.localCode, index, flags);
  f.emit(i32(1));
  return f.finish(true);
}

/**
 * (linear address, bytes | STACK_ACCESS, record) to the host address of a record's access: by a refill, in a device's open registers, or by the slow path,
 * which faults if need be.
 */
function missFunction(name: string, refill: string, slow: string, open: string | null): FunctionBody {
  const f = new FunctionBuilder(name, { params: ["i64", "i32", "i32"], result: "i32" });
  const [linear, bytes, record] = f.params.map(get) as [Node, Node, Node];
  f.emit(put32(RUN.frameless, i32(0)));
  const host = f.let(call(refill, "i32", linear, and(bytes, 0xff)));
  f.emit(when(host, [ret(host)]));
  if (open !== null) {
    const register = f.let(call(open, "i32", linear, and(bytes, 0xff), record));
    f.emit(when(register, [count(RUN.countOpen), ret(register)]));
  }
  f.emit(put64(RUN.address, linear), put32(RUN.record, record), call(slow, "i32", bytes));
  return f.finish();
}

/**
 * The page walk as WebAssembly: what `system/paging.ts` does, for every paging mode, as long as nothing is in the way.
 *
 * Invariant: an answer is the answer `walk` in TypeScript gives, with the same accessed bits set on the way. In all other cases (a fault, a table that
 * is no plain RAM, a bit to be set in a page that the memory model has not lent for writing) it is −1 and TypeScript walks anew. The leaf's accessed and
 * dirty bits are the caller's to set (RUN.leaf, RUN.leafBits), when it is sure.
 * Elsewhere: who walks (`refill.ts`); errors and the debugger's walks (`system/paging.ts`).
 */
import { FunctionBuilder, call, get, i32, i64, load, op, ret, set, store, when } from "../../wasm/index.ts";
import type { FunctionBody, Local, Node } from "../../wasm/index.ts";
import { memory, put32 } from "../interpreter/handler.ts";
import { PAGE_CACHE, RUN, STATE, tableBit, TLB_FLAG } from "../layout.ts";
import { CR0, CR4, EFER, FLAG } from "../registers.ts";
import { ACCESS, ENTRY, HIGH_ADDRESS, HIGH_RESERVED, LARGE_RESERVED } from "../system/paging.ts";

/** "TypeScript has to look", and what a walk answers: page number × 256 + TLB_FLAG. */
export const UNKNOWN = i64(-1n);

const PAGE_MASK = (HIGH_ADDRESS << 20) | 0xfffff;

export const and = (a: Node, b: number): Node => op("i32.and", a, i32(b));
export const control = (offset: number, bits: number): Node => and(memory(offset, "i32.load"), bits);

/** The page cache's word for a page, or `otherwise` if it has none: the frame's host address, bit 0 set if it may be written. */
export function lentFrame(f: FunctionBuilder, page: Node, otherwise: readonly Node[]): Node {
  const slot = op("i32.shl", and(page, PAGE_CACHE.entries - 1), i32(Math.log2(PAGE_CACHE.entryBytes)));
  const entry = f.let(load("i64.load", slot, PAGE_CACHE.base));
  const frame = f.let(op("i32.wrap_i64", entry));
  const isOther = op("i32.ne", op("i32.wrap_i64", op("i64.shr_u", entry, i64(32n))), page);
  f.emit(when(op("i32.or", isOther, op("i32.eqz", frame)), otherwise));
  return frame;
}

/** Walks set accessed and dirty bits on pages that are lent for writing, or for that alone. */
const MARKABLE = PAGE_CACHE.writable | PAGE_CACHE.markable;

/** A walk that comes to a table which nobody knows is one, while somebody wants to know, is left to TypeScript. `wanted` is RUN.tableLevels. */
function refuseUnknownTable(lent: Node, wanted: Node, level: number): Node {
  const unknown = op("i32.and", op("i32.xor", lent, i32(-1)), and(wanted, tableBit(level)));
  return when(unknown, [ret(UNKNOWN)]);
}

export function walkFunctions(): FunctionBody[] {
  return [allowsFunction(), finishFunction(), walk32Function(), walkFunction()];
}

/** `forbids` of `system/paging.ts`: (rights, access, 1 for CPL 3) to not 0 if the access is allowed. */
function allowsFunction(): FunctionBody {
  const f = new FunctionBuilder("mmuAllows", { params: ["i32", "i32", "i32"], result: "i32" });
  const [rights, access, user] = f.params.map(get) as [Node, Node, Node];
  const isWrite = op("i32.eq", access, i32(ACCESS.write));
  const isExecute = op("i32.eq", access, i32(ACCESS.execute));
  const isUserPage = and(rights, TLB_FLAG.user);
  const executable = ret(and(rights, TLB_FLAG.executable));
  f.emit(
    when(user, [
      when(op("i32.eqz", isUserPage), [ret(i32(0))]),
      when(isWrite, [ret(and(rights, TLB_FLAG.writable))]),
      when(isExecute, [executable]),
      ret(i32(1)),
    ]),
    when(isExecute, [when(isUserPage, [when(control(STATE.cr4, CR4.SMEP), [ret(i32(0))])]), executable]),
    when(isUserPage, [
      when(control(STATE.cr4, CR4.SMAP), [
        when(op("i32.eqz", control(STATE.eflags, FLAG.AC)), [ret(i32(0))]),
      ]),
    ]),
    when(isWrite, [
      when(op("i32.eqz", and(rights, TLB_FLAG.writable)), [ret(op("i32.eqz", control(STATE.cr0, CR0.WP)))]),
    ]),
    i32(1),
  );
  return f.finish();
}

/** The leaf has been reached: (page, rights of all levels, the entry's low half, its host address, its page's word of the page cache, access, user). */
function finishFunction(): FunctionBody {
  const f = new FunctionBuilder("mmuFinish", {
    params: ["i32", "i32", "i32", "i32", "i32", "i32", "i32"],
    result: "i64",
  });
  const [page, rights, low, at, lent, access, user] = f.params.map(get) as [
    Node,
    Node,
    Node,
    Node,
    Node,
    Node,
    Node,
  ];
  const global = op(
    "select",
    op("i32.shr_u", and(low, ENTRY.G), i32(3)),
    i32(0),
    control(STATE.cr4, CR4.PGE),
  );
  const dirty = op("i32.shr_u", and(low, ENTRY.D), i32(2));
  const flags = f.let(op("i32.or", op("i32.or", rights, i32(TLB_FLAG.valid)), op("i32.or", global, dirty)));
  f.emit(when(op("i32.eqz", call("mmuAllows", "i32", flags, access, user)), [ret(UNKNOWN)]));
  const isWrite = f.let(op("i32.eq", access, i32(ACCESS.write)));
  const bits = op("select", i32(ENTRY.A | ENTRY.D), i32(ENTRY.A), isWrite);
  const missing = f.let(op("i32.and", bits, op("i32.xor", low, i32(-1))));
  f.emit(when(missing, [when(op("i32.eqz", and(lent, MARKABLE)), [ret(UNKNOWN)])]));
  f.emit(put32(RUN.leaf, at), put32(RUN.leafBits, missing));
  const all = op("i32.or", flags, op("select", i32(TLB_FLAG.dirty), i32(0), isWrite));
  f.emit(op("i64.or", op("i64.shl", op("i64.extend_i32_u", page), i64(8n)), op("i64.extend_i32_u", all)));
  return f.finish();
}

/** Sets the accessed bit of an entry that points to a table, if it is not set. */
function markUsed(low: Node, at: Node, lent: Node): Node {
  return when(op("i32.eqz", and(low, ENTRY.A)), [
    when(op("i32.eqz", and(lent, MARKABLE)), [ret(UNKNOWN)]),
    store("i32.store", at, 0, op("i32.or", low, i32(ENTRY.A))),
  ]);
}

/** Host address of an entry in the table that begins on a lent page. */
const entryAt = (f: FunctionBuilder, lent: Node, offset: Node): Node =>
  f.let(op("i32.or", and(lent, -4096), offset));

/** 32-bit paging. */
function walk32Function(): FunctionBody {
  const f = new FunctionBuilder("mmuWalk32", { params: ["i64", "i32", "i32"], result: "i64" });
  const [address, access, user] = f.params.map(get) as [Node, Node, Node];
  const linear = f.let(op("i32.wrap_i64", address));
  const number = (shift: number) => op("i32.shr_u", linear, i32(shift));
  const rightsOf = (entry: Node) => and(entry, ENTRY.RW | ENTRY.US);
  const directory = f.let(op("i32.shr_u", memory(STATE.cr3, "i32.load"), i32(12)));
  const lentDirectory = lentFrame(f, directory, [ret(UNKNOWN)]);
  const wanted = f.let(memory(RUN.tableLevels, "i32.load"));
  f.emit(refuseUnknownTable(lentDirectory, wanted, 2));
  const pdeAt = entryAt(f, lentDirectory, op("i32.shl", number(22), i32(2)));
  const pde = f.let(load("i32.load", pdeAt));
  f.emit(when(op("i32.eqz", and(pde, ENTRY.P)), [ret(UNKNOWN)]));
  const large = f.collect(() => {
    f.emit(when(and(pde, 0x200000), [ret(UNKNOWN)]));
    // PSE-36: bits 20:13 are physical address bits 39:32.
    const high = op("i32.shl", and(op("i32.shr_u", pde, i32(13)), 0xff), i32(20));
    const low = op("i32.or", op("i32.shl", op("i32.shr_u", pde, i32(22)), i32(10)), and(number(12), 0x3ff));
    const rights = op("i32.or", rightsOf(pde), i32(TLB_FLAG.executable | TLB_FLAG.large));
    f.emit(
      ret(call("mmuFinish", "i64", op("i32.or", high, low), rights, pde, pdeAt, lentDirectory, access, user)),
    );
  });
  f.emit(when(op("select", and(pde, ENTRY.PS), i32(0), control(STATE.cr4, CR4.PSE)), large));
  f.emit(markUsed(pde, pdeAt, lentDirectory));
  const table = f.let(op("i32.shr_u", pde, i32(12)));
  const lentTable = lentFrame(f, table, [ret(UNKNOWN)]);
  f.emit(refuseUnknownTable(lentTable, wanted, 1));
  const pteAt = entryAt(f, lentTable, op("i32.shl", and(number(12), 0x3ff), i32(2)));
  const pte = f.let(load("i32.load", pteAt));
  f.emit(when(op("i32.eqz", and(pte, ENTRY.P)), [ret(UNKNOWN)]));
  const rights = op("i32.or", op("i32.and", rightsOf(pde), rightsOf(pte)), i32(TLB_FLAG.executable));
  f.emit(
    call("mmuFinish", "i64", op("i32.shr_u", pte, i32(12)), rights, pte, pteAt, lentTable, access, user),
  );
  return f.finish();
}

/** What the levels of a walk through 8-byte entries share. */
interface Descent {
  readonly address: Node;
  readonly access: Node;
  readonly user: Node;
  /** Page number of the table of the level that comes next. */
  readonly table: Local;
  /** Bits that no entry may have. */
  readonly reserved: Local;
  /** RUN.tableLevels. */
  readonly wanted: Node;
  /** All entries so far, bit by bit: AND, and OR. */
  readonly every: Local;
  readonly some: Local;
}

/** (linear address, ACCESS, 1 for CPL 3) to page number × 256 + rights, or UNKNOWN. */
function walkFunction(): FunctionBody {
  const f = new FunctionBuilder("mmuWalk", { params: ["i64", "i32", "i32"], result: "i64" });
  const [address, access, user] = f.params.map(get) as [Node, Node, Node];
  const everything =
    TLB_FLAG.valid | TLB_FLAG.writable | TLB_FLAG.user | TLB_FLAG.executable | TLB_FLAG.dirty;
  const same = op("i64.shl", op("i64.shr_u", address, i64(12n)), i64(8n));
  f.emit(
    when(op("i32.eqz", control(STATE.cr0, CR0.PG)), [
      put32(RUN.leafBits, i32(0)),
      ret(op("i64.or", same, i64(BigInt(everything)))),
    ]),
  );
  const long = f.let(control(STATE.efer, EFER.LMA));
  const short = when(op("i32.eqz", or2(long, control(STATE.cr4, CR4.PAE))), [
    ret(call("mmuWalk32", "i64", address, access, user)),
  ]);
  f.emit(short);
  const d: Descent = {
    address,
    access,
    user,
    table: f.local("i32"),
    wanted: f.let(memory(RUN.tableLevels, "i32.load")),
    reserved: f.local("i64"),
    every: f.local("i64"),
    some: f.local("i64"),
  };
  const noExecute = control(STATE.efer, EFER.NXE);
  const high = BigInt(HIGH_RESERVED) << 32n;
  f.emit(set(d.every, i64(-1n)), set(d.some, i64(0n)));
  f.emit(set(d.reserved, op("select.i64", i64(high), i64(high | (1n << 63n)), noExecute)));
  const fromTop = f.collect(() => {
    f.emit(set(d.table, pageOf(memory(STATE.cr3, "i64.load"))));
    f.emit(
      when(
        control(STATE.cr4, CR4.LA57),
        f.collect(() => level(f, d, 5)),
      ),
    );
    level(f, d, 4);
    level(f, d, 3);
  });
  const fromDirectory = f.collect(() => {
    // The PDPTEs were checked when they were loaded, and carry no rights. Bits 62:52 are reserved below them (SDM 3A 4.4.2).
    const index = op("i32.shl", and(op("i32.wrap_i64", op("i64.shr_u", address, i64(30n))), 3), i32(3));
    const entry = f.let(load("i64.load", index, STATE.pdpte));
    f.emit(when(op("i64.eqz", op("i64.and", entry, i64(BigInt(ENTRY.P)))), [ret(UNKNOWN)]));
    f.emit(set(d.table, pageOf(entry)));
    f.emit(set(d.reserved, op("i64.or", get(d.reserved), i64(0x7ff00000n << 32n))));
  });
  f.emit(when(long, fromTop, fromDirectory));
  level(f, d, 2);
  level(f, d, 1);
  return f.finish();
}

const or2 = (a: Node, b: Node): Node => op("i32.or", a, b);
const pageOf = (entry: Node): Node => and(op("i32.wrap_i64", op("i64.shr_u", entry, i64(12n))), PAGE_MASK);

/** One level of 8-byte entries: returns from the function at a leaf or an obstacle, else `table` is the next level's. */
function level(f: FunctionBuilder, d: Descent, n: 1 | 2 | 3 | 4 | 5): void {
  const lent = lentFrame(f, get(d.table), [ret(UNKNOWN)]);
  f.emit(refuseUnknownTable(lent, d.wanted, n));
  const number = op("i32.wrap_i64", op("i64.shr_u", d.address, i64(BigInt(12 + 9 * (n - 1)))));
  const at = entryAt(f, lent, op("i32.shl", and(number, 0x1ff), i32(3)));
  const entry = f.let(load("i64.load", at));
  const low = f.let(op("i32.wrap_i64", entry));
  const reserved = n >= 4 ? op("i64.or", get(d.reserved), i64(BigInt(ENTRY.PS))) : get(d.reserved);
  const isAbsent = op("i32.eqz", and(low, ENTRY.P));
  f.emit(when(or2(isAbsent, op("i64.ne", op("i64.and", entry, reserved), i64(0n))), [ret(UNKNOWN)]));
  f.emit(set(d.every, op("i64.and", get(d.every), entry)), set(d.some, op("i64.or", get(d.some), entry)));
  const finish = (page: Node, large: number): Node => {
    const rights = and(op("i32.wrap_i64", get(d.every)), ENTRY.RW | ENTRY.US);
    const executable = op("select", i32(0), i32(TLB_FLAG.executable), op("i64.lt_s", get(d.some), i64(0n)));
    const all = or2(or2(rights, executable), i32(large));
    return call("mmuFinish", "i64", page, all, low, at, lent, d.access, d.user);
  };
  if (n === 1) return f.emit(finish(pageOf(entry), 0));
  if (n < 4) {
    const within = n === 2 ? 0x1ff : 0x3ffff;
    const linearPage = op("i32.wrap_i64", op("i64.shr_u", d.address, i64(12n)));
    const page = or2(and(pageOf(entry), ~within), and(linearPage, within));
    const large = [when(and(low, LARGE_RESERVED[n]!), [ret(UNKNOWN)]), ret(finish(page, TLB_FLAG.large))];
    f.emit(when(and(low, ENTRY.PS), large));
  }
  f.emit(markUsed(low, at, lent));
  f.emit(set(d.table, pageOf(entry)));
}

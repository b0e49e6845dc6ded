/**
 * The interpreter's vocabulary: operands are still unknown and come from the record that `rec` points at; registers, flags and rip live in
 * linear memory. One meaning written once yields here the body of a handler.
 *
 * Elsewhere: the loop these bodies stand in (`loop.ts`), what a record holds (`layout.ts`).
 */
import { assert } from "../../assert.ts";
import {
  LOAD,
  Vocabulary,
  storeName,
  type BulkKind,
  type BulkOperands,
  type Place,
  type VectorBits,
  type Width,
} from "../../semantics/vocabulary.ts";
import {
  br,
  call,
  get,
  i32,
  i64,
  lane,
  load,
  op,
  ret,
  set,
  store,
  tee,
  unreachable,
  when,
  type FunctionBuilder,
  type Label,
  type LoadName,
  type Local,
  type Node,
} from "../../wasm/index.ts";
import { VECTOR } from "../event.ts";
import { dataEntry, hostAddress, lastPage } from "../fast-path.ts";
import { EXIT, FRAMES, RECORD, RUN, SEG, STATE, TLB, TRACE, gprOffset } from "../layout.ts";
import { CR0, CR4 } from "../registers.ts";
import { REFUSAL } from "../vector/refusal.ts";
import { FORM, callBulk, leavesOne } from "./bulk.ts";
import { PSEUDO, type Variant } from "./variant.ts";

const ACCESS = { read: 0, write: 1, modify: 2 } as const;
type Access = keyof typeof ACCESS;
/** Bits of one access. */
type Bits = Width | 128;

/** x87 status and tag word, and their bits: an exception is pending; TOP. */
const FPU = { status: STATE.fpu + 2, tags: STATE.fpu + 4, pending: 0x80, top: 0x3800 } as const;
const ALL_EMPTY = 0xffff;

/** How a handler ends. In the loop it branches; in a function of its own it returns a word that the loop understands. */
export interface Ending {
  /** On with the next record. */
  next(): Node[];
  /** State.rip is set: find its trace. */
  lookup(): Node[];
  /** Enter a trace whose rip is in state.rip. */
  enter(trace: Node): Node[];
  /** Leave the loop with an EXIT. */
  exit(code: Node): Node[];
  /** As a function of its own answered that escaped: look up, or leave. */
  escaped(answer: Node): Node[];
}

/** Endings of a handler inside the loop. */
export const loopEnding = (
  rec: Local,
  trace: Local,
  labels: { dispatch: Label; enter: Label; next: Label },
): Ending => ({
  next: () => [set(rec, op("i32.add", get(rec), i32(RECORD.bytes))), br(labels.dispatch)],
  // A look-up starts without a trace in hand.
  lookup: () => [set(trace, i32(0)), br(labels.next)],
  enter: (target) => [set(trace, target), br(labels.enter)],
  exit: (code) => [ret(code)],
  escaped: (answer) => [
    when(op("i32.lt_s", answer, i32(0)), [ret(op("i32.sub", i32(0), answer))]),
    set(trace, i32(0)),
    br(labels.next),
  ],
});

/** Endings of a handler that is a function: 0 next, 1 look up, above 1 the trace to enter, negative an EXIT. */
export const functionEnding: Ending = {
  next: () => [ret(i32(0))],
  lookup: () => [ret(i32(1))],
  enter: (target) => [ret(target)],
  exit: (code) => [ret(op("i32.sub", i32(0), code))],
  escaped: (answer) => [ret(answer)],
};

export const memory = (offset: number, name: LoadName): Node => load(name, i32(0), offset);
export const put32 = (offset: number, value: Node): Node => store("i32.store", i32(0), offset, value);
export const put64 = (offset: number, value: Node): Node => store("i64.store", i32(0), offset, value);

/** Which of its trace's records one is. */
export function recordIndex(rec: Node): Node {
  const bytes = op("i32.sub", op("i32.sub", rec, memory(RUN.trace, "i32.load")), i32(TRACE.headerBytes));
  return op("i32.div_u", bytes, i32(RECORD.bytes));
}

/** Executes a record's operation in TypeScript, gives back what the trace was charged for the records behind it, and looks for what follows. */
export function escapeTo(f: FunctionBuilder, rec: Node, ending: Ending): readonly Node[] {
  return f.collect(() => {
    const length = op(
      "i32.add",
      load("i32.load16_u", rec, RECORD.offset),
      load("i32.load8_u", rec, RECORD.length),
    );
    const next = op("i64.add", memory(RUN.traceRip, "i64.load"), op("i64.extend_i32_u", length));
    f.emit(
      put32(RUN.record, rec),
      put64(RUN.effective, call("effective", "i64", rec)),
      put64(STATE.rip, op("i64.and", next, memory(RUN.linearMask, "i64.load"))),
    );
    const code = f.let(call("operate", "i32", rec));
    const rest = op(
      "i32.sub",
      load("i32.load", memory(RUN.trace, "i32.load"), TRACE.count),
      recordIndex(rec),
    );
    f.emit(put32(RUN.budget, op("i32.add", memory(RUN.budget, "i32.load"), op("i32.sub", rest, i32(1)))));
    f.emit(when(code, ending.exit(code)), ...ending.lookup());
  });
}

export class HandlerVocabulary extends Vocabulary {
  readonly #variant: Variant;
  readonly #rec: Local;
  readonly #ending: Ending;
  #place: Place | null = null;
  /** Host address of a vector in memory that is read and then written. */
  #vectorPlace: Node | null = null;
  readonly addressWidth: 16 | 32 | 64;
  readonly vectorBits: 64 | 128;

  constructor(f: FunctionBuilder, variant: Variant, rec: Local, ending: Ending) {
    super(f, variant.width);
    this.#variant = variant;
    this.#rec = rec;
    this.#ending = ending;
    this.addressWidth = variant.address;
    this.vectorBits = variant.operands.includes("y") ? 64 : 128;
  }

  /** Emits the variant's meaning and the step to the next record. */
  emitHandler(): void {
    const { meaning } = this.#variant.family;
    assert(meaning !== null, "an operation has no handler of its own");
    const { operands } = this.#variant;
    const usesMmx = operands.includes("y");
    if (usesMmx || operands.includes("x")) this.#requireUnits(operands.includes("x"), usesMmx);
    // TOP is 0 even if a store to memory then faults, as on processors.
    if (usesMmx && operands.startsWith("m")) this.#clearTop();
    meaning(this);
    if (usesMmx) this.#enterMmx(0);
    this.f.emit(...this.#ending.next());
  }

  #field(offset: number, name: LoadName): Node {
    return load(name, get(this.#rec), offset);
  }
  #kind(index: number): string {
    const kind = this.#variant.operands[index];
    assert(kind !== undefined, "operand that the form does not have", index, this.#variant.family.name);
    return kind;
  }
  #registerField(index: number): Node {
    const field = RECORD.register[index];
    assert(
      field !== undefined && (index < 2 || !this.#variant.operands.includes("i")),
      "record without room for an operand",
      this.#variant.family.name,
    );
    return this.#field(field, "i32.load16_u");
  }

  get #isRelative(): boolean {
    return this.#variant.family.forms.some(({ operands }) => operands.some(({ kind }) => kind === "rel"));
  }

  isMemory(index: number): boolean {
    return this.#kind(index) === "m";
  }

  read(index: number, width: Width = this.width): Node {
    switch (this.#kind(index)) {
      case "r":
      case "s":
        return load(LOAD[width], this.#registerField(index));
      case "i":
        return this.immediate(width);
      case "1":
        return this.k(1, width);
      default:
        break;
    }
    if (this.#variant.family.access[index] !== "rw") return this.load(this.effective(), width);
    this.#place = this.probe(this.effective(), width, "modify");
    return this.loadFrom(this.#place);
  }

  write(index: number, value: Node, width: Width = this.width): void {
    if (this.#kind(index) === "r") return this.#setAt(this.#registerField(index), value, width);
    if (this.#place !== null) return this.storeTo(this.#place, value);
    this.store(this.effective(), width, value);
  }

  #setAt(address: Node, value: Node, width: Width): void {
    if (width === 8)
      this.f.emit(store(value.type === "i64" ? "i64.store8" : "i32.store8", address, 0, value));
    else if (width === 16)
      this.f.emit(store(value.type === "i64" ? "i64.store16" : "i32.store16", address, 0, value));
    else if (width === 32) this.f.emit(store("i64.store", address, 0, this.#extend32(value)));
    else this.f.emit(store("i64.store", address, 0, this.resize(value, 64)));
  }
  #extend32(value: Node): Node {
    return value.type === "i64" ? op("i64.and", value, i64(0xffffffffn)) : op("i64.extend_i32_u", value);
  }

  /** Numbers 4 … 7 at width 8 are AH … BH: meanings name byte registers without REX. */
  register(number: number, width: Width): Node {
    return memory(gprOffset(number, width), LOAD[width]);
  }
  setRegister(number: number, width: Width, value: Node): void {
    this.#setAt(i32(gprOffset(number, width)), value, width);
  }

  immediate(width: Width = this.width): Node {
    const { operands, family } = this.#variant;
    if (family.traits.escapes === true) {
      assert(
        width < 64 && operands.includes("x"),
        "only vector instructions escape with a byte",
        family.name,
      );
      return this.#field(RECORD.callOut, "i32.load8_u");
    }
    if (!operands.includes("m")) return this.#field(RECORD.immediate, width === 64 ? "i64.load" : "i32.load");
    return this.#field(RECORD.immediateBeside, width === 64 ? "i64.load32_s" : "i32.load");
  }

  // --- addresses --------------------------------------------------------------------------------------------------------------------------

  effective(): Node {
    const at = (offset: number) => this.#field(offset, "i32.load16_u");
    if (this.#variant.memory === "ms") return this.let(call("effective", "i64", get(this.#rec)));
    if (this.#variant.memory === "m64") {
      const index = op(
        "i64.shl",
        load("i64.load", at(RECORD.index)),
        op("i64.extend_i32_u", this.#field(RECORD.shift, "i32.load8_u")),
      );
      const base = op(
        "i64.add",
        load("i64.load", at(RECORD.base)),
        this.#field(RECORD.displacement, "i64.load32_s"),
      );
      return this.let(op("i64.add", base, index));
    }
    const index = op("i32.shl", load("i32.load", at(RECORD.index)), this.#field(RECORD.shift, "i32.load8_u"));
    const base = op(
      "i32.add",
      load("i32.load", at(RECORD.base)),
      this.#field(RECORD.displacement, "i32.load"),
    );
    return this.let(op("i64.extend_i32_u", op("i32.add", base, index)));
  }

  nextRip(): Node {
    if (this.#isRelative) return this.#ripAt(this.#field(RECORD.next, "i64.load16_u"));
    const length = op(
      "i32.add",
      this.#field(RECORD.offset, "i32.load16_u"),
      this.#field(RECORD.length, "i32.load8_u"),
    );
    return this.#ripAt(op("i64.extend_i32_u", length));
  }
  /** Rip that many bytes behind the start of the trace. */
  #ripAt(bytes: Node): Node {
    return op("i64.add", memory(RUN.traceRip, "i64.load"), bytes);
  }

  escape(condition: Node): void {
    assert(
      this.#variant.family.traits.escapes === true,
      "only an operation can be escaped to",
      this.#variant.family.name,
    );
    this.if(condition, () => {
      const answer = this.f.let(call("escape", "i32", get(this.#rec)));
      this.f.emit(...this.#ending.escaped(answer));
    });
  }
  instantsLeft(): Node {
    const trace = memory(RUN.trace, "i32.load");
    const left = op("i32.add", memory(RUN.budget, "i32.load"), load("i32.load", trace, TRACE.count));
    return this.let(op("i32.sub", left, recordIndex(get(this.#rec))));
  }
  isFollowed(): Node {
    const next = this.#field(RECORD.bytes + RECORD.handler, "i32.load16_u");
    return op("i32.ne", next, i32(PSEUDO.end));
  }

  /** Linear address of an offset in the record's segment, checked if the segment is not flat. */
  #linear(offset: Node, width: Bits, access: Access, segment: Node | null): Node {
    if (this.#variant.memory !== "ms") return this.let(offset);
    const number = segment ?? this.#field(RECORD.segment, "i32.load8_u");
    return this.let(
      call("linear", "i64", get(this.#rec), number, offset, i32((width / 8) | (ACCESS[access] << 8))),
    );
  }

  /** Flag that tells the slow path to raise #SS instead of #GP: the record's segment is SS. */
  #stackFlag(segment: Node | null): Node {
    const number = segment ?? this.#field(RECORD.segment, "i32.load8_u");
    return op("i32.shl", op("i32.eq", number, i32(SEG.ss)), i32(8));
  }

  /** Host address of `width` bits at a linear address: through the TLB, or by the slow path, which faults if need be. */
  #host(linear: Node, width: Bits, access: Access, flag: Node): Node {
    const bytes = width / 8;
    const entry = this.let(dataEntry(linear));
    const tags = op("i32.add", entry, memory(RUN.dataTags, "i32.load"));
    const tag = load("i64.load", tags, TLB.base + (access === "read" ? TLB.readSystem : TLB.writeSystem));
    const miss = { read: "missRead", write: "missWrite", modify: "missModify" }[access];
    const host = this.f.local("i32");
    const slow = call(miss, "i32", linear, op("i32.or", i32(bytes), flag), get(this.#rec));
    const faulted = when(op("i32.eqz", tee(host, slow)), this.#ending.exit(i32(EXIT.fault)));
    this.f.emit(
      when(op("i64.eq", lastPage(linear, bytes), tag), [set(host, hostAddress(entry, linear))], [faulted]),
    );
    return get(host);
  }

  #loadLinear(linear: Node, width: Width, flag: Node): Node {
    return this.let(load(LOAD[width], this.#host(linear, width, "read", flag)));
  }

  load(offset: Node, width: Width): Node {
    return this.#loadLinear(this.#linear(offset, width, "read", null), width, this.#stackFlag(null));
  }
  store(offset: Node, width: Width, value: Node): void {
    const place = this.probe(offset, width, "write");
    this.storeTo(place, value);
  }
  probe(offset: Node, width: Width, access: "write" | "modify"): Place {
    return this.#probeLinear(this.#linear(offset, width, access, null), width, access, this.#stackFlag(null));
  }
  #probeLinear(linear: Node, width: Width, access: "write" | "modify", flag: Node): Place {
    const node = this.#host(linear, width, access, flag);
    assert(node.kind === "get", "host address is not in a local");
    return { host: node.local, width };
  }
  loadFrom(place: Place): Node {
    return this.let(load(LOAD[place.width], get(place.host)));
  }
  storeTo(place: Place, value: Node): void {
    this.f.emit(store(storeName(value, place.width), get(place.host), 0, value));
    this.#commit(get(place.host));
  }
  /** Frames of RAM lie behind FRAMES; anything below may be scratch, which somebody has to take further. */
  #commit(host: Node): void {
    const further = when(memory(RUN.commit, "i32.load"), [call("commit", "void")]);
    this.f.emit(when(op("i32.lt_u", host, i32(FRAMES)), [further]));
  }

  loadSource(offset: Node, width: Width): Node {
    return this.load(offset, width);
  }
  loadDestination(offset: Node, width: Width): Node {
    const segment = i32(SEG.es);
    return this.#loadLinear(this.#linear(offset, width, "read", segment), width, i32(0));
  }
  storeDestination(offset: Node, width: Width, value: Node): void {
    const linear = this.#linear(offset, width, "write", i32(SEG.es));
    this.storeTo(this.#probeLinear(linear, width, "write", i32(0)), value);
  }

  // --- vectors ----------------------------------------------------------------------------------------------------------------------------

  readVector(index: number, bits: VectorBits = this.vectorBits): Node {
    switch (this.#kind(index)) {
      case "x":
        return load("v128.load", this.#registerField(index));
      case "y":
        return load("v128.load64_zero", this.#registerField(index));
      default:
        break;
    }
    const name = bits === 32 ? "v128.load32_zero" : bits === 64 ? "v128.load64_zero" : "v128.load";
    if (this.#variant.family.access[index] !== "rw")
      return this.let(load(name, this.#vectorHost(bits, "read")));
    this.#vectorPlace = this.#vectorHost(bits, "modify");
    return this.let(load(name, this.#vectorPlace));
  }

  writeVector(index: number, value: Node, bits: VectorBits = this.vectorBits): void {
    const kind = this.#kind(index);
    if (kind === "x") {
      this.f.emit(store("v128.store", this.#registerField(index), 0, value));
    } else if (kind === "y") {
      const register = this.let(this.#registerField(index));
      this.f.emit(
        store("i64.store", register, 0, lane("i64x2.extract_lane", value, 0)),
        store("i32.store16", register, 8, i32(0xffff)),
      );
    } else {
      const host = this.#vectorPlace ?? this.#vectorHost(bits, "write");
      if (bits === 32) this.f.emit(store("i32.store", host, 0, lane("i32x4.extract_lane", value, 0)));
      else if (bits === 64) this.f.emit(store("i64.store", host, 0, lane("i64x2.extract_lane", value, 0)));
      else this.f.emit(store("v128.store", host, 0, value));
      this.#commit(host);
    }
  }

  /** Host address of a vector operand in memory. */
  #vectorHost(bits: VectorBits, access: Access): Node {
    const size = bits === "unaligned" ? 128 : bits;
    const offset = this.effective();
    // Alignment comes before the segment's limit, as on processors: through SS they are different faults.
    if (bits === 128) {
      const address =
        this.#variant.memory === "ms"
          ? call("linearLow", "i32", get(this.#rec), offset)
          : op("i32.wrap_i64", offset);
      this.f.emit(when(op("i32.and", address, i32(15)), this.#refuse(REFUSAL.misaligned)));
    }
    const linear = this.#linear(offset, size, access, null);
    return this.#host(linear, size, access, this.#stackFlag(null));
  }

  #refuse(refusal: number): Node[] {
    return [put32(RUN.record, get(this.#rec)), call("refuseVector", "void", i32(refusal)), unreachable];
  }

  /** The short test for what `cpu/vector/access.ts` checks; it is made where the bits are, so that nothing has to be kept in step with them. */
  #requireUnits(sse: boolean, mmx: boolean): void {
    const cr0 = op("i32.and", memory(STATE.cr0, "i32.load"), i32(CR0.EM | CR0.TS));
    const cr4 = op("i32.and", memory(STATE.cr4, "i32.load"), i32(CR4.OSFXSR));
    const off = op("i32.xor", cr4, i32(CR4.OSFXSR));
    const pending = op("i32.and", memory(FPU.status, "i32.load16_u"), i32(FPU.pending));
    let unfit = cr0;
    if (sse) unfit = op("i32.or", unfit, off);
    if (mmx) unfit = op("i32.or", unfit, pending);
    this.f.emit(when(unfit, this.#refuse(sse ? (mmx ? REFUSAL.both : REFUSAL.sse) : REFUSAL.mmx)));
  }
  /** TOP is 0 after every MMX instruction, and the tags are all valid, or with EMMS all empty. */
  #enterMmx(tags: number): void {
    this.#clearTop();
    this.f.emit(store("i32.store16", i32(0), FPU.tags, i32(tags)));
  }
  #clearTop(): void {
    const status = op("i32.and", memory(FPU.status, "i32.load16_u"), i32(~FPU.top));
    this.f.emit(store("i32.store16", i32(0), FPU.status, status));
  }
  xmm(number: number): Node {
    return memory(STATE.xmm + number * 16, "v128.load");
  }
  emptyMmx(): void {
    this.#requireUnits(false, true);
    this.#enterMmx(ALL_EMPTY);
  }

  // --- stack ------------------------------------------------------------------------------------------------------------------------------

  /** Linear address of rSP (or what `from` has) plus a distance, and what rSP would be there. */
  #stack(
    distance: Node,
    width: Width,
    access: Access,
    from: Node = this.register(4, 64),
  ): { linear: Node; pointer: Node } {
    const pointer = this.#pointer(distance, from);
    if (this.#variant.stack !== "ss") return { linear: pointer, pointer };
    const bytes = i32((width / 8) | (ACCESS[access] << 8));
    return { linear: this.let(call("linear", "i64", get(this.#rec), i32(SEG.ss), pointer, bytes)), pointer };
  }
  /** A stack pointer moved by a distance, in the size that the stack segment gives. */
  #pointer(distance: Node, from: Node): Node {
    const { stack } = this.#variant;
    if (stack === "ss") return this.let(call("stackOffset", "i64", op("i64.add", from, distance)));
    const moved = op("i64.add", from, distance);
    return this.let(stack === "s64" ? moved : op("i64.and", moved, i64(0xffffffffn)));
  }
  #setStackPointer(pointer: Node): void {
    if (this.#variant.stack === "ss") this.f.emit(call("setStackPointer", "void", pointer));
    else this.f.emit(put64(STATE.gpr + 4 * 8, pointer));
  }

  push(value: Node, width: Width, check?: () => void): void {
    const kept = this.let(value);
    const { linear, pointer } = this.#stack(i64(BigInt(-width / 8)), width, "write");
    this.storeTo(this.#probeLinear(linear, width, "write", i32(0x100)), kept);
    check?.();
    this.#setStackPointer(pointer);
  }
  top(width: Width, depth = 0): Node {
    return this.#loadLinear(this.#stack(i64(BigInt(depth)), width, "read").linear, width, i32(0x100));
  }
  release(bytes: Node): void {
    this.#setStackPointer(this.#pointer(bytes, this.register(4, 64)));
  }
  popInto(value: Node): void {
    const before = this.let(this.register(4, 64));
    this.release(i64(BigInt(this.width / 8)));
    const after = this.let(this.register(4, 64));
    const offset = this.effective();
    // The store may fault: rSP is put back first and moved again when it is sure.
    this.f.emit(put64(STATE.gpr + 4 * 8, before));
    const place = this.probe(offset, this.width, "write");
    this.f.emit(put64(STATE.gpr + 4 * 8, after));
    this.storeTo(place, value);
  }
  leaveFrame(): void {
    const frame = this.let(this.register(5, 64));
    const { linear } = this.#stack(i64(0n), this.width, "read", frame);
    const value = this.#loadLinear(linear, this.width, i32(0x100));
    this.#setStackPointer(this.#pointer(i64(BigInt(this.width / 8)), frame));
    this.setRegister(5, this.width, value);
  }

  // --- control ----------------------------------------------------------------------------------------------------------------------------

  jump(rip: Node, width: Width): void {
    this.f.emit(put64(STATE.rip, this.#maskRip(rip, width)), ...this.#ending.lookup());
  }
  #maskRip(rip: Node, width: Width): Node {
    return width === 64 ? rip : this.zext(rip, width);
  }
  relativeTarget(): Node {
    return this.let(this.#maskRip(this.#ripAt(this.#field(RECORD.target, "i64.load")), this.width));
  }
  branch(condition: Node): void {
    const always = condition.kind === "const";
    const taken = () => {
      const target = this.relativeTarget();
      if (this.width !== 64 && !this.#variant.family.name.startsWith("call"))
        this.checkTarget(this.resize(target, this.width));
      this.#follow(target, RECORD.linkTaken);
    };
    if (always) return taken();
    this.if(condition, taken);
    // Not taken, rip only moves on: a 16-bit operand size cuts off the targets of jumps.
    const onward = this.nextRip();
    this.#follow(this.width === 64 ? onward : this.#maskRip(onward, 32), RECORD.linkNext);
  }
  /** On to `rip`: by the record's link if it is known, else by looking the trace up and remembering it in the link. */
  #follow(rip: Node, link: number): void {
    this.f.emit(put64(STATE.rip, rip));
    const known = this.let(this.#field(link, "i32.load"));
    this.f.emit(when(op("i32.gt_u", known, i32(1)), this.#ending.enter(known)));
    this.f.emit(when(op("i32.eqz", known), [put32(RUN.link, op("i32.add", get(this.#rec), i32(link)))]));
    this.f.emit(...this.#ending.lookup());
  }
  checkTarget(target: Node): void {
    if (this.width === 64) {
      const canonical = op("i64.shr_s", op("i64.shl", target, i64(16n)), i64(16n));
      const ask = [
        put64(RUN.temporary, target),
        put32(RUN.record, get(this.#rec)),
        call("nearTarget", "void"),
      ];
      return this.f.emit(when(op("i64.ne", canonical, target), ask));
    }
    const beyond = op("i64.gt_u", this.resize(this.zext(target), 64), memory(RUN.codeLimit, "i64.load"));
    this.if(beyond, () => this.trap(VECTOR.GP, 0));
  }
  trap(vector: number, errorCode: number): void {
    this.f.emit(
      put32(RUN.record, get(this.#rec)),
      call("raise", "void", i32(vector), i32(errorCode)),
      unreachable,
    );
  }
  bulk(kind: BulkKind, operands: BulkOperands, unequal: boolean, limit: Node): Node {
    const size = Math.log2(this.width / 8) | (unequal ? FORM.unequal : 0);
    const address = Math.log2(this.addressWidth / 16) << FORM.address;
    // DF is bit 10.
    const down = op("i32.shr_u", op("i32.and", this.systemFlags(), i32(0x400)), i32(8));
    const form = this.let(op("i32.or", down, i32(size | address)));
    if (this.#variant.memory !== "ms") return this.let(callBulk(kind, form, operands, limit));
    const { source, destination } = operands;
    let most = limit;
    const linear = (offset: Node | null, segment: Node): Node | null => {
      if (offset === null) return null;
      const whole = this.let(call("stringSpan", "i32", segment, offset, form));
      const span = leavesOne(kind) ? this.let(op("i32.sub", whole, op("i32.ne", whole, i32(0)))) : whole;
      most = this.let(op("select", span, most, op("i32.lt_u", span, most)));
      return this.let(call("stringLinear", "i64", segment, offset));
    };
    const linears = {
      source: linear(source, this.#field(RECORD.segment, "i32.load8_u")),
      destination: linear(destination, i32(SEG.es)),
      value: operands.value,
    };
    return this.let(callBulk(kind, form, linears, most));
  }
  spend(instants: Node): void {
    this.f.emit(put32(RUN.budget, op("i32.sub", memory(RUN.budget, "i32.load"), instants)));
  }
  repeat(): void {
    this.f.emit(...this.#ending.enter(memory(RUN.trace, "i32.load")));
  }

  // --- flag words -------------------------------------------------------------------------------------------------------------------------

  flagResult(): Node {
    return memory(STATE.lazyResult, "i64.load");
  }
  flagAux(): Node {
    return memory(STATE.lazyAux, "i32.load");
  }
  setFlagWords(result: Node | null, aux: Node): void {
    // Both words are computed before either changes: `aux` may read the old result.
    const kept = this.let(aux);
    if (result !== null) this.f.emit(put64(STATE.lazyResult, result));
    this.f.emit(put32(STATE.lazyAux, kept));
  }
  systemFlags(): Node {
    return memory(STATE.eflags, "i32.load");
  }
  setSystemFlags(value: Node): void {
    this.f.emit(put32(STATE.eflags, value));
  }
}

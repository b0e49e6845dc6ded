/**
 * String instructions (SDM 2A/2B: CMPS LODS MOVS SCAS STOS). One iteration; under REP the instruction repeats itself until rCX is 0 (or, for CMPS
 * and SCAS, until ZF says so), and every iteration is an instant. Iterations that nobody could tell apart are done at once. INS and OUTS are operations.
 */
import { i32, i64 } from "../wasm/index.ts";
import type { BulkKind, Vocabulary } from "../semantics/vocabulary.ts";
import { family, type Meaning } from "./family.ts";

const SI = 6;
const DI = 7;
const CX = 1;

/** Moves an index register by elements (one, unless said), in the direction that DF says. */
function advance(v: Vocabulary, register: number, elementCount = i64(1n)): void {
  const bytes = v.let(v.shl(elementCount, i64(BigInt(Math.log2(v.width / 8)))));
  const down = v.and(v.systemFlags(), i32(0x400));
  const step = v.select(down, v.sub(i64(0n), bytes), bytes);
  const moved = v.add(v.resize(v.register(register, v.addressWidth), 64), step);
  v.setRegister(register, v.addressWidth, v.resize(moved, v.addressWidth));
}

const offset = (v: Vocabulary, register: number) => v.let(v.resize(v.register(register, v.addressWidth), 64));

const elements: Record<BulkKind, Meaning> = {
  movs: (v) => {
    v.storeDestination(offset(v, DI), v.width, v.let(v.loadSource(offset(v, SI), v.width)));
    advance(v, SI);
    advance(v, DI);
  },
  stos: (v) => {
    v.storeDestination(offset(v, DI), v.width, v.register(0, v.width));
    advance(v, DI);
  },
  lods: (v) => {
    v.setRegister(0, v.width, v.loadSource(offset(v, SI), v.width));
    advance(v, SI);
  },
  scas: (v) => {
    const a = v.let(v.register(0, v.width));
    const b = v.let(v.loadDestination(offset(v, DI), v.width));
    advance(v, DI);
    v.flagsSub(a, b, v.let(v.sub(a, b)));
  },
  cmps: (v) => {
    // The destination is read first, as processors do: it is its fault that is reported.
    const b = v.let(v.loadDestination(offset(v, DI), v.width));
    const a = v.let(v.loadSource(offset(v, SI), v.width));
    advance(v, SI);
    advance(v, DI);
    v.flagsSub(a, b, v.let(v.sub(a, b)));
  },
};

/** Which operands the elements of an instruction have. */
const has: Record<
  BulkKind,
  { readonly source: boolean; readonly destination: boolean; readonly value: boolean }
> = {
  movs: { source: true, destination: true, value: false },
  stos: { source: false, destination: true, value: true },
  lods: { source: true, destination: false, value: false },
  scas: { source: false, destination: true, value: true },
  cmps: { source: true, destination: true, value: false },
};

/**
 * As many iterations at once as the budget and the engine allow, all but the last: that one is ordinary, reads what LODS loads and sets the flags that CMPS
 * and SCAS leave.
 */
function runAhead(v: Vocabulary, kind: BulkKind, unequal: boolean): void {
  const size = v.addressWidth;
  const wide = (register: number) => v.let(v.resize(v.register(register, size), 64));
  const { source, destination, value } = has[kind];
  const others = v.let(v.sub(wide(CX), i64(1n)));
  // Two or three at once are no faster than one by one.
  v.if(v.compare("gt_u", others, i64(2n)), () => {
    const instants = v.let(v.sub(v.instantsLeft(), i32(1)));
    const fewer = v.compare("lt_u", others, v.resize(instants, 64));
    const limit = v.let(v.select(fewer, v.low32(others), instants));
    const operands = {
      source: source ? wide(SI) : null,
      destination: destination ? wide(DI) : null,
      value: value ? v.let(v.resize(v.register(0, v.width), 64)) : null,
    };
    const done = v.let(v.bulk(kind, operands, unequal, limit));
    v.if(done, () => {
      const iterations = v.let(v.resize(done, 64));
      if (source) advance(v, SI, iterations);
      if (destination) advance(v, DI, iterations);
      v.setRegister(CX, size, v.resize(v.sub(wide(CX), iterations), size));
      v.spend(done);
    });
  });
}

/** Iterations while rCX is not 0 and the comparison allows it; whatever of them is left when this one is over begins as an instant of its own. */
const repeated =
  (kind: BulkKind, until: "always" | "equal" | "unequal"): Meaning =>
  (v) => {
    const size = v.addressWidth;
    // ECX is written even if it is 0, which clears the upper half of RCX.
    const none = () => size === 32 && v.setRegister(CX, 32, v.k(0, 32));
    const iterate = () => {
      runAhead(v, kind, until === "unequal");
      elements[kind](v);
      const left = v.let(v.zext(v.sub(v.register(CX, size), v.k(1, size)), size));
      v.setRegister(CX, size, left);
      const more = v.isNot(v.isZero(left));
      const wanted = until === "always" ? more : v.and(more, until === "equal" ? v.zf() : v.isNot(v.zf()));
      v.if(wanted, () => v.repeat());
    };
    v.if(v.isNot(v.isZero(v.register(CX, size))), iterate, none);
  };

const rows: Record<BulkKind, number> = { movs: 0xa4, cmps: 0xa6, stos: 0xaa, lods: 0xac, scas: 0xae };

export const strings = (Object.keys(rows) as BulkKind[]).flatMap((name) => {
  const opcode = rows[name];
  const element = elements[name];
  const forms = [`${opcode.toString(16)} ; w8`, (opcode + 1).toString(16)];
  const traits = { string: true } as const;
  const repeat = { string: true, repeats: true, ends: true } as const;
  const compares = name === "cmps" || name === "scas";
  // The decoder picks the family by the REP prefix: "rep_movs", "repe_cmps", "repne_cmps".
  if (!compares)
    return [
      family(name, "", element, forms, traits),
      family(`rep_${name}`, "", repeated(name, "always"), [], repeat),
    ];
  return [
    family(name, "", element, forms, traits),
    family(`rep_${name}`, "", repeated(name, "equal"), [], repeat),
    family(`repne_${name}`, "", repeated(name, "unequal"), [], repeat),
  ];
});

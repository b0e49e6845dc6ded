/**
 * String instructions (SDM 2A/2B: CMPS LODS MOVS SCAS STOS). One iteration; under REP the instruction repeats itself until rCX is 0 (or, for CMPS
 * and SCAS, until ZF says so), and every iteration is an instant. INS and OUTS are operations.
 */
import { i32, i64 } from "../wasm/index.ts";
import type { Vocabulary } from "../semantics/vocabulary.ts";
import { family, type Meaning } from "./family.ts";

const SI = 6;
const DI = 7;
const CX = 1;

/** Moves an index register by one element, in the direction that DF says. */
function advance(v: Vocabulary, register: number): void {
  const bytes = BigInt(v.width / 8);
  const down = v.and(v.systemFlags(), i32(0x400));
  const step = v.select(down, i64(-bytes), i64(bytes));
  const moved = v.add(v.resize(v.register(register, v.addressWidth), 64), step);
  v.setRegister(register, v.addressWidth, v.resize(moved, v.addressWidth));
}

const offset = (v: Vocabulary, register: number) => v.let(v.resize(v.register(register, v.addressWidth), 64));

const elements: Record<string, Meaning> = {
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

/** One iteration if rCX is not 0, then again if it still is not (and the comparison allows it). */
const repeated =
  (element: Meaning, until: "always" | "equal" | "unequal"): Meaning =>
  (v) => {
    const size = v.addressWidth;
    // ECX is written even if it is 0, which clears the upper half of RCX.
    const none = () => size === 32 && v.setRegister(CX, 32, v.k(0, 32));
    const iterate = () => {
      element(v);
      const left = v.let(v.zext(v.sub(v.register(CX, size), v.k(1, size)), size));
      v.setRegister(CX, size, left);
      const more = v.isNot(v.isZero(left));
      const wanted = until === "always" ? more : v.and(more, until === "equal" ? v.zf() : v.isNot(v.zf()));
      v.if(wanted, () => v.repeat());
    };
    v.if(v.isNot(v.isZero(v.register(CX, size))), iterate, none);
  };

const rows: Record<string, number> = { movs: 0xa4, cmps: 0xa6, stos: 0xaa, lods: 0xac, scas: 0xae };

export const strings = Object.entries(rows).flatMap(([name, opcode]) => {
  const element = elements[name] as Meaning;
  const forms = [`${opcode.toString(16)} ; w8`, (opcode + 1).toString(16)];
  const traits = { string: true } as const;
  const repeat = { string: true, repeats: true, ends: true } as const;
  const compares = name === "cmps" || name === "scas";
  // The decoder picks the family by the REP prefix: "rep_movs", "repe_cmps", "repne_cmps".
  if (!compares)
    return [
      family(name, "", element, forms, traits),
      family(`rep_${name}`, "", repeated(element, "always"), [], repeat),
    ];
  return [
    family(name, "", element, forms, traits),
    family(`rep_${name}`, "", repeated(element, "equal"), [], repeat),
    family(`repne_${name}`, "", repeated(element, "unequal"), [], repeat),
  ];
});

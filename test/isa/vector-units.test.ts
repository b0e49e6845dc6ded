/**
 * What must be switched on before a vector instruction runs (SDM 3A 12.1 and 13.1, tables "Action taken by MMX / SSE instructions for combinations of EM,
 * MP, TS …"): every form with vector operands, whether emitted or executed in TypeScript, under each combination of the bits.
 */
import { describe, expect, test } from "vitest";
import { CR0, CR4, type Core } from "../../emulator/cpu/core.ts";
import { VECTOR } from "../../emulator/cpu/event.ts";
import { STATE } from "../../emulator/cpu/layout.ts";
import { families, type Form } from "../../emulator/isa/index.ts";
import { ARENA, type Case } from "../oracle/case.ts";
import { Emulated } from "../oracle/emulated.ts";
import { MODES } from "../oracle/segments.ts";

const CODE_OFFSET = 0x1800;
const DATA_OFFSET = 0x4800;
const RDI = 7;
const CR4_ON = CR4.PAE | CR4.OSFXSR | CR4.OSXMMEXCPT;
const CR0_ON = (CR0.PE | CR0.MP | CR0.ET | CR0.NE | CR0.WP | CR0.PG) >>> 0;

const has = (form: Form, unit: "xmm" | "mm"): boolean =>
  form.operands.some(({ kind }) => kind.startsWith(unit));
/** MMX takes part for sure: an operand that may be in memory may not. */
const isMmx = (form: Form): boolean => form.operands.some(({ kind }) => kind === "mm1" || kind === "mm2");

function encode(form: Form, memory: boolean): Uint8Array {
  const prefix = form.prefix === "np" || form.prefix === "" ? [] : [Number.parseInt(form.prefix, 16)];
  const map = [[], [0x0f], [0x0f, 0x38], [0x0f, 0x3a]][form.map]!;
  const reg = Math.max(form.digit, 0) << 3;
  const immediate = form.operands.some(({ kind }) => kind === "imm") ? [0] : [];
  return Uint8Array.from([...prefix, ...map, form.opcode, memory ? reg | RDI : 0xc0 | reg | 1, ...immediate]);
}

const mode = MODES.find(({ name }) => name === "64-bit")!;
function runs(emulated: Emulated, code: Uint8Array): number {
  const item: Case = {
    name: "",
    gpr: Array.from({ length: 16 }, () => BigInt(ARENA + DATA_OFFSET)),
    rip: BigInt(ARENA + CODE_OFFSET),
    rflags: 0x202,
    fsBase: 0n,
    gsBase: 0n,
    selectors: mode.selectors,
    code,
    codeOffset: CODE_OFFSET,
    pokes: [],
    fx: null,
  };
  return emulated.run(item).vector;
}

/** Every form with vector operands, in its register and memory forms. */
const instructions = families
  .flatMap((family) => family.forms)
  .filter((form) => form.isVector)
  .flatMap((form) => {
    const kinds = form.operands.map(({ kind }) => kind);
    const inMemory = kinds.includes("m") || kinds.some((kind) => kind.endsWith("/m") || kind === "rm");
    const inRegister = !kinds.includes("m");
    return [...(inRegister ? [false] : []), ...(inMemory ? [true] : [])].map((memory) => ({ form, memory }));
  });

/** The vectors that the instructions which `wanted` chooses end with, and one of each, by name. */
function outcome(change: (core: Core) => void, wanted: (form: Form) => boolean): Record<number, string> {
  const emulated = new Emulated();
  const { core } = emulated.cpu;
  const found: Record<number, string> = {};
  for (const { form, memory } of instructions) {
    if (!wanted(form)) continue;
    core.setCr0(CR0_ON);
    core.setCr4(CR4_ON);
    core.mxcsr = 0x1f80;
    core.view.setUint32(STATE.fpu, 0x37f, true);
    change(core);
    found[runs(emulated, encode(form, memory))] ??= form.family.name;
  }
  return found;
}
const vectors = (found: Record<number, string>): number[] => Object.keys(found).map(Number);

describe("units", () => {
  const pending = (core: Core): void => core.view.setUint32(STATE.fpu, 0x8081_0340, true);

  test("every instruction runs when all is on, and ends at the breakpoint behind it", () => {
    expect(instructions.length).toBeGreaterThan(500);
    expect(vectors(outcome(() => {}, () => true))).toEqual([VECTOR.BP]);
  });
  test("CR0.EM is #UD for both units, whatever TS says", () => {
    expect(vectors(outcome((core) => core.setCr0((core.cr0 | CR0.EM | CR0.TS) >>> 0), () => true))).toEqual([VECTOR.UD]);
  });
  test("CR0.TS is #NM for both units", () => {
    expect(vectors(outcome((core) => core.setCr0((core.cr0 | CR0.TS) >>> 0), () => true))).toEqual([VECTOR.NM]);
  });
  test("without CR4.OSFXSR there are no XMM registers, but there is MMX", () => {
    const off = (core: Core): void => core.setCr4(CR4.PAE);
    expect(vectors(outcome(off, (form) => has(form, "xmm")))).toEqual([VECTOR.UD]);
    expect(vectors(outcome(off, (form) => !has(form, "xmm")))).toEqual([VECTOR.BP]);
  });
  test("an x87 exception that is pending is delivered by MMX, and of no concern to SSE", () => {
    expect(vectors(outcome(pending, isMmx))).toEqual([VECTOR.MF]);
    expect(vectors(outcome(pending, (form) => !has(form, "mm")))).toEqual([VECTOR.BP]);
  });
  test("EMMS and MASKMOVQ ask, MOVNTI, CRC32 and POPCNT do not", () => {
    const emulated = new Emulated();
    const { core } = emulated.cpu;
    core.setCr0((CR0_ON | CR0.TS) >>> 0);
    core.setCr4(CR4.PAE);
    const ends = (hex: string): number => runs(emulated, Uint8Array.from(Buffer.from(hex, "hex")));
    expect(["0f77", "0ff7c1"].map(ends)).toEqual([VECTOR.NM, VECTOR.NM]);
    expect(["0fc307", "f20f38f1c1", "f30fb8c1"].map(ends)).toEqual([VECTOR.BP, VECTOR.BP, VECTOR.BP]);
  });
}); // oxfmt-ignore

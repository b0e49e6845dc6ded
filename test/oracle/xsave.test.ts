/**
 * XSAVE, XSAVEOPT, XSAVEC and XRSTOR against the host, for the components x87 and SSE: random states (initial ones among them), components asked for,
 * images in both formats, and headers that are not allowed.
 * Some restore and then save elsewhere, so that what was made initial is left out.
 *
 * The host has more components: none of them is asked for, and headers that are wrong name components that no processor has.
 */
import { expect, test } from "vitest";
import { ARENA, background, type Case, type Quad, type Result } from "./case.ts";
import { Emulated } from "./emulated.ts";
import { isIntel } from "./maker.ts";
import { nativeProblem, runNative } from "./native.ts";
import { Random } from "./random.ts";
import { type Mode, MODES, segmentOf } from "./segments.ts";
import { randomMxcsr } from "./sse-float-operands.ts";
import { randomState87 } from "./x87-operands.ts";

const SEED = Number(process.env["ORACLE_SEED"] ?? 1);
const COUNT = Number(process.env["ORACLE_COUNT"] ?? (process.env["REDZONE_LONG"] === "1" ? 6000 : 4000));
const BATCH = 2000;
const CODE_OFFSET = 0x1800;
const DATA_OFFSET = 0x4800;
const AREA_BYTES = 576;
const RDI = 7;
/** A second area 280h bytes behind the first, as a displacement. */
const SECOND = [0x80, 0x02, 0, 0] as const;
const SECOND_OFFSET = 0x280;

/** FOP, selectors and pointers, which today's processors keep only for #MF. */
const POINTERS = [[6, 24]] as const; // oxfmt-ignore
const forms = [
  { name: "xsave", opcode: [0x0f, 0xae], digit: 4 },
  { name: "xrstor", opcode: [0x0f, 0xae], digit: 5 },
  { name: "xsaveopt", opcode: [0x0f, 0xae], digit: 6 },
  { name: "xsavec", opcode: [0x0f, 0xc7], digit: 4 },
];
const modes = MODES.filter((mode) => ["64-bit", "32-bit flat"].includes(mode.name));

interface StateCase extends Case {
  readonly mode: Mode;
}

/** A state without a part that is initial: whether a host counts that as in use depends on how it was loaded. */
function randomState(random: Random): Uint8Array {
  const image = randomState87(random);
  const view = new DataView(image.buffer);
  view.setUint32(24, random.oneIn(2) ? 0x1f80 : randomMxcsr(random), true);
  return image;
}

function randomArea(random: Random): Uint8Array {
  const bytes = new Uint8Array(AREA_BYTES);
  bytes.set(randomState(random));
  const view = new DataView(bytes.buffer);
  if (random.oneIn(12)) view.setUint32(24, random.bits32(), true);
  const compacted = random.oneIn(2);
  const layout = random.below(4);
  view.setUint32(512, compacted && random.oneIn(8) ? random.below(4) : compacted ? random.below(4) & layout : random.below(4), true);
  if (compacted) view.setBigUint64(520, (1n << 63n) | BigInt(layout), true);
  // Components 10 and 62 belong to no processor's XCR0.
  if (random.oneIn(12)) view.setUint32(random.pick([512, 520]), 1 << 10, true);
  if (random.oneIn(12)) view.setUint32(random.pick([528, 536, 548, 572]), 1, true);
  if (random.oneIn(20)) view.setUint32(520, 1 + random.below(3), true);
  return bytes;
} // oxfmt-ignore

function randomCase(random: Random): StateCase {
  const mode = random.oneIn(5) ? modes[1]! : modes[0]!;
  const wide = mode.bits === 64;
  const form = random.pick(forms);
  // XSAVE, XSAVEOPT or XSAVEC to the second area.
  const [map, digit] = random.pick([[0xae, 4], [0xae, 6], [0xc7, 4]] as const);
  const then = form.name === "xrstor" && random.oneIn(2) ? [0x0f, map, 0x80 | (digit << 3) | RDI, ...SECOND] : [];
  const misaligned = random.oneIn(16) ? random.pick([16, 32, 8, 1]) : 0;
  const area = randomArea(random);
  const view = new DataView(area.buffer);
  const gpr = Array.from({ length: 16 }, () => random.bits64() & (wide ? ~0n : 0xffff_ffffn) & ((1n << 64n) - 1n));
  gpr[0] = BigInt(random.below(4));
  gpr[2] = 0n;
  gpr[RDI] = BigInt(ARENA + DATA_OFFSET + misaligned - (wide ? 0 : segmentOf(mode.selectors.ds)!.base));
  return {
    name: form.name,
    mode,
    gpr,
    rip: BigInt(ARENA + CODE_OFFSET),
    rflags: 0x202,
    fsBase: 0n,
    gsBase: 0n,
    selectors: mode.selectors,
    code: Uint8Array.from([...(wide && random.oneIn(2) ? [0x48] : []), ...form.opcode, (form.digit << 3) | RDI, ...then, 0xcc]),
    codeOffset: CODE_OFFSET,
    pokes: Array.from({ length: AREA_BYTES / 8 }, (_, i) => ({ offset: DATA_OFFSET + i * 8, value: view.getBigUint64(i * 8, true) })),
    fx: randomState(random),
  };
} // oxfmt-ignore

function bytesOf(quads: readonly Quad[]): Uint8Array {
  const bytes = background().slice(DATA_OFFSET, DATA_OFFSET + SECOND_OFFSET + AREA_BYTES);
  const view = new DataView(bytes.buffer);
  for (const { offset, value } of quads) view.setBigUint64(offset - DATA_OFFSET, value, true);
  return bytes;
}

/** Fields that differ, one text for each word. */
function words(what: string, ours: Uint8Array, host: Uint8Array, ignored: readonly (readonly [number, number])[]): string[] {
  const [a, b] = [Uint8Array.from(ours), Uint8Array.from(host)];
  for (const [from, to] of ignored) for (const bytes of [a, b]) bytes.fill(0, from, to);
  const [x, y] = [new DataView(a.buffer), new DataView(b.buffer)];
  return Array.from({ length: a.length / 4 }, (_, i) => i * 4)
    .filter((at) => x.getUint32(at, true) !== y.getUint32(at, true))
    .map((at) => `${what} ${at}: ${x.getUint32(at, true).toString(16)}, host ${y.getUint32(at, true).toString(16)}`);
} // oxfmt-ignore

/**
 * Outside 64-bit mode XMM8 to XMM15 keep what they hold when SSE's state becomes the initial one; AMD's processors then count it as in use, and what is saved
 * afterwards says so.
 */
const isMakersOwn = ({ name, mode, gpr }: StateCase): boolean =>
  !isIntel && name === "xrstor" && mode.bits !== 64 && (gpr[0]! & 2n) !== 0n;

function difference(item: StateCase, ours: Result, host: Result): string | null {
  if (isMakersOwn(item)) return null;
  const reserved = Array.from({ length: 8 }, (_, i) => [42 + i * 16, 48 + i * 16] as const);
  const second = [...POINTERS, ...reserved, [28, 32] as const].map(
    ([from, to]) => [from + SECOND_OFFSET, to + SECOND_OFFSET] as const,
  );
  const area = new DataView(bytesOf(item.pokes).buffer);
  // Some processors have loaded a part of the state when they find MXCSR wrong.
  const partial = host.vector === 13 && area.getUint16(26, true) !== 0;
  const problems = [
    ...(ours.vector === host.vector ? [] : [`vector ${ours.vector}, host ${host.vector}`]),
    ...words("state", partial ? host.fx! : ours.fx!, host.fx!, [
      ...POINTERS,
      ...reserved,
      [28, 32],
      [416, 512],
    ]),
    ...words("memory", bytesOf(ours.changes), bytesOf(host.changes), [
      ...POINTERS,
      ...reserved,
      [28, 32],
      ...second,
    ]),
  ];
  if (problems.length === 0) return null;
  const header = [512, 520, 528].map((at) => area.getBigUint64(at, true).toString(16)).join(" ");
  return `${item.name} (${item.mode.name}) components ${item.gpr[0]!} header ${header} vector ${host.vector} code ${Buffer.from(item.code).toString("hex")} rdi ${item.gpr[RDI]!.toString(16)}: ${problems.slice(0, 6).join("; ")}`;
}

const problem = nativeProblem();
test.skipIf(problem !== null)(
  `XSAVE: ${COUNT} random cases equal the host's (seed ${SEED})${problem === null ? "" : `: ${problem}`}`,
  { timeout: 180_000 },
  () => {
    const random = new Random(SEED);
    const emulated = new Emulated();
    const found: string[] = [];
    for (let done = 0; done < COUNT; done += BATCH) {
      const cases = Array.from({ length: Math.min(BATCH, COUNT - done) }, () => randomCase(random));
      runNative(cases).forEach((host, i) => {
        const text = difference(cases[i]!, emulated.run(cases[i]!), host);
        if (text !== null) found.push(text);
      });
    }
    console.log(`oracle: ${COUNT} XSAVE cases, seed ${SEED}, ${found.length} mismatches`);
    expect(found.slice(0, 12).join("\n"), `seed ${SEED}`).toBe("");
  },
);

/**
 * Frames as gdb sees them in QEMU: the canonical frame address, where registers and the return address are saved and where variables are, at stops of the sample
 * kernel, compiled with and without optimisation and frame pointers.
 */
import { beforeAll, describe, expect, it } from "vitest";
import type { StackBody, StackFrame, StackSlot } from "../../media/protocol.ts";
import { Client } from "../adapter/client.ts";
import { compileSample, hasOracle, stopsInQemu, type OracleFrame, type OracleStop } from "./oracle.ts";

const isCi = process.env["CI"] !== undefined;
if (!hasOracle && !isCi) console.log("gdb, gcc or QEMU is missing: frames are not compared");

/** In the order in which the kernel meets them. In an interrupt, what was interrupted is chance: only the handler's frames are compared. */
const PLACES = [
  { name: "options_init", isHandler: false },
  { name: "page_table_entry", isHandler: false },
  { name: "set_irq_handler", isHandler: false },
  { name: "interrupt", isHandler: true },
] as const;

const BUILDS = [
  ["O0", "-O0 -fno-omit-frame-pointer -fno-asynchronous-unwind-tables"],
  ["O2", "-O2 -fno-optimize-sibling-calls -fomit-frame-pointer -fno-asynchronous-unwind-tables"],
  [
    "O2-frame-pointer",
    "-O2 -fno-optimize-sibling-calls -fno-omit-frame-pointer -fno-asynchronous-unwind-tables",
  ],
] as const;

describe.skipIf(!hasOracle && !isCi).each(BUILDS)("the sample kernel at %s", (name, flags) => {
  const ours: StackBody[] = [];
  let theirs: readonly OracleStop[] = [];

  beforeAll(async () => {
    const kernel = compileSample(name, flags);
    theirs = stopsInQemu(
      kernel,
      "",
      PLACES.map((place) => place.name),
    );
    const client = new Client(60_000);
    await client.launchToEntry({ kernel: kernel.elf });
    for (const { pc } of theirs) {
      // At gdb's address: where a prologue ends is a matter of taste.
      const instructionReference = `0x${BigInt(pc).toString(16)}`;
      await client.request("setInstructionBreakpoints", { breakpoints: [{ instructionReference }] });
      await client.go();
      ours.push(await client.request("redzone/stack", { count: 64, detailed: 64 }));
    }
    await client.end();
  }, 240_000);

  it.each(PLACES.map((place, n) => ({ ...place, n })))("stops in $name", ({ n, isHandler }) => {
    const [our, their] = [ours[n]!, theirs[n]!];
    const count = isHandler ? 2 : their.frames.findIndex((frame) => frame.name === "kernel_main") + 1;
    expect(count).toBeGreaterThan(0);
    // What was interrupted, and so where on the stack the handler is, is chance.
    const [ourZero, theirZero] = isHandler
      ? [BigInt(our.frames[0]!.high!), BigInt(their.frames[0]!.cfa)]
      : [0n, 0n];
    expect(our.frames.slice(0, count).map((frame) => facts(frame, ourZero))).toEqual(
      their.frames.slice(0, count).map((frame, i) => factsOf(frame, our.frames[i]!, theirZero, ourZero)),
    );
    for (const frame of our.frames.slice(0, count)) expectWhole(frame);
  });

  it("compares something", () => {
    const frames = theirs.flatMap((stop) => stop.frames);
    expect(frames.flatMap(({ variables }) => Object.keys(variables)).length).toBeGreaterThan(2);
    expect(frames.flatMap(({ saved }) => Object.keys(saved)).length).toBeGreaterThan(10);
  });
});

interface Facts {
  readonly name: string;
  readonly cfa: string;
  /** "rbp 0x…" */
  readonly saved: readonly string[];
  readonly variables: readonly string[];
}

/** An address counted from `zero`. */
const from = (address: string, zero: bigint): string => (BigInt(address) - zero).toString(16);

function facts({ functions, high, slots = [] }: StackFrame, zero: bigint): Facts {
  const saved = slots.flatMap(({ kind, name, address }) =>
    kind === "saved"
      ? [`${name} ${from(address, zero)}`]
      : kind === "return" || name === "RIP"
        ? [`rip ${from(address, zero)}`]
        : [],
  );
  return {
    name: functions.at(-1)?.name ?? "?",
    cfa: high === null ? "?" : from(high, zero),
    saved: saved.sort(),
    variables: variablesOf(slots, zero),
  };
}

const variablesOf = (slots: readonly StackSlot[], zero: bigint): string[] =>
  slots
    .filter(({ kind }) => kind === "local" || kind === "parameter")
    .map(({ name, address }) => `${name} ${from(address, zero)}`)
    .sort();

/** Of gdb's, with those of its variables that are in the frame. What inlined functions have there gdb lists with their frames. */
function factsOf(
  { name, cfa, saved, variables }: OracleFrame,
  frame: StackFrame,
  zero: bigint,
  ourZero: bigint,
): Facts {
  const [low, high] = [BigInt(frame.low) - ourZero, BigInt(frame.high ?? frame.low) - ourZero];
  const own = (list: Readonly<Record<string, string>>): string[] =>
    Object.entries(list)
      .filter(([, address]) => BigInt(address) - zero >= low && BigInt(address) - zero < high)
      .map(([key, address]) => `${key} ${from(address, zero)}`)
      .sort();
  const found = own(variables);
  return {
    name: name ?? "?",
    cfa: from(cfa, zero),
    saved: own(saved).filter((each) => !/^(?:cs|ss|eflags|rsp) /.test(each)),
    variables:
      frame.functions.length > 1
        ? [...new Set([...found, ...variablesOf(frame.slots ?? [], ourZero)])].sort()
        : found,
  };
}

/** Slots are in order, without holes, and end where the frame does. */
function expectWhole({ low, high, slots = [] }: StackFrame): void {
  let at = BigInt(low);
  for (const { address, sizeBytes } of slots) {
    expect(address).toBe(`0x${at.toString(16)}`);
    at += BigInt(sizeBytes);
  }
  expect(`0x${at.toString(16)}`).toBe(high);
}

/** What functions do when they are executed is covered by what the analysis says: every access below RSP, every byte that is read again, every frame. */
import { describe, expect, it } from "vitest";
import type { FunctionStack } from "../../debug-adapter/analysis/index.ts";
import { build, COMPILERS, has, open } from "./programs.ts";
import { Runner, type Executed } from "./run.ts";

const hex = (value: bigint): string => `0x${value.toString(16)}`;

/** Sentences of what the analysis has missed. */
function missed(stack: FunctionStack, executed: readonly Executed[]): string[] {
  const complaints: string[] = [];
  const known = new Map<bigint, ReturnType<FunctionStack["liveAt"]>>();
  const liveAt = (rip: bigint): ReturnType<FunctionStack["liveAt"]> => {
    let found = known.get(rip);
    if (found === undefined) known.set(rip, (found = stack.liveAt(rip)));
    return found;
  };
  const depths = new Map<bigint, number | null>();
  const entryRsp = executed[0]!.rsp;
  /** Bytes at steps that have been looked at: what was stored once may be read often. */
  const seen = new Set<number>();
  /** By address of a byte: the step that stored it below RSP, while that is its last store. */
  const stored = new Map<number, number>();
  for (const [i, { rip, rsp, accesses }] of executed.entries()) {
    if (entryRsp + 8 - rsp > stack.frameBytes && !stack.isDynamic)
      complaints.push(`${hex(rip)}: the frame is ${entryRsp + 8 - rsp} bytes deep, not ${stack.frameBytes}`);
    let depth = depths.get(rip);
    if (depth === undefined) depths.set(rip, (depth = stack.depthAt(rip)));
    if (depth !== null && depth !== entryRsp - rsp)
      complaints.push(`${hex(rip)}: RSP is ${entryRsp - rsp} bytes down, not ${depth}`);
    for (const { address, bytes, reads, writes, isStack } of accesses) {
      const from = address - rsp;
      if (from < 0 && !isStack && from >= -128 && !isBarrier(stack, rip, from)) {
        const covers = stack.accesses.some(
          (each) =>
            each.address === rip &&
            (each.isExact ? each.from === from : each.from <= from || each.by === "pointer") &&
            (each.writes || !writes),
        );
        if (!covers) complaints.push(`${hex(rip)}: the access at RSP - ${-from} is not told`);
        if (-from > stack.redZoneBytes)
          complaints.push(`${hex(rip)}: ${-from} bytes, not ${stack.redZoneBytes}`);
      }
      for (let byte = address; byte < address + bytes; byte++) {
        const since = stored.get(byte);
        if (reads && since !== undefined) {
          for (let step = since + 1; step <= i; step++) {
            const at = executed[step]!;
            const offset = byte - at.rsp;
            const key = step * 65_536 - offset;
            if (offset >= 0 || seen.has(key)) continue;
            seen.add(key);
            const live = liveAt(at.rip);
            if (live !== null && !live.some((range) => offset >= range.from && offset < range.to))
              complaints.push(
                `${hex(at.rip)}: the byte at RSP - ${-offset} is read at ${hex(rip)} and not live`,
              );
          }
        }
        if (!writes) continue;
        if (byte < rsp && !isStack) stored.set(byte, i);
        else stored.delete(byte);
      }
    }
  }
  // One of each kind at each instruction.
  return [...new Set(complaints)].slice(0, 8);
}

/** LOCK ADDL $0 below RSP is no use of it. */
const isBarrier = ({ name }: FunctionStack, _: bigint, from: number): boolean =>
  name === "barrier" && from === -4;

const SAMPLES: readonly (readonly [bigint, bigint])[] = [
  [0n, 0n],
  [5n, 3n],
  [0x1234_5678_9abc_def1n, 7n],
  [0xffff_ffff_ffff_ffffn, 0x8000_0000_0000_0001n],
];
const LEAVES = [
  "nothing", "one_word", "one_byte", "array", "bytes_backwards", "more_than_fits", "many_values", "on_one_way", "table", "walk", "vectors", "wide",
  "flags_over_red_zone", "barrier",
]; // oxfmt-ignore
/** Which must have been found to use it, or the comparison would be of nothing. */
const USERS = ["one_word", "array", "bytes_backwards", "on_one_way", "table", "walk", "vectors"];

describe.skipIf(COMPILERS.length === 0)("C functions, executed", () => {
  it.each(
    COMPILERS.flatMap((compiler) => ["-O0", "-O1", "-O2", "-Os"].map((level) => [compiler, level] as const)),
  )("%s %s", (compiler, level) => {
    const command = `${compiler} ${level} -w -fno-pie -no-pie -static -nostdlib -fno-stack-protector -fcf-protection=none -Wl,-Ttext=0x200000 -Wl,-e,0 -Wl,--build-id=none $P/leaf.c -o $O`;
    const program = open(build(`leaf-${compiler}${level}`, command, ["leaf.c"]));
    const runner = new Runner(program);
    for (const name of LEAVES) {
      const bounds = program.functions.find((each) => each.name === name)!;
      const stack = program.analyse(bounds);
      if (USERS.includes(name)) expect(stack.redZoneBytes, name).toBeGreaterThan(0);
      for (const [a, b] of SAMPLES)
        expect(missed(stack, runner.call(bounds.entry, [a, b])), `${name}(${a}, ${b})`).toEqual([]);
    }
  });
});

describe.skipIf(!has("gcc"))("libgcc's functions, executed", () => {
  // Arguments are 128 bits wide, low half first.
  const WIDE: readonly (readonly bigint[])[] = [
    [7n, 0n, 3n, 0n],
    [0n, 5n, 0n, 1n],
    [0xffff_ffff_ffff_ffffn, 0xffff_ffffn, 12_345n, 1n],
    [1n, 0x8000_0000_0000_0000n, 0xffff_ffff_ffff_fff0n, 3n],
    [0x1234_5678n, 0x9abc_def0n, 0x1_0000_0001n, 0n],
  ];

  it.each(["__udivti3", "__umodti3", "__divti3", "__modti3", "__udivmodti4"])("%s", (name) => {
    const command = `gcc -fno-pie -no-pie -static -nostdlib -Wl,-Ttext=0x200000 -Wl,-e,0 -Wl,--build-id=none -Wl,-u,${name} -x c /dev/null -x none $(gcc -print-libgcc-file-name) -o $O`;
    const program = open(build(`libgcc-${name}`, command, []));
    const bounds = program.functions.find((each) => each.name === name)!;
    const stack = program.analyse(bounds);
    const runner = new Runner(program);
    for (const parameters of WIDE) {
      // The fifth of __udivmodti4 is where the remainder goes.
      const executed = runner.call(bounds.entry, [...parameters, 0x19_0000n]);
      expect(executed.length).toBeGreaterThan(5);
      expect(missed(stack, executed), parameters.join()).toEqual([]);
    }
    if (name === "__udivmodti4" || name === "__umodti3") expect(stack.redZoneBytes).toBeGreaterThan(0);
  });
});

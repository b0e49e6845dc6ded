/**
 * Call stacks and variables of running programs, against what GDB says of the same stop: frames, registers of callers, types and bytes
 * of every variable.
 *
 * GDB runs the program and hands over registers and memory (`programs/dump.py`); everything else is worked out twice.
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readLocation, SymbolTable, typeName, type FrameContext } from "../../debug-adapter/symbols/index.ts";
import { has, net, open, PROGRAMS, run, rust, shapes, type Subject } from "./subject.ts";

interface Stop {
  readonly frames: readonly {
    readonly pc: string;
    readonly name: string | null;
    readonly isInlined: boolean;
    readonly line: number | null;
    readonly registers: Readonly<Record<string, string>>;
    readonly variables: readonly (readonly [name: string, type: string, bytes: string | null])[];
  }[];
  readonly memory: readonly (readonly [address: string, bytes: string])[];
}

function stops(subject: Subject, places: readonly string[], step = "continue", count = 12): Stop[] {
  const data = run("readelf", ["-SW", subject.path])
    .split("\n")
    .map((line) =>
      /\] \.(?:data|bss|rodata|data\.rel\.ro)\s+\w+\s+([0-9a-f]+) [0-9a-f]+ ([0-9a-f]+)/.exec(line),
    )
    .filter((match) => match !== null)
    .map((match) => `${match[1]}:${match[2]}`);
  const gdb = spawnSync("gdb", ["-nx", "-batch", "-x", join(PROGRAMS, "dump.py"), subject.path], {
    encoding: "utf8",
    maxBuffer: 1 << 28,
    env: {
      ...process.env,
      STOPS: places.join(";"),
      DATA: data.join(","),
      STEP: step,
      COUNT: String(count),
      DEBUGINFOD_URLS: "",
    },
  });
  const found = gdb.stdout
    .split("\n")
    .filter((line) => line.startsWith("STOP "))
    .map((line) => JSON.parse(line.slice(5)) as Stop);
  if (found.length === 0) throw new Error(`gdb stopped nowhere in ${subject.path}: ${gdb.stderr}`);
  return found;
}

const unhex = (text: string): Uint8Array =>
  Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
const hex = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

/** Variables with the bytes GDB has for them, ours as [name, type, bytes or null]. */
function check(
  subject: Subject,
  places: readonly string[],
  options: { step?: string; count?: number; types?: boolean } = {},
) {
  const image = open(subject.path);
  const symbols = new SymbolTable();
  symbols.add(image);
  const { architecture } = image;
  const wrong: string[] = [];
  const counts = { stops: 0, frames: 0, variables: 0, outOfReach: 0, lost: 0 };
  for (const [index, stop] of stops(subject, places, options.step, options.count).entries()) {
    const segments = stop.memory.map(([address, bytes]) => ({ low: BigInt(address), bytes: unhex(bytes) }));
    const readMemory = (address: bigint, length: number): Uint8Array | null => {
      for (const { low, bytes } of segments) {
        const offset = address - low;
        if (offset >= 0n && offset + BigInt(length) <= BigInt(bytes.length))
          return bytes.slice(Number(offset), Number(offset) + length);
      }
      const code = image.code(address, length);
      return code && code.length === length ? code : null;
    };
    const top = new Map(
      Object.entries(stop.frames[0]!.registers).map(([number, value]) => [Number(number), BigInt(value)]),
    );
    const got: {
      pc: bigint;
      name: string;
      isInlined: boolean;
      line: number;
      context: FrameContext;
      variables: () => [string, string, string][];
    }[] = [];
    for (const frame of symbols.walk(architecture, top, readMemory)) {
      for (const fun of frame.functions) {
        got.push({
          pc: frame.pc,
          name: fun.function.name,
          isInlined: fun.isInlined,
          line: fun.position?.line ?? 0,
          context: frame.context,
          variables: () =>
            fun.scopes().flatMap((scope) =>
              scope.variables.map((variable): [string, string, string] => {
                const bytes = readLocation(
                  variable.locate(frame.context),
                  variable.type?.sizeBytes ?? 0,
                  frame.context,
                );
                return [
                  variable.name,
                  typeName(variable.type),
                  typeof bytes === "string" ? `<${bytes}>` : hex(bytes),
                ];
              }),
            ),
        });
      }
      if (frame.functions.at(-1)?.function.name.split("::").at(-1) === "main" || got.length >= 20) break;
    }
    counts.stops++;
    for (const [depth, want] of stop.frames.entries()) {
      const frame = got[depth];
      const where = `stop ${index} frame ${depth} (${want.name}:${want.line})`;
      counts.frames++;
      if (!frame) {
        wrong.push(`${where}: missing`);
        break;
      }
      if (frame.pc !== BigInt(want.pc))
        wrong.push(`${where}: pc ${frame.pc.toString(16)}, not ${BigInt(want.pc).toString(16)}`);
      if (frame.isInlined !== want.isInlined || frame.line !== (want.line ?? 0))
        wrong.push(`${where}: line ${frame.line}, inlined ${frame.isInlined}`);
      const bare = (name: string): string =>
        name
          .replace(/[<(].*$/s, "")
          .split("::")
          .at(-1)!;
      if (!frame.name.includes(bare(want.name ?? ""))) wrong.push(`${where}: name ${frame.name}`);
      for (const [number, value] of frame.context.registers) {
        const theirs = want.registers[number];
        if (theirs !== undefined && BigInt(theirs) !== value)
          wrong.push(
            `${where}: register ${number} is ${value.toString(16)}, not ${BigInt(theirs).toString(16)}`,
          );
      }
      const ours = frame.variables();
      for (const [name, type, bytes] of want.variables) {
        counts.variables++;
        const at = ours.findIndex((each) => each[0] === name);
        if (at < 0) {
          if (bytes !== null) wrong.push(`${where}: no ${name}`);
          continue;
        }
        const [, ourType, ourBytes] = ours.splice(at, 1)[0]!;
        if (options.types !== false && normal(ourType) !== normal(type))
          wrong.push(`${where}: ${name} has type ${ourType}, not ${type}`);
        // A flexible array member makes GDB's size end where the array starts.
        const same =
          ourBytes === bytes ||
          (bytes !== null &&
            bytes !== "" &&
            ourBytes.length - bytes.length < 16 &&
            ourBytes.startsWith(bytes));
        // GDB takes a caller's registers for unchanged by calls that may change them; we say that they are not known.
        const isLost = depth > 0 && /^<register \d+ is not known/.test(ourBytes);
        if (bytes === "?") counts.outOfReach++;
        else if (isLost) counts.lost++;
        else if (bytes === null ? !ourBytes.startsWith("<") : !same)
          wrong.push(`${where}: ${name} is ${differing(ourBytes, bytes)}`);
      }
    }
  }
  expect(image.problems.map(String)).toEqual([]);
  expect(wrong.slice(0, 8), `${wrong.length} differences in ${subject.path}`).toEqual([]);
  return counts;
}

function differing(ours: string, theirs: string | null): string {
  if (ours.startsWith("<") || theirs === null) return `${ours}, not ${theirs}`;
  let at = 0;
  while (at < ours.length && ours[at] === theirs[at]) at++;
  at -= at % 2;
  return `${ours.length / 2} bytes, at ${at / 2} ${ours.slice(at, at + 32)}, not ${theirs.length / 2} bytes, ${theirs.slice(at, at + 32)}`;
}

/** GDB says `int [3]`, `char **` and puts no space where there is no need; so do we, but for these. */
const normal = (type: string): string =>
  type
    .replace(/\s+/g, " ")
    .replace(/\b(long|short)( unsigned)? int\b/g, "$1$2")
    .replace("[variable length]", "[]")
    .replace(/ ?([*&[\](),]) ?/g, "$1")
    .replace(/struct \{\.\.\.\}/g, "struct {...}")
    .trim();

const PLACES = [
  "leaf",
  "variable_length",
  "recurse",
  "dispatch",
  "shapes.c:77",
  "shapes.c:94",
  "shapes.c:110",
];

describe.skipIf(!has("gdb"))("stacks and variables are GDB's", () => {
  for (const compiler of ["gcc", "clang"]) {
    for (const level of ["0", "2"]) {
      test.skipIf(!has(compiler))(`C by ${compiler} -O${level}, 64 and 32 bits`, () => {
        for (const subject of shapes({
          compilers: [compiler],
          levels: [level],
          versions: level === "0" ? [2, 5] : [4, 5],
        })) {
          const counts = check(subject, PLACES);
          expect(counts.variables).toBeGreaterThan(20);
          expect(counts.outOfReach + counts.lost).toBeLessThan(counts.variables / 4);
        }
      });
    }
  }

  test.skipIf(!has("gcc"))("C stepped instruction by instruction", () => {
    for (const subject of shapes({ compilers: ["gcc"], levels: ["2"], versions: [5] })) {
      const counts = check(subject, ["dispatch"], { step: "stepi 3", count: 120 });
      expect(counts.stops).toBeGreaterThan(80);
    }
  });

  test.skipIf(!has("g++"))("C++", () => {
    check(net("g++", "0"), ["net::Ring<int, 4>::poll", "secret", "overloaded", "Virtual_use"], {
      types: false,
    });
    check(net("clang++", "0"), ["net::Ring<int, 4>::poll", "secret", "overloaded", "Virtual_use"], {
      types: false,
    });
  });

  test.skipIf(!has("rustc"))("Rust", () => {
    check(rust("0"), ["shapes::inspect", "shapes.rs:57"], { types: false });
  });
});

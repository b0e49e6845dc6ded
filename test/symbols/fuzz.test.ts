/**
 * Damaged symbol files: every question is asked of thousands of them, and the only thing that may happen is an answer or an error that
 * names the file and an offset in it. Nothing may hang.
 */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import {
  childCount,
  childrenOf,
  memoryReader,
  openImage,
  readLocation,
  SymbolError,
  SymbolTable,
  typeName,
  type FrameContext,
  type SymbolImage,
  type Type,
} from "../../debug-adapter/symbols/index.ts";
import { assembly, decompress, has, net, run, shapes } from "./subject.ts";
import { cpuMilliseconds } from "../support/time.ts";

const SEED = Number(process.env["SEED"] ?? 1);
const CASES = Number(process.env["CASES"] ?? 150);

/** xorshift32: the same damage for the same seed. */
function generator(seed: number): (below: number) => number {
  let state = seed | 0 || 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

interface Place {
  readonly name: string;
  readonly offset: number;
  readonly size: number;
}

function sections(path: string): Place[] {
  return run("readelf", ["-SW", path])
    .split("\n")
    .map((line) => /\] (\S+)\s+(\w+)\s+[0-9a-f]+ ([0-9a-f]+) ([0-9a-f]+)/.exec(line))
    .filter((match) => match !== null)
    .filter(
      (match) =>
        match[2] !== "NOBITS" && /^\.(debug|eh_frame|symtab|strtab|note|gnu_debug|shstrtab)/.test(match[1]!),
    )
    .map((match) => ({
      name: match[1]!,
      offset: Number.parseInt(match[3]!, 16),
      size: Number.parseInt(match[4]!, 16),
    }));
}

function look(type: Type | null, frame: FrameContext, depth: number): void {
  if (!type || depth > 4) return;
  typeName(type);
  const at = { kind: "memory", address: 0x1000n } as const;
  childCount(type, at, frame);
  for (const child of childrenOf(type, at, frame, 0, 20)) {
    readLocation(child.location, Math.min(16, child.type?.sizeBytes ?? 0), frame);
    look(child.type, frame, depth + 1);
  }
  void type.sizeBytes;
}

/** Asks everything that an adapter asks. */
function ask(image: SymbolImage, code: readonly bigint[]): void {
  const symbols = new SymbolTable();
  symbols.add(image);
  const frame: FrameContext = {
    address: code[0]!,
    registers: new Map(Array.from({ length: 33 }, (_, i) => [i, BigInt(0x1000 + i * 8)])),
    readMemory: (address, length) =>
      address < 0x10_0000n ? new Uint8Array(length).fill(Number(address & 0x7fn)) : null,
  };
  for (const address of code) {
    for (const active of image.framesAt(address)) {
      void active.function.declaration;
      void active.function.body;
      look(active.function.type, frame, 2);
      for (const scope of active.scopes()) {
        for (const variable of scope.variables.slice(0, 20)) {
          look(variable.type, frame, 1);
          void variable.declaration;
          readLocation(
            variable.locate({ ...frame, address }),
            Math.min(64, variable.type?.sizeBytes ?? 8),
            frame,
          );
        }
      }
    }
    image.statementRange(address);
    symbols.symbolAt(address);
    const registers = new Map(frame.registers).set(image.architecture === "x86-64" ? 16 : 8, address);
    let depth = 0;
    for (const _ of symbols.walk(image.architecture, registers, frame.readMemory)) if (++depth > 12) break;
  }
  for (const name of ["main", "leaf", "square", "net::Ring<int, 4>::poll"])
    for (const fun of image.functionsNamed(name)) void fun.body;
  for (const name of ["struct task", "flags", "int", "net::Ring<int, 4>"])
    look(image.typeNamed(name, code[0]), frame, 0);
  for (const variable of [...image.globalsNamed("tasks"), ...image.fileVariables(code[0]!).slice(0, 30)]) {
    look(variable.type, frame, 1);
    variable.locate(frame);
  }
  image.addressesForLine("shapes.c", 100);
  image.sources();
  void image.separateDebug;
  void image.buildId;
}

const SUBJECTS =
  has("gcc") && has("clang") && has("as")
    ? [...shapes({ versions: [2, 4, 5] }), net("g++", "2"), ...assembly()]
    : [];

describe.skipIf(SUBJECTS.length === 0)("damage", () => {
  test(`${CASES} damaged files (SEED=${SEED})`, () => {
    const random = generator(SEED);
    let refused = 0;
    let withProblems = 0;
    let slowest = 0;
    const files = SUBJECTS.map((subject) => ({
      ...subject,
      bytes: new Uint8Array(readFileSync(subject.path)),
      places: sections(subject.path),
    }));
    const addresses = new Map(files.map((file) => [file, codeOf(file.path)]));
    for (let i = 0; i < CASES; i++) {
      const file = files[random(files.length)]!;
      const bytes = file.bytes.slice(0, random(12) === 0 ? random(file.bytes.length) : file.bytes.length);
      const damage = 1 + random(random(4) === 0 ? 200 : 6);
      for (let each = 0; each < damage; each++) {
        const place = random(15) === 0 ? { offset: 0, size: 64 } : file.places[random(file.places.length)]!;
        if (place.size === 0) continue;
        const at = place.offset + random(place.size);
        const value = [0, 0xff, 0x7f, 0x80, random(256)][random(5)]!;
        for (let length = 1 + random(4); length > 0; length--)
          if (at + length < bytes.length) bytes[at + length] = value;
      }
      const start = cpuMilliseconds();
      try {
        const image = openImage(memoryReader(bytes), { name: "damaged", decompress });
        if (image instanceof SymbolError) {
          refused++;
          expect(image.file).toBe("damaged");
          expect(image.offset).toBeGreaterThanOrEqual(0);
        } else {
          ask(image, addresses.get(file)!);
          if (image.problems.length > 0) withProblems++;
          for (const problem of image.problems)
            expect(problem.message).toMatch(/^damaged, offset 0x[0-9a-f]+: /);
        }
      } catch (error) {
        throw new Error(`SEED=${SEED}, case ${i} (${file.name})`, { cause: error });
      }
      slowest = Math.max(slowest, cpuMilliseconds() - start);
    }
    console.log(
      `SEED=${SEED}: ${CASES} files, ${refused} refused, ${withProblems} with problems, slowest ${slowest.toFixed(0)} ms`,
    );
    expect(refused + withProblems).toBeGreaterThan(CASES / 10);
    expect(slowest).toBeLessThan(5000);
  }, 300_000);
});

/** A few addresses in functions. */
function codeOf(path: string): bigint[] {
  const all = [...run("nm", [path]).matchAll(/^([0-9a-f]+) [tT] /gm)].map((match) => BigInt(`0x${match[1]}`));
  return all
    .filter((_, i) => i % Math.ceil(all.length / 10) === 0)
    .flatMap((address) => [address, address + 9n]);
}

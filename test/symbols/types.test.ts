/**
 * Types against GDB's: how they are written, how large they are, where their members lie, and what values of globals they take apart.
 */
import { describe, expect, test } from "vitest";
import {
  childrenOf,
  memberNamed,
  readLocation,
  stripType,
  typeName,
  writesTo,
  type FrameContext,
  type SymbolImage,
  type Type,
} from "../../debug-adapter/symbols/index.ts";
import { has, net, open, run, rust, shapes } from "./subject.ts";

function gdb(path: string, commands: readonly string[]): string[] {
  const args = commands.flatMap((command) => ["-ex", `echo @@`, "-ex", command]);
  return run("gdb", ["-nx", "-batch", "-ex", "set width 0", ...args, path])
    .split("@@")
    .slice(1)
    .map((each) => each.trim());
}

const context = (image: SymbolImage): FrameContext => ({
  address: 0n,
  registers: new Map(),
  readMemory: (address, length) => {
    const bytes = image.code(address, length);
    if (!bytes) return image.covers(address) ? new Uint8Array(length) : null;
    return bytes.length === length ? bytes : Uint8Array.from({ length }, (_, i) => bytes[i] ?? 0);
  },
});

const spelled = (type: Type | null): string =>
  typeName(type)
    .replace(/\b(long|short)( unsigned)? int\b/g, "$1$2")
    .replace(/ ?([*&[\](),]) ?/g, "$1");
const theirs = (type: string): string =>
  type
    .replace(/^type = /, "")
    .replace(/\b(long|short)( unsigned)? int\b/g, "$1$2")
    .replace(/ ?([*&[\](),]) ?/g, "$1");

const GLOBALS = [
  "sink",
  "counter",
  "hidden",
  "banner",
  "tasks",
  "matrix",
  "nobody",
  "quarter",
  "letters",
  "table",
];
const TYPES = ["struct task", "struct flags", "union word", "enum colour", "handler"];

/** Members as "offset in bits: name", anonymous structures looked into, as `ptype/o` shows them. */
function layout(type: Type | null, at = 0): string[] {
  const actual = stripType(type);
  if (actual?.kind !== "struct" && actual?.kind !== "union") return [];
  return actual.members.flatMap((member) => {
    const offset = at + member.offsetBits;
    if (member.name === "") return layout(member.type, offset);
    return [`${offset} ${member.name} ${member.sizeBits ?? ""}`];
  });
}

describe.skipIf(!has("gdb") || !has("gcc") || !has("clang"))("C types are GDB's", () => {
  for (const subject of has("gcc") && has("clang") ? shapes({ levels: ["0"], versions: [2, 3, 4, 5] }) : []) {
    test(subject.name, () => {
      const image = open(subject.path);
      const functions = ["main", "leaf", "dispatch"];
      const members = [
        "next",
        "name",
        "colour",
        "word",
        "flags",
        "run",
        "watch",
        "load",
        "ready",
        "at",
        "trailing",
      ];
      const answers = gdb(subject.path, [
        ...[...GLOBALS, ...functions].map((name) => `whatis ${name}`),
        ...[...GLOBALS, ...TYPES].map((name) => `p sizeof(${name})`),
        ...members.map((member) => `p (long)&((struct task *)0)->${member}`),
      ]).map((each) => each.replace(/^\$\d+ = /, ""));
      const globals = GLOBALS.map((name) => image.globalsNamed(name)[0]!.type);
      const task = image.typeNamed("struct task");
      expect([
        ...[...globals, ...functions.map((name) => image.functionsNamed(name)[0]!.type)].map(spelled),
        ...[...globals, ...TYPES.map((name) => image.typeNamed(name))].map((type) => `${type?.sizeBytes}`),
        ...layout(task).map((line) => `${Number(line.split(" ")[0]) / 8}`),
      ]).toEqual(answers.map(theirs));
      expect(layout(image.typeNamed("struct flags"))).toEqual([
        "0 present 1",
        "1 writable 1",
        "2 level 3",
        "7 frame 40",
        "48 tail 5",
      ]);
    });

    test(`${subject.name}: values`, () => {
      const image = open(subject.path);
      const frame = context(image);
      const tasks = image.globalsNamed("tasks")[0]!;
      const [idle, init] = childrenOf(tasks.type, tasks.locate(frame), frame);
      const number = (path: string, from = idle!): bigint => {
        let child = from;
        for (const part of path.split(".")) {
          const index = /^\d+$/.test(part) ? Number(part) : -1;
          child =
            index >= 0
              ? childrenOf(child.type, child.location, frame, index, 1)[0]!
              : memberNamed(child.type, child.location, frame, part)!;
        }
        const bytes = readLocation(child.location, child.type!.sizeBytes, frame);
        if (typeof bytes === "string") throw new Error(bytes);
        return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
      };
      expect(number("flags.present")).toBe(1n);
      expect(number("flags.writable")).toBe(0n);
      expect(BigInt.asIntN(3, number("flags.level"))).toBe(-2n);
      expect(number("flags.frame")).toBe(0xabcdefn);
      expect(BigInt.asIntN(5, number("flags.tail"))).toBe(-3n);
      expect(number("word.low")).toBe(0x5678n);
      expect(number("word.high")).toBe(0x1234n);
      expect(number("word.bytes.1")).toBe(0x56n);
      expect(number("at.1.0.x", init)).toBe(5n);
      expect(number("at.2.1.y", init)).toBe(12n);
      const next = memberNamed(idle!.type, idle!.location, frame, "next")!;
      const [target] = childrenOf(next.type, next.location, frame);
      expect(target!.location).toEqual(init!.location);
      expect(typeName(target!.type)).toBe("struct task");
      // Writing a bit-field leaves its neighbours alone.
      const level = memberNamed(
        memberNamed(idle!.type, idle!.location, frame, "flags")!.type,
        memberNamed(idle!.type, idle!.location, frame, "flags")!.location,
        frame,
        "level",
      )!;
      const [write] = writesTo(level.location, new Uint8Array([3]), frame) as { bytes: Uint8Array }[];
      const old = readLocation(
        memberNamed(idle!.type, idle!.location, frame, "flags")!.location,
        1,
        frame,
      ) as Uint8Array;
      expect(write!.bytes[0]).toBe((old[0]! & ~0x1c) | (3 << 2));
    });
  }
});

test.skipIf(!has("gcc"))("enumerators", () => {
  const image = open(shapes({ compilers: ["gcc"], versions: [5], levels: ["0"] })[0]!.path);
  const colour = stripType(image.typeNamed("enum colour"));
  if (colour?.kind !== "enum") throw new Error("no enum");
  expect(colour.isSigned).toBe(true);
  expect(colour.enumerators.map(({ name, value }) => `${name} ${value}`)).toEqual([
    "RED 0",
    "GREEN 5",
    "BLUE -1",
  ]);
});

test.skipIf(!has("g++") || !has("clang++"))("C++ classes, bases, references, static members", () => {
  for (const compiler of ["g++", "clang++"]) {
    const image = open(net(compiler, "0").path);
    const ring = image.typeNamed("net::Ring<int, 4>");
    const actual = stripType(ring);
    if (actual?.kind !== "class") throw new Error("no class");
    expect(typeName(ring)).toBe("net::Ring<int, 4>");
    expect(
      actual.members.map(
        (member) => `${member.kind} ${typeName(member.type)} ${member.name} @${member.offsetBits / 8}`,
      ),
    ).toEqual([
      "base net::Base  @0",
      "base net::Named  @16",
      "static int created @0",
      "field int [4] items @24",
      "field int count @40",
      "field net::State state @44",
    ]);
    const created = actual.members[2]!;
    const frame = context(image);
    const location = created.locate!({ kind: "memory", address: 0n }, frame);
    expect(readLocation(location, 4, frame)).toEqual(new Uint8Array([17, 0, 0, 0]));
    const poll = image.functionsNamed("net::Ring<int, 4>::poll")[0]!;
    expect(poll.signature).toBe("net::Ring<int, 4>::poll(int)");
    const state = stripType(image.typeNamed("net::State"));
    expect(state?.kind === "enum" && state.enumerators.map((each) => each.name)).toEqual(["closed", "open"]);
  }
});

test.skipIf(!has("rustc"))("Rust enums with their active variant", () => {
  const image = open(rust("0").path);
  const shape = image.typeNamed("shapes::Shape");
  const bytes = new Uint8Array(16);
  const frame: FrameContext = {
    ...context(image),
    readMemory: (address, length) => bytes.slice(Number(address), Number(address) + length),
  };
  const at = { kind: "memory", address: 0n } as const;
  const variant = (tag: number): string => {
    bytes[0] = tag;
    return childrenOf(shape, at, frame)
      .map((child) => child.name)
      .join();
  };
  expect([variant(0), variant(1), variant(2)]).toEqual(["Nothing", "Circle", "Rectangle"]);
  const [rectangle] = childrenOf(shape, at, frame);
  bytes[4] = 3;
  bytes[8] = 4;
  const fields = childrenOf(rectangle!.type, rectangle!.location, frame).map((child) => {
    const value = readLocation(child.location, 4, frame);
    return `${child.name}: ${typeName(child.type)} = ${typeof value === "string" ? value : value[0]}`;
  });
  expect(fields).toEqual(["width: u32 = 3", "height: u32 = 4"]);
  // No discriminant of its own: a null pointer means None.
  const option = image.typeNamed("Option<&u32>");
  bytes.fill(0);
  expect(childrenOf(option, at, frame).map((child) => child.name)).toEqual(["None"]);
  bytes[3] = 9;
  expect(childrenOf(option, at, frame).map((child) => child.name)).toEqual(["Some"]);
});

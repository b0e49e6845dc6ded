/**
 * Functions, inlined functions and lines at an address, against `addr2line -i` for every byte of code.
 */
import { describe, expect, test } from "vitest";
import { assembly, functionBytes, has, net, open, run, rust, shapes, type Subject } from "./subject.ts";

interface Expected {
  readonly name: string;
  readonly place: string;
}

/** Innermost first, as addr2line answers for each address. */
function addr2line(tool: string, path: string, addresses: readonly bigint[]): Map<bigint, Expected[]> {
  const input = addresses.map((address) => address.toString(16)).join("\n");
  const lines = run(tool, ["-a", "-f", "-i", "-e", path], input).split("\n");
  const answers = new Map<bigint, Expected[]>();
  let current: Expected[] = [];
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i]!;
    if (/^0x[0-9a-f]+$/.test(line)) answers.set(BigInt(line), (current = []));
    else if (line !== "") current.push({ name: line, place: normal(lines[++i]!) });
  }
  return answers;
}

/** One spelling for places: no discriminators, no `.` and `..`, and `?` for whatever has no line. */
function normal(place: string): string {
  const text = place.replace(/ \(discriminator \d+\)$/, "");
  if (/:[0?]$/.test(text)) return "?";
  const parts: string[] = [];
  for (const part of text.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== ".") parts.push(part);
  }
  return parts.join("/");
}

function check(subject: Subject, step: number, tool = "addr2line"): number {
  const image = open(subject.path);
  const addresses = functionBytes(subject.path).filter((_, i) => i % step === 0);
  const expected = addr2line(tool, subject.path, addresses);
  const wrong: string[] = [];
  for (const address of addresses) {
    const want = expected.get(address) ?? [];
    const got = image.framesAt(address).map((frame) => ({
      names: [frame.function.linkageName, frame.function.name],
      place: frame.position ? normal(`${frame.position.file}:${frame.position.line}`) : "?",
    }));
    // addr2line has bare names for inlined functions, where ours are qualified; and it gives the innermost one the name of the symbol
    // at the address, which may belong to the function around it, or be another name of the same code.
    const bare = (name: string): string => name.replace(/<.*>$/s, "").replace(/^\{.*\}$/, "");
    // Of rows at the same address it takes the last, we the last recommended one.
    const rows = (at: bigint): string[] => {
      const low = image.lineAt(at)?.low ?? at;
      return [...image.linesWithin(low, low + 1n)].map((row) => normal(`${row.file}:${row.line}`));
    };
    const isAlias = (name: string): boolean =>
      image.symbolsNamed(name)[0]?.address === image.functionAt(address)?.low;
    const same =
      want.length === got.length &&
      want.every(({ name, place }, i) => {
        const { names } = got[i]!;
        return (
          (place === got[i]!.place || (i === 0 && rows(address).includes(place))) &&
          (names.some((each) => each.includes(bare(name))) || (i === 0 && isAlias(name)))
        );
      });
    if (!same) wrong.push(`${address.toString(16)}: want ${JSON.stringify(want)} got ${JSON.stringify(got)}`);
  }
  expect(image.problems.map(String)).toEqual([]);
  expect(wrong.slice(0, 3), `${wrong.length} of ${addresses.length} in ${subject.path}`).toEqual([]);
  return addresses.length;
}

describe("frames are addr2line's", () => {
  test.skipIf(!has("gcc") || !has("clang"))(
    "C, every byte, GCC and Clang, DWARF 2 to 5, 32 and 64 bits",
    () => {
      const count = shapes().reduce((sum, subject) => sum + check(subject, 1), 0);
      expect(count).toBeGreaterThan(20_000);
    },
  );

  test.skipIf(!has("g++") || !has("clang++") || !has("llvm-addr2line"))("C++", () => {
    // Binutils 2.40 cannot read the ranges that Clang gives inlined functions in DWARF 5.
    for (const level of ["0", "2"]) check(net("g++", level), 1);
    for (const level of ["0", "2"]) check(net("clang++", level), 1, "llvm-addr2line");
  });

  test.skipIf(!has("rustc"))("Rust, its standard library included", () => {
    for (const level of ["0", "2"]) check(rust(level), 499);
  });

  test.skipIf(!has("nasm") || !has("as"))("NASM and GNU as", () => {
    for (const subject of assembly()) check(subject, 1);
  });
});

/**
 * Demangled names against c++filt: those of the C++ library, of a Rust program in both manglings, and of the test programs; damaged names.
 */
import { existsSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { demangle } from "../../debug-adapter/symbols/index.ts";
import { has, net, run, rust } from "./subject.ts";

const SEED = 20260101;
const LIBSTDCXX = "/usr/lib/x86_64-linux-gnu/libstdc++.so.6";
const LLVM = "/usr/lib/llvm-14/lib/libLLVM-14.so.1";

function symbols(path: string, dynamic: boolean): string[] {
  const output = run("nm", [...(dynamic ? ["-D"] : []), "--defined-only", path]);
  const names = output.split("\n").map((line) => line.split(" ").at(-1)!.replace(/@.*$/, ""));
  return [...new Set(names.filter((name) => /^_(?:Z|R)/.test(name)))];
}

/** c++filt parts `>>`, except behind an empty pack; the difference says nothing. */
const unspaced = (name: string): string => name.replace(/> (?=>)/g, ">");

function differences(names: readonly string[]): string[] {
  const theirs = run("c++filt", ["-i"], `${names.join("\n")}\n`).split("\n");
  return names.flatMap((name, i) => {
    const ours = demangle(name)?.signature ?? name;
    return unspaced(ours) === unspaced(theirs[i]!)
      ? []
      : [`${name}\n  c++filt ${theirs[i]}\n  ours    ${ours}`];
  });
}

describe.skipIf(!has("c++filt") || !has("nm"))("names are c++filt's", () => {
  test.skipIf(!existsSync(LIBSTDCXX))("the C++ library", () => {
    const names = symbols(LIBSTDCXX, true);
    expect(names.length).toBeGreaterThan(4000);
    expect(differences(names).slice(0, 3)).toEqual([]);
  });

  test.skipIf(!existsSync(LLVM))("LLVM, all but one in a thousand", () => {
    const names = symbols(LLVM, true).filter((_, i) => i % 5 === 0);
    const wrong = differences(names);
    expect(wrong.length, wrong.slice(0, 3).join("\n")).toBeLessThan(names.length / 1000);
  });

  test.skipIf(!has("g++"))("the C++ program", () => {
    expect(differences(symbols(net("g++", "0").path, false))).toEqual([]);
  });

  test.skipIf(!has("rustc"))("Rust, v0 and legacy", () => {
    const v0 = symbols(rust("0", "-C symbol-mangling-version=v0").path, false);
    const mixed = symbols(rust("0").path, false);
    expect(v0.length).toBeGreaterThan(300);
    expect(differences([...v0, ...mixed]).slice(0, 3)).toEqual([]);
  });
});

test("name without parameters, signature with them", () => {
  expect(demangle("_ZN3net6Socket4openEPKci")).toEqual({
    name: "net::Socket::open",
    signature: "net::Socket::open(char const*, int)",
  });
  expect(demangle("_ZN4core3fmt9Formatter9write_str17h0123456789abcdefE")?.name).toBe(
    "core::fmt::Formatter::write_str",
  );
  expect(demangle("_ZN46_$LT$shapes..Shape$u20$as$u20$shapes..Area$GT$4area17h817d15dccc5a4f1aE")?.name).toBe(
    "<shapes::Shape as shapes::Area>::area",
  );
  expect(demangle("_RNvC6_123foo3bar")?.name).toBe("123foo::bar");
  expect(demangle("_RNqCs4fqI2P2rA04_11utf8_identsu30____7hkackfecea1cbdathfdh9hlq6y")?.name).toBe(
    "utf8_idents::საჭმელად_გემრიელი_სადილი",
  );
});

test("what is no mangled name is null", () => {
  for (const name of ["", "main", "_start", "_Z", "_ZN", "_R", "_RNv", "__Z", "_ZNSt", "Zero", "_ZN3foo"])
    expect(demangle(name)).toBeNull();
});

test("damaged and hostile names end, and end fast", () => {
  const bombs = [
    `_Z1f${"P".repeat(9000)}i`,
    `_Z1fI${"S_".repeat(3000)}E`,
    `_Z1fSt4pairIiiE${Array.from({ length: 60 }, (_, i) => `St4pairIS${i === 0 ? "" : (i - 1).toString(36).toUpperCase()}_S${i === 0 ? "" : (i - 1).toString(36).toUpperCase()}_E`).join("")}`,
    `_RI${"I".repeat(500)}NvC1a1b`,
    `_RNvMC1aNtB${"_".repeat(100)}`,
    `_RYRRRRRRRRB_NvC1a1b`,
  ];
  for (const bomb of bombs) demangle(bomb);
  const fragments = fc.array(
    fc.constantFrom(
      "N",
      "E",
      "I",
      "S_",
      "S0_",
      "T_",
      "St",
      "Sa",
      "3foo",
      "1x",
      "P",
      "R",
      "K",
      "F",
      "v",
      "i",
      "L",
      "X",
      "J",
      "Dp",
      "Ul",
      "cv",
      "C1",
      "D0",
      "Z",
      "B",
      "nw",
      "A3_",
      "M",
      "sr",
      "cl",
      "Nv",
      "C1a",
      "Y",
      "G",
      "_",
      "s_",
      "p",
      "u",
    ),
    { maxLength: 60 },
  );
  fc.assert(
    fc.property(fc.constantFrom("_Z", "_ZN", "_R", "_ZL", "_ZTV"), fragments, (prefix, list) => {
      demangle(prefix + list.join(""));
    }),
    { seed: SEED, numRuns: 20_000 },
  );
});

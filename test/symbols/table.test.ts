/**
 * Several images at once, each with its load offset, 32- and 64-bit; and source paths that are not those of this machine.
 */
import { describe, expect, test } from "vitest";
import { findSource, mapSource, SymbolTable } from "../../debug-adapter/symbols/index.ts";
import { joinPath } from "../../debug-adapter/symbols/dwarf/path.ts";
import { bestMatches } from "../../debug-adapter/symbols/source-path.ts";
import { assembly, has, open, shapes } from "./subject.ts";

describe.skipIf(!has("gcc") || !has("clang") || !has("nasm"))("several images", () => {
  const wide = (): string => shapes({ compilers: ["gcc"], versions: [5], levels: ["0"] })[0]!.path;
  const narrow = (): string => shapes({ compilers: ["gcc"], versions: [5], levels: ["0"] })[1]!.path;

  test("each at its place", () => {
    const symbols = new SymbolTable();
    const loader = open(narrow(), 0x100_0000n);
    const kernel = open(wide(), 0xffff_ffff_8000_0000n);
    symbols.add(loader);
    symbols.add(kernel);
    const mains = symbols.functionsNamed("main");
    expect(mains.map((each) => each.image)).toEqual([kernel.name, loader.name]);
    for (const main of mains) {
      expect(symbols.functionAt(main.body)?.image).toBe(main.image);
      expect(symbols.lineAt(main.low)?.line).toBe(127);
      expect(symbols.framesAt(main.body)[0]?.function.name).toBe("main");
    }
    expect(mains[0]!.low >> 32n).toBe(0xffff_ffffn);
    expect(symbols.addressesForLine("shapes.c", 130).length).toBe(2);
    expect(
      symbols
        .globalsNamed("counter")
        .map((each) => each.locate({ address: 0n, registers: new Map(), readMemory: () => null })),
    ).toEqual([
      { kind: "memory", address: kernel.symbolsNamed("counter")[0]!.address },
      { kind: "memory", address: loader.symbolsNamed("counter")[0]!.address },
    ]);
    // Asked from the loader's code, the loader's come first.
    expect(symbols.typeNamed("struct task", mains[1]!.low)?.sizeBytes).toBe(80);
    expect(symbols.typeNamed("struct task", mains[0]!.low)?.sizeBytes).toBe(96);
    symbols.remove(kernel);
    expect(symbols.functionsNamed("main").length).toBe(1);
    expect(symbols.functionAt(mains[0]!.low)).toBeNull();
  });

  test("the same file twice shares what was read", () => {
    const high = open(wide(), 0xffff_ffff_8000_0000n);
    const low = high.at(0n);
    expect(low.file).toBe(high.file);
    expect(high.functionsNamed("leaf")[0]!.low - low.functionsNamed("leaf")[0]!.low).toBe(
      0xffff_ffff_8000_0000n,
    );
  });

  test("a 32-bit image loaded below where it was linked wraps", () => {
    const image = open(narrow(), BigInt.asUintN(64, -0x800_0000n));
    expect(image.functionsNamed("main")[0]!.low).toBeLessThan(0x10_0000n);
    expect(image.covers(image.functionsNamed("main")[0]!.low)).toBe(true);
  });

  test("where two overlap, the one added last answers, and passes on what it does not know", () => {
    const symbols = new SymbolTable();
    const old = open(wide());
    const labels = open(assembly().at(-1)!.path);
    symbols.add(old);
    symbols.add(labels);
    const start = labels.symbolsNamed("work")[0]!.address;
    expect(symbols.symbolAt(start)?.symbol.name).toBe("work");
    expect(symbols.functionAt(old.functionsNamed("leaf")[0]!.low)?.name).toBe("leaf");
  });

  test("labels of assembly are functions, local ones with their parents", () => {
    const labels = open(assembly().at(-1)!.path);
    const names = [...labels.symbols()].filter((each) => each.isCode).map((each) => each.name);
    expect(names).toEqual(["_start", "_start.spin", "work", "work.again"]);
    const again = labels.symbolsNamed("work.again")[0]!.address;
    expect(labels.functionAt(again + 1n)?.name).toBe("work.again");
    expect(labels.lineAt(again)?.line).toBe(17);
  });

  test("the index is made in steps and can be left", () => {
    const image = open(wide());
    const steps = image.index();
    expect(image.isIndexed).toBe(false);
    const first = steps.next();
    expect(first.done).toBe(false);
    expect(first.value).toBeGreaterThan(0);
    steps.return(undefined as never);
    let last = 0;
    for (const done of image.index()) {
      expect(done).toBeGreaterThanOrEqual(last);
      last = done;
    }
    expect(last).toBe(1);
    expect(image.isIndexed).toBe(true);
  });
});

describe("source paths", () => {
  const recorded = [
    "/build/kernel/sched/core.c",
    "/build/kernel/irq/core.c",
    "/build/lib/main.c",
    "./boot.S",
    "C:\\work\\src\\Main.C",
  ];

  test("a relative path means every file it is the end of", () => {
    expect(bestMatches("core.c", recorded)).toEqual([
      "/build/kernel/sched/core.c",
      "/build/kernel/irq/core.c",
    ]);
    expect(bestMatches("sched/core.c", recorded)).toEqual(["/build/kernel/sched/core.c"]);
    expect(bestMatches("ched/core.c", recorded)).toEqual([]);
    expect(bestMatches("other/core.c", recorded)).toEqual([]);
    expect(bestMatches("src/boot.S", recorded)).toEqual(["./boot.S"]);
  });

  test("an absolute path means the files that share most of its end", () => {
    expect(bestMatches("/home/me/linux/kernel/irq/core.c", recorded)).toEqual(["/build/kernel/irq/core.c"]);
    expect(bestMatches("/build/lib/main.c", recorded)).toEqual(["/build/lib/main.c"]);
    expect(bestMatches("/elsewhere/boot.S", recorded)).toEqual(["./boot.S"]);
    expect(bestMatches("/elsewhere/none.c", recorded)).toEqual([]);
  });

  test("Windows paths, in any case and with any slash", () => {
    expect(bestMatches("c:/WORK/src/main.c", recorded)).toEqual(["C:\\work\\src\\Main.C"]);
    expect(joinPath("C:\\work", "..\\lib", "a.c")).toBe("C:\\lib\\a.c");
  });

  test("joining", () => {
    expect(joinPath("/build", "src/../lib", "./a.c")).toBe("/build/lib/a.c");
    expect(joinPath("/build", "/usr/include", "stdio.h")).toBe("/usr/include/stdio.h");
    expect(joinPath(".", "boot.S")).toBe("boot.S");
    expect(joinPath("..", "x", "../../a.c")).toBe("../../a.c");
    expect(joinPath("/..", "a.c")).toBe("/a.c");
  });

  test("maps: the longest rule, whole components", () => {
    const rules = [
      { from: "/build", to: "/home/me" },
      { from: "/build/lib/", to: "/opt/lib" },
    ];
    expect(mapSource("/build/lib/main.c", rules)).toBe("/opt/lib/main.c");
    expect(mapSource("/build/kernel/a.c", rules)).toBe("/home/me/kernel/a.c");
    expect(mapSource("/builder/a.c", rules)).toBe("/builder/a.c");
    expect(mapSource("D:\\Src\\a.c", [{ from: "d:/src", to: "/work" }])).toBe("/work\\a.c");
  });

  test("finding: mapped if it is there, else the only best candidate", () => {
    const host = (exists: string[], candidates: string[]) => ({
      exists: (path: string) => exists.includes(path),
      candidates: (name: string) => candidates.filter((each) => each.endsWith(`/${name}`)),
    });
    expect(findSource("/build/a.c", [{ from: "/build", to: "/home" }], host(["/home/a.c"], []))).toBe(
      "/home/a.c",
    );
    expect(findSource("/build/k/a.c", [], host([], ["/w/k/a.c", "/w/x/a.c"]))).toBe("/w/k/a.c");
    expect(findSource("/build/a.c", [], host([], ["/w/k/a.c", "/w/x/a.c"]))).toBeNull();
    expect(findSource("/build/a.c", [], host([], []))).toBeNull();
  });
});

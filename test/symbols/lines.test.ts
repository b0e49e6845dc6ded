/**
 * From names and lines to addresses, against GDB's breakpoints, and line table rows against objdump.
 */
import { describe, expect, test } from "vitest";
import { SymbolTable } from "../../debug-adapter/symbols/index.ts";
import { assembly, has, net, open, run, shapes, type Subject } from "./subject.ts";

/** The addresses GDB puts breakpoints at for each place, as it resolves it in the file alone. */
function breakpoints(
  subject: Subject,
  places: readonly string[],
): Map<string, { addresses: bigint[]; line: number | null }> {
  const script = [
    "import gdb",
    "for place in " + JSON.stringify(places) + ":",
    "    try:",
    "        sals = gdb.decode_line(place)[1] or []",
    "        b = gdb.Breakpoint(place, internal=False)",
    "        print('AT %s|%s' % (place, gdb.execute('info breakpoints', to_string=True).replace('\\n', '~')))",
    "        b.delete()",
    "    except gdb.error as e:",
    "        print('AT %s|' % place)",
  ].join("\n");
  const output = run("gdb", [
    "-nx",
    "-batch",
    "-ex",
    "set breakpoint pending off",
    "-ex",
    `python exec(${JSON.stringify(script)})`,
    subject.path,
  ]);
  const found = new Map<string, { addresses: bigint[]; line: number | null }>();
  for (const line of output.split("\n")) {
    const match = /^AT ([^|]*)\|(.*)$/.exec(line);
    if (!match) continue;
    const addresses = [...match[2]!.matchAll(/0x([0-9a-f]{8,16})/g)].map((each) => BigInt(`0x${each[1]}`));
    const at = /:(\d+)~/.exec(match[2]!)?.[1];
    found.set(match[1]!, {
      addresses: addresses.sort((a, b) => (a < b ? -1 : 1)),
      line: at === undefined ? null : Number(at),
    });
  }
  return found;
}

const sorted = (list: readonly bigint[]): bigint[] => [...list].sort((a, b) => (a < b ? -1 : 1));
const text = (list: readonly bigint[]): string => list.map((each) => each.toString(16)).join(" ");

describe.skipIf(!has("gdb") || !has("gcc") || !has("clang"))("breakpoints are GDB's", () => {
  test("functions by name", () => {
    const names = ["main", "leaf", "recurse", "dispatch", "variable_length", "square", "sum_of_squares"];
    for (const subject of shapes({ versions: [2, 5] })) {
      const image = open(subject.path);
      const theirs = breakpoints(subject, names);
      // GDB does not see through the aligned stack of an optimised 32-bit main and stops at its entry.
      const isAligned = /gcc-O2.*m32/.test(subject.name);
      for (const name of names.filter((each) => !isAligned || each !== "main")) {
        const ours = sorted([...new Set(image.functionsNamed(name).map((each) => each.body))]);
        expect(text(ours), `${name} in ${subject.name}`).toBe(text(theirs.get(name)!.addresses));
      }
    }
  });

  test("C++ functions by name and by the end of it", () => {
    const names = [
      "net::Ring<int, 4>::poll",
      "secret",
      "net::inner::overloaded",
      "overloaded",
      "inner::overloaded",
      "Virtual_use",
      "net::Base::poll",
    ];
    for (const compiler of ["g++", "clang++"]) {
      const subject = net(compiler, "0");
      const image = open(subject.path);
      const theirs = breakpoints(subject, names);
      for (const name of names) {
        const ours = sorted(image.functionsNamed(name).map((each) => each.body));
        expect(text(ours), `${name} in ${subject.name}`).toBe(text(theirs.get(name)!.addresses));
      }
    }
  });

  test("every line of a file, without optimisation", () => {
    const lines = Array.from({ length: 140 }, (_, i) => i + 1);
    for (const subject of shapes({ versions: [3, 5], levels: ["0"] })) {
      const symbols = new SymbolTable();
      symbols.add(open(subject.path));
      const theirs = breakpoints(
        subject,
        lines.map((line) => `shapes.c:${line}`),
      );
      for (const line of lines) {
        const found = symbols.addressesForLine("shapes.c", line);
        const ours = sorted(found.map((each) => each.address));
        expect(text(ours), `line ${line} in ${subject.name}`).toBe(
          text(theirs.get(`shapes.c:${line}`)?.addresses ?? []),
        );
      }
    }
  });

  test("every line of a file, optimised: no place less than GDB's, none on another line", () => {
    let equal = 0;
    let total = 0;
    for (const subject of shapes({ versions: [4, 5], levels: ["2"] })) {
      const image = open(subject.path);
      const lines = Array.from({ length: 140 }, (_, i) => i + 1);
      const theirs = breakpoints(
        subject,
        lines.map((line) => `shapes.c:${line}`),
      );
      for (const line of lines) {
        const ours = sorted(image.addressesForLine("shapes.c", line).map((each) => each.address));
        total++;
        if (text(ours) === text(theirs.get(`shapes.c:${line}`)?.addresses ?? [])) equal++;
      }
    }
    expect(equal / total).toBeGreaterThan(0.9);
  });
});

describe.skipIf(!has("objdump"))("rows are objdump's", () => {
  test.skipIf(!has("gcc") || !has("as") || !has("nasm"))(
    "each address that starts a line, with its file and line",
    () => {
      let rows = 0;
      for (const subject of [...shapes({ versions: [2, 3, 4, 5], compilers: ["gcc"] }), ...assembly()]) {
        const image = open(subject.path);
        for (const line of run("objdump", ["--dwarf=decodedline", subject.path]).split("\n")) {
          const match = /^(\S+)\s+(\d+)\s+0x([0-9a-f]+)(?:\s+\d+)?(\s+x)?/.exec(line);
          if (!match || /\bEND\b/.test(line)) continue;
          rows++;
          const address = BigInt(`0x${match[3]}`);
          const here = [...image.linesWithin(address, address + 1n)].map(
            (row) => `${row.file.split("/").at(-1)}:${row.line}`,
          );
          expect(here, line).toContain(`${match[1]!.split("/").at(-1)}:${match[2]}`);
        }
      }
      expect(rows).toBeGreaterThan(1000);
    },
  );
});

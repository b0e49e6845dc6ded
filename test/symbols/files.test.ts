/**
 * Where symbols come from: compressed sections, separate debug files, object files, files without any.
 */
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { memoryReader, openImage, SymbolError, SymbolTable } from "../../debug-adapter/symbols/index.ts";
import { build, decompress, has, open, reader, run, rust, shapes } from "./subject.ts";

const original = (): string => shapes({ compilers: ["gcc"], versions: [5], levels: ["0"] })[0]!.path;

/** `original` put through objcopy. */
function copied(name: string, ...args: string[]): string {
  return build(name, `objcopy ${args.join(" ")} ${original()} $O`, ["shapes.c"]);
}

const lineOfMain = (image: ReturnType<typeof open>): string => {
  const [main] = image.functionsNamed("main");
  return `${main?.origin} ${main?.declaration?.line}`;
};

describe.skipIf(!has("gcc") || !has("objcopy"))("compressed sections", () => {
  test("zlib, by flag and by name", () => {
    for (const kind of ["zlib-gabi", "zlib-gnu"]) {
      const image = open(copied(`compressed-${kind}`, `--compress-debug-sections=${kind}`));
      expect(lineOfMain(image)).toBe(lineOfMain(open(original())));
      expect(image.problems).toEqual([]);
    }
  });

  test("without an inflater the section is named, and ELF symbols still answer", () => {
    const path = copied("compressed-zlib-gabi", "--compress-debug-sections=zlib-gabi");
    const image = openImage(reader(path), { name: "kernel.elf" });
    if (image instanceof SymbolError) throw image;
    expect(image.functionsNamed("main")[0]?.origin).toBe("symbol");
    expect(image.problems.map(String).join("\n")).toMatch(
      /kernel\.elf, offset 0x[0-9a-f]+: the section is compressed with zlib, .* \(\.debug_info/,
    );
  });

  test("an inflater that fails is reported with the section", () => {
    const path = copied("compressed-zlib-gabi", "--compress-debug-sections=zlib-gabi");
    const fails = (): Uint8Array => {
      throw new Error("bad distance");
    };
    const image = openImage(reader(path), { name: "kernel.elf", decompress: fails });
    if (image instanceof SymbolError) throw image;
    image.functionsNamed("main");
    expect(image.problems.map(String).join("\n")).toMatch(/damaged zlib data: bad distance \(\.debug_/);
  });

  test("zstd goes to the inflater as zstd", () => {
    const path = copied("compressed-zstd", "--compress-debug-sections=zstd");
    const asked = new Set<string>();
    const image = openImage(reader(path), {
      name: path,
      decompress: (format, _bytes, size) => {
        asked.add(format);
        return new Uint8Array(size);
      },
    });
    if (image instanceof SymbolError) throw image;
    image.functionsNamed("main");
    expect([...asked]).toEqual(["zstd"]);
  });
});

describe.skipIf(!has("gcc") || !has("objcopy"))("separate debug files", () => {
  const files = (): { stripped: string; debug: string } => {
    const debug = copied("only-debug", "--only-keep-debug");
    const stripped = build("stripped", `objcopy --strip-all --add-gnu-debuglink=${debug} ${original()} $O`, [
      "shapes.c",
    ]);
    return { stripped, debug };
  };

  test("the image says what it misses, and has it with the file", () => {
    const { stripped, debug } = files();
    const without = open(stripped);
    expect(without.functionsNamed("main")).toEqual([]);
    const id = /Build ID: ([0-9a-f]+)/.exec(run("readelf", ["-n", stripped]))?.[1];
    expect(without.separateDebug).toEqual({
      buildId: id ?? null,
      debugLink: debug.split("/").at(-1),
      supplementary: null,
    });
    const image = openImage(reader(stripped), {
      name: stripped,
      decompress,
      debug: { name: debug, reader: reader(debug) },
    });
    if (image instanceof SymbolError) throw image;
    expect(lineOfMain(image)).toBe(lineOfMain(open(original())));
    expect(image.separateDebug).toBeNull();
    const symbols = new SymbolTable();
    symbols.add(image);
    expect(image.rulesAt(image.functionsNamed("main")[0]!.low)).not.toBeNull();
  });

  test("another build's debug file is refused by its build id or its CRC", () => {
    const { stripped } = files();
    const other = shapes({ compilers: ["clang"], versions: [5], levels: ["0"] })[0]!.path;
    const image = openImage(reader(stripped), {
      name: "kernel.elf",
      debug: { name: "other.debug", reader: reader(other) },
    });
    expect(image instanceof SymbolError ? image.message : "opened").toMatch(
      /other\.debug, offset 0x0: its (?:build id|CRC-32)/,
    );
  });

  const LIBC = "/lib/x86_64-linux-gnu/libc.so.6";
  test.skipIf(!existsSync(LIBC))("the C library by its build id", () => {
    const libc = open(LIBC);
    const id = libc.buildId!;
    const path = `/usr/lib/debug/.build-id/${id.slice(0, 2)}/${id.slice(2)}.debug`;
    if (!existsSync(path)) return;
    const image = openImage(reader(LIBC), {
      name: LIBC,
      decompress,
      debug: { name: path, reader: reader(path) },
    });
    if (image instanceof SymbolError) throw image;
    const [puts] = image.functionsNamed("puts");
    expect(puts?.declaration?.file).toMatch(/ioputs\.c$/);
  });
});

test.skipIf(!has("gcc"))("object files are relocated", () => {
  for (const bits of [64, 32]) {
    for (const version of [4, 5]) {
      const path = build(
        `object-m${bits}-${version}`,
        `gcc -m${bits} -c -ffunction-sections -g -gdwarf-${version} $P/shapes.c -o $O`,
        ["shapes.c"],
      );
      const image = open(path);
      const names = ["main", "leaf", "recurse", "dispatch"];
      const found = names.map((name) => image.functionsNamed(name)[0]!);
      expect(found.map((each) => `${each.origin} ${each.declaration?.line}`)).toEqual([
        "dwarf 127",
        "dwarf 75",
        "dwarf 93",
        "dwarf 108",
      ]);
      // Each has its own section, and each section its own place.
      expect(new Set(found.map((each) => each.low)).size).toBe(4);
      for (const each of found) expect(image.framesAt(each.low)[0]?.function.name).toBe(each.name);
      expect(image.rulesAt(found[2]!.low)).not.toBeNull();
      expect(image.problems.map(String)).toEqual([]);
    }
  }
});

test.skipIf(!has("rustc"))("a file is read piece by piece", () => {
  const bytes = new Uint8Array(readFileSync(rust("0").path));
  let read = 0;
  const counting = {
    size: bytes.length,
    read: (offset: number, length: number): Uint8Array => {
      read += length;
      return bytes.subarray(offset, offset + length);
    },
  };
  const image = openImage(counting, { name: "rust" });
  if (image instanceof SymbolError) throw image;
  expect(image.file.data.units.length).toBeGreaterThan(10);
  expect(image.symbolAt(image.entry)?.symbol.name).toBe("_start");
  expect(read).toBeLessThan(bytes.length / 4);
});

test("what is no ELF file is refused with a reason and an offset", () => {
  const refuse = (bytes: Uint8Array): string => {
    const image = openImage(memoryReader(bytes), { name: "x" });
    return image instanceof SymbolError ? image.message : "opened";
  };
  expect(refuse(new Uint8Array(0))).toBe("x, offset 0x0: 0 bytes are too few for an ELF header");
  expect(refuse(new Uint8Array(100))).toMatch(/^x, offset 0x0: no ELF file/);
  const header = new Uint8Array(64);
  header.set([0x7f, 0x45, 0x4c, 0x46, 3, 1]);
  expect(refuse(header)).toMatch(/^x, offset 0x4: ELF class 3/);
  header.set([2, 2], 4);
  expect(refuse(header)).toMatch(/^x, offset 0x5: the ELF file is not little-endian/);
  header.set([2, 1], 4);
  header[18] = 183;
  expect(refuse(header)).toMatch(/^x, offset 0x12: ELF machine 183/);
  header[18] = 62;
  expect(refuse(header)).toBe("opened");
});

test.skipIf(!has("clang"))("split DWARF is named", () => {
  const path = build(
    "split",
    "cd $(mktemp -d) && clang -g -gsplit-dwarf -fno-pie -no-pie $P/shapes.c -o $O",
    ["shapes.c"],
  );
  const image = open(path);
  expect(image.functionsNamed("main")[0]?.origin).toBe("symbol");
  expect(image.lineAt(image.functionsNamed("main")[0]!.low)?.line).toBe(127);
  expect(image.problems.map(String).join("\n")).toMatch(/split DWARF/);
});

test.skipIf(!has("gcc"))("type units (-fdebug-types-section), DWARF 4 and 5", () => {
  for (const version of [4, 5]) {
    const path = build(
      `type-units-${version}`,
      `gcc -g -gdwarf-${version} -fdebug-types-section -fno-pie -no-pie $P/shapes.c -o $O`,
      ["shapes.c"],
    );
    const image = open(path);
    const tasks = image.globalsNamed("tasks")[0]!;
    expect(tasks.type?.sizeBytes).toBe(192);
    expect(image.typeNamed("struct task")?.sizeBytes).toBe(96);
    expect(image.problems.map(String)).toEqual([]);
  }
});

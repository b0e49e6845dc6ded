/**
 * Programs the symbol tests look at: compiled from `programs/` by the compilers of this machine, once per command, and opened.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  closeSync,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { inflateSync } from "node:zlib";
import {
  type FileReader,
  openImage,
  SymbolError,
  type SymbolImage,
} from "../../debug-adapter/symbols/index.ts";

export const PROGRAMS = join(dirname(fileURLToPath(import.meta.url)), "programs");
const CACHE = join(PROGRAMS, "../../../.cache/symbols");

export function run(program: string, args: readonly string[], input = ""): string {
  return execFileSync(program, args, {
    input,
    encoding: "utf8",
    maxBuffer: 1 << 30,
    stdio: ["pipe", "pipe", "pipe"],
  });
}

/** Whether a tool is there; tests that need it are skipped, by name, where it is not. */
export function has(program: string): boolean {
  try {
    execFileSync("sh", ["-c", `command -v ${program}`], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/**
 * The file made by a shell command, in which `$P` is the folder of programs and `$O` the file to make. Kept under a name made of the
 * command and the sources, so that it is made once.
 */
export function build(name: string, command: string, sources: readonly string[]): string {
  const hash = createHash("sha256").update(command);
  for (const source of sources) hash.update(readFileSync(join(PROGRAMS, source)));
  const path = join(CACHE, `${name}-${hash.digest("hex").slice(0, 12)}`);
  if (existsSync(path)) return path;
  mkdirSync(CACHE, { recursive: true });
  const temporary = `${path}.${process.pid}`;
  execFileSync("sh", ["-c", command], {
    cwd: PROGRAMS,
    env: { ...process.env, P: PROGRAMS, O: temporary },
    stdio: "pipe",
  });
  renameSync(temporary, path);
  return path;
}

export interface Subject {
  readonly name: string;
  readonly path: string;
}

/** `shapes.c` as GCC and Clang make it, with and without optimisation, 64 and 32 bits wide, in DWARF 2 to 5. */
export function shapes(
  filter: {
    readonly compilers?: readonly string[];
    readonly versions?: readonly number[];
    readonly levels?: readonly string[];
  } = {},
): Subject[] {
  const subjects: Subject[] = [];
  for (const compiler of filter.compilers ?? ["gcc", "clang"]) {
    for (const level of filter.levels ?? ["0", "2"]) {
      for (const version of filter.versions ?? [2, 3, 4, 5]) {
        for (const bits of [64, 32]) {
          const name = `shapes-${compiler}-O${level}-dwarf${version}-m${bits}`;
          const command = `${compiler} -m${bits} -O${level} -gdwarf-${version} -fno-pie -no-pie $P/shapes.c -o $O`;
          subjects.push({ name, path: build(name, command, ["shapes.c"]) });
        }
      }
    }
  }
  return subjects;
}

export function net(compiler: string, level: string): Subject {
  const name = `net-${compiler}-O${level}`;
  return {
    name,
    path: build(name, `${compiler} -O${level} -g -fno-pie -no-pie $P/net.cpp -o $O`, ["net.cpp"]),
  };
}

export function rust(level: string, extra = ""): Subject {
  const name = `rust-O${level}${extra === "" ? "" : "-v0"}`;
  return {
    name,
    path: build(
      name,
      `rustc -g -C opt-level=${level} -C relocation-model=static ${extra} $P/shapes.rs -o $O`,
      ["shapes.rs"],
    ),
  };
}

export function assembly(): Subject[] {
  const stubs = [2, 3, 4, 5].map((version) => ({
    name: `stubs-dwarf${version}`,
    path: build(
      `stubs-dwarf${version}`,
      `as --gdwarf-${version} $P/stubs.S -o $O.o && ld $O.o -o $O && rm $O.o`,
      ["stubs.S"],
    ),
  }));
  const labels = build(
    "labels",
    "nasm -g -F dwarf -f elf64 $P/labels.asm -o $O.o && ld $O.o -o $O && rm $O.o",
    ["labels.asm"],
  );
  return [...stubs, { name: "labels", path: labels }];
}

export function reader(path: string): FileReader {
  const descriptor = openSync(path, "r");
  const { size } = fstatSync(descriptor);
  closeSync(descriptor);
  return {
    size,
    read(offset, length) {
      const file = openSync(path, "r");
      const bytes = new Uint8Array(length);
      const count = readSync(file, bytes, 0, length, offset);
      closeSync(file);
      return bytes.subarray(0, count);
    },
  };
}

export const decompress = (format: "zlib" | "zstd", bytes: Uint8Array, sizeBytes: number): Uint8Array => {
  if (format === "zstd") throw new Error("no zstd here");
  return new Uint8Array(inflateSync(bytes, { maxOutputLength: sizeBytes }));
};

export function open(path: string, loadOffset = 0n): SymbolImage {
  const image = openImage(reader(path), { name: path, loadOffset, decompress });
  if (image instanceof SymbolError) throw image;
  return image;
}

/** Addresses of all bytes of the functions whose symbols have a size, from readelf. */
export function functionBytes(path: string): bigint[] {
  const addresses = new Set<bigint>();
  for (const line of run("readelf", ["-sW", path]).split("\n")) {
    const fields = /^\s*\d+: ([0-9a-f]+)\s+(\w+) FUNC\s+\w+\s+\w+\s+(\w+) /.exec(line);
    if (!fields || fields[3] === "UND") continue;
    const low = BigInt(`0x${fields[1]}`);
    for (let i = 0n; i < BigInt(Number(fields[2])); i++) addresses.add(low + i);
  }
  return [...addresses].sort((a, b) => (a < b ? -1 : 1));
}

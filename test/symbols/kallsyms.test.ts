/** A kernel's own symbol table, made here as the kernel's build makes it, in each of the orders that versions have; and the file made of its symbols. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type KernelSymbols, readKallsyms } from "../../debug-adapter/linux/kallsyms.ts";
import { symbolElf } from "../../debug-adapter/linux/symbol-elf.ts";
import { memoryReader, openImage, SymbolError } from "../../debug-adapter/symbols/index.ts";

const BASE = 0xffffffff9a600000n;
const SEED = 11;

interface KernelSymbol {
  readonly address: bigint;
  /** As `nm` has it. */
  readonly type: string;
  readonly name: string;
}

const packed = (list: readonly KernelSymbol[]): KernelSymbols => {
  const starts = [1];
  for (const { name } of list) starts.push(starts.at(-1)! + name.length + 2);
  return {
    addresses: BigUint64Array.from(list, ({ address }) => address),
    text: Buffer.from(`\0${list.map(({ type, name }) => `${type}${name}\0`).join("")}`, "latin1"),
    starts: Uint32Array.from(starts),
  };
};

const unpacked = ({ addresses, text, starts }: KernelSymbols): readonly KernelSymbol[] =>
  Array.from(addresses, (address, n) => {
    const [type = "", ...name] = Buffer.from(text).toString("latin1", starts[n], starts[n + 1]! - 1);
    return { address, type, name: name.join("") };
  });

type Layout = "6.1" | "6.2 with the order of names" | "6.4";
interface Options {
  readonly layout: Layout;
  /** CONFIG_KALLSYMS_ABSOLUTE_PERCPU */
  readonly isBackwards: boolean;
}

/** 256 tokens: one character each, but some bytes stand for pairs that are frequent. */
const TOKENS = Array.from({ length: 256 }, (_, n) =>
  n >= 33 && n < 127 ? String.fromCharCode(n) : ["sys_", "init", "__", "tcp"][n & 3]!,
);

function compress(text: string): number[] {
  const bytes: number[] = [];
  for (let at = 0; at < text.length;) {
    const pair = TOKENS.findIndex((token) => token.length > 1 && text.startsWith(token, at));
    const token = pair >= 0 ? pair : text.charCodeAt(at);
    bytes.push(token);
    at += TOKENS[token]!.length;
  }
  return bytes.length < 128
    ? [bytes.length, ...bytes]
    : [(bytes.length & 0x7f) | 0x80, bytes.length >> 7, ...bytes];
}

/** What `scripts/kallsyms.c` writes, with something before and behind it. */
function tables(list: readonly KernelSymbol[], { layout, isBackwards }: Options): Uint8Array {
  const parts: Uint8Array[] = [new Uint8Array(4096).fill(0x90)];
  let length = 4096;
  const put = (bytes: Uint8Array): void => {
    const padded = new Uint8Array((bytes.length + 7) & ~7);
    padded.set(bytes);
    parts.push(padded);
    length += padded.length;
  };
  const words = (values: readonly number[]): Uint8Array => new Uint8Array(Int32Array.from(values).buffer);
  const names = list.map(({ type, name }) => compress(type + name));
  const markers: number[] = [];
  let at = 0;
  for (const [n, name] of names.entries()) {
    if (n % 256 === 0) markers.push(at);
    at += name.length;
  }
  const starts: number[] = [];
  at = 0;
  for (const token of TOKENS) {
    starts.push(at);
    at += token.length + 1;
  }
  const addresses = (): void => {
    put(
      words(
        list.map(({ address }) => {
          if (!isBackwards) return Number(address - BASE);
          return address < BASE ? Number(address) : -1 - Number(address - BASE);
        }),
      ),
    );
    put(new Uint8Array(BigUint64Array.of(BASE).buffer));
  };
  if (layout !== "6.4") addresses();
  put(words([list.length]));
  put(Uint8Array.from(names.flat()));
  put(words(markers));
  if (layout === "6.2 with the order of names") put(new Uint8Array(3 * list.length).fill(7));
  put(new TextEncoder().encode(TOKENS.map((token) => `${token}\0`).join("")));
  put(new Uint8Array(Uint16Array.from(starts).buffer));
  if (layout === "6.4") addresses();
  put(new Uint8Array(4096).fill(0xcc));
  const bytes = new Uint8Array(length);
  at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

const kernel = (count: number): KernelSymbol[] =>
  Array.from({ length: count }, (_, n) => ({
    address: BASE + BigInt(n * 64),
    type: "tTdD"[n % 4]!,
    name: n === 7 ? "x".repeat(300) : `${["sys_", "tcp_", "__init_", "vfs"][n % 4]}${n}`,
  }));

describe.each<Options>(
  (["6.1", "6.2 with the order of names", "6.4"] as const).flatMap((layout) => [
    { layout, isBackwards: true },
    { layout, isBackwards: false },
  ]),
)("$layout, counted backwards: $isBackwards", (options) => {
  it("gives back every name and address", () => {
    const list = kernel(5000);
    if (options.isBackwards) list.unshift({ address: 0x1000n, type: "A", name: "per_cpu" });
    const found = readKallsyms(tables(list, options))!;
    expect(unpacked(found)).toEqual(list);
    expect(Buffer.from(found.text).equals(packed(list).text)).toBe(true);
  });

  it("does not believe a table with a byte wrong in what holds it together", () => {
    const list = kernel(2000);
    const bytes = tables(list, options);
    const start = Buffer.from(bytes).indexOf(Uint8Array.from(compress(`t${list[0]!.name}`)));
    bytes[start] = bytes[start]! + 1;
    expect(readKallsyms(bytes)).toBeNull();
  });
});

it("finds nothing where there is nothing, and ends", () => {
  expect(readKallsyms(new Uint8Array(1 << 20))).toBeNull();
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 0, maxLength: 4000 }), fc.nat(5000), (noise, where) => {
      const bytes = tables(kernel(1100), { layout: "6.1", isBackwards: true });
      bytes.set(noise.subarray(0, Math.max(0, bytes.length - where)), where);
      readKallsyms(bytes);
    }),
    { seed: SEED, numRuns: 50 },
  );
});

it("symbols are a file that names functions and finds them, without those outside", () => {
  const list: KernelSymbol[] = [
    { address: BASE, type: "T", name: "_text" },
    { address: BASE, type: "T", name: "startup_64" },
    { address: BASE + 0x40n, type: "t", name: "local" },
    { address: BASE + 0x90n, type: "D", name: "data" },
    { address: 0xffffffffc0001000n, type: "t", name: "in_a_module" },
  ];
  const image = openImage(memoryReader(symbolElf(packed(list), 0xffffffff80000000n, 0xffffffffc0000000n)), {
    name: "kallsyms",
    loadOffset: 0n,
  });
  if (image instanceof SymbolError) throw image;
  expect(image.functionAt(BASE + 4n)?.name).toBe("startup_64");
  expect(image.functionAt(BASE + 0x8fn)?.name).toBe("local");
  expect(image.functionsNamed("local").map(({ low }) => low)).toEqual([BASE + 0x40n]);
  expect(image.symbolsNamed("data")[0]).toMatchObject({ address: BASE + 0x90n, kind: "object" });
  expect(image.symbolsNamed("in_a_module")).toEqual([]);
  // The same kernel at its physical address.
  expect(image.at(0x1000000n - BASE).functionAt(0x1000041n)?.name).toBe("local");
});

/** The expression language by itself: what parses, what it computes, how values look. */
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { createMachine, physical, type Core } from "../../emulator/index.ts";
import { AdapterError } from "../../debug-adapter/index.ts";
import {
  evaluateText,
  extendedToNumber,
  formatValue,
  numberToExtended,
  type Names,
} from "../../debug-adapter/expressions/index.ts";
import { machineNames } from "../../debug-adapter/monitor/names.ts";

const SEED = Number(process.env["REDZONE_SEED"] ?? 20261121);
let names: Names;
let core: Core;
beforeAll(() => {
  const machine = createMachine({ ramBytes: 16 << 20 });
  core = machine.cpus[0]!;
  names = machineNames(core);
  machine.memory.poke(
    physical(0x1000),
    Uint8Array.from([0x78, 0x56, 0x34, 0x12, 0xff, 0xff, 0xff, 0xff, 0x48, 0x69, 0x0a, 0]),
  );
});

const show = (text: string): string => {
  try {
    const { value, format } = evaluateText(text, names, { assignments: true });
    return formatValue(value, names, format);
  } catch (error) {
    if (error instanceof AdapterError) return `refused: ${error.message}`;
    throw error;
  }
};

describe("computes as C does", () => {
  test.each([
    ["1 + 2 * 3", "7"],
    ["(1 + 2) * 3", "9"],
    ["-7 / 2", "-3"],
    ["-7 % 2", "-1"],
    ["7 - -2", "9"],
    ["0xffffffff + 1", "0"],
    ["0xffffffff", "4294967295"],
    ["2147483647 + 1", "-2147483648"],
    ["2147483648", "2147483648"],
    ["0xffffffff80000000", "18446744071562067968"],
    ["1 << 31", "-2147483648"],
    ["1ul << 40", "1099511627776"],
    ["-1 >> 1", "-1"],
    ["~0u", "4294967295"],
    ["!5", "false"],
    ["1 < 2 && 2 < 1", "false"],
    ["0 || 3", "true"],
    ["1 ? 2 : 3", "2"],
    ["0 ? 1/0 : 4", "4"],
    ["0 && 1/0", "false"],
    ["-1 < 1u", "false"],
    ["'a' + 1", "98"],
    ["1.5 * 2", "3"],
    ["1.0 / 4 == 0.25", "true"],
    ["0b101 | 0o17", "15"],
    ["017", "15"],
    ["0ffh", "255"],
    ["1_000_000", "1000000"],
    ["255u8", "255"],
    ["sizeof(long long)", "8"],
    ["sizeof(char[10])", "10"],
    ["(char) 300", "44 ','"],
    ["(unsigned char) -1", "255 '\\xff'"],
    ["(short) 0x8000", "-32768"],
    ["(float) 1 / 3 > 0.33", "true"],
    ["(bool) 7", "true"],
  ])("%s is %s", (text, result) => {
    expect(show(text)).toBe(result);
  });
});

describe("memory, spaces and segments", () => {
  test.each([
    ["*(int *)0x1000, x", "0x12345678"],
    ["*(u16 *)(0x1000 + 2), x", "0x1234"],
    ["((unsigned char *)0x1000)[3], x", "0x12"],
    ["*(long long *)p:0x1000, x", "0xffffffff12345678"],
    ["*(int *)0x1004", "-1"],
    ["(char *)0x1008", '0x1008 "Hi\\n"'],
    ["*(char (*)[4])0x1008", "refused"],
    ["*(u32 *)0x100:0, x", "0x12345678"],
    ["(u16 *)0x1000 + 1", "0x1002"],
    ["(u16 *)0x1008 - (u16 *)0x1000", "4"],
    ["&*(int *)0x1000", "0x1000"],
    ["(int *)p:0xb8000", "p:0xb8000"],
    ["*(int *)0xffffffff", "refused"],
    ["(u8 *)0x1000, 4x", "0x1000"],
  ])("%s is %s", (text, result) => {
    if (result === "refused") expect(show(text)).toMatch(/^refused|^</);
    else expect(show(text)).toBe(result);
  });
});

describe("registers", () => {
  test("are read and written, whole and in part", () => {
    expect(show("$rax = 0x1122334455667788")).toBe("0x1122334455667788");
    expect(show("$eax, x")).toBe("0x55667788");
    expect(show("$ax")).toBe("0x7788");
    expect(show("$ah")).toBe("0x77");
    expect(show("$al = 0xff")).toBe("0xff");
    expect(show("$rax")).toBe("0x11223344556677ff");
    expect(show("%rax & 0xff")).toBe("0xff");
    expect(show("rax == $rax")).toBe("true");
    expect(show("$rax += 1")).toBe("0x1122334455667800");
    expect(show("$r9d = -1")).toBe("0xffffffff");
  });

  test("keep the processor consistent, or refuse", () => {
    expect(show("$cr0 = 0x80000000")).toMatch(/refused: CR0 .* PG needs PE/);
    expect(show("$cr4 = 0x80000000")).toMatch(/reserved bit/);
    expect(show("$ds = 0x1234")).toBe("0x1234");
    expect(core.segmentBase(3)).toBe(0x12340n);
    expect(show("$rflags = 0x8")).toMatch(/reserved bits/);
    expect(show("$st0 = 1")).not.toMatch(/refused/);
  });
});

describe("what is refused says where", () => {
  test.each([
    ["", "ends too early at column 1"],
    ["1 +", "ends too early at column 4"],
    ["1 2", '"2" is not expected at column 3'],
    ["(1", '")" is missing at column 3'],
    ["f(1)", "Functions of the guest cannot be called"],
    ["1.5.2", "not expected"],
    ["0x", "is not a number"],
    ["12abc", "is not a number"],
    [`0x1${"0".repeat(32)}`, "more than 128 bits"],
    ["nothing", 'no symbol or register called "nothing"'],
    ["$nothing", 'called "$nothing"'],
    ["1 / 0", "Division by zero"],
    ["1 = 2", "cannot be assigned"],
    ["1, q", '"q" is not a format'],
    ["(struct nothing *)0", 'no type called "struct nothing"'],
    ["1 .x", "has no members"],
    ["&1", "has no address"],
  ])("%s: %s", (text, reason) => {
    expect(show(text)).toContain(reason);
  });

  test("depth is bounded", () => {
    expect(show(`${"(".repeat(5000)}1${")".repeat(5000)}`)).toContain("nested too deeply");
    expect(show(`${"-".repeat(5000)}1`)).toContain("nested too deeply");
    expect(show(`1${" + 1".repeat(3000)}`)).toBe("3001");
  });
});

test("integer arithmetic equals that of 64-bit numbers", () => {
  const literal = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n });
  const operator = fc.constantFrom("+", "-", "*", "&", "|", "^");
  fc.assert(
    fc.property(literal, operator, literal, operator, literal, (a, first, b, second, c) => {
      const apply = (x: bigint, op: string, y: bigint): bigint =>
        BigInt.asUintN(
          64,
          op === "+"
            ? x + y
            : op === "-"
              ? x - y
              : op === "*"
                ? x * y
                : op === "&"
                  ? x & y
                  : op === "|"
                    ? x | y
                    : x ^ y,
        );
      expect(show(`((0x${a.toString(16)}ul ${first} 0x${b.toString(16)}ul) ${second} ${c}ul), u`)).toBe(
        apply(apply(a, first, b), second, c).toString(),
      );
    }),
    { seed: SEED, numRuns: 500 },
  );
});

test("no text makes the parser fail otherwise than by refusing", () => {
  const piece = fc.constantFrom(
    "1",
    "0x10",
    "$rax",
    "(",
    ")",
    "[",
    "]",
    "*",
    "&",
    "->",
    ".",
    "x",
    "int",
    "struct",
    "sizeof",
    "?",
    ":",
    ",",
    "=",
    "<<",
    "'a'",
    '"s"',
    "p:",
    "v:",
    "cs:",
    " ",
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(piece, fc.string({ maxLength: 3 })), { maxLength: 14 }), (pieces) => {
      expect(typeof show(pieces.join(""))).toBe("string");
    }),
    { seed: SEED, numRuns: 3000 },
  );
});

test("80-bit numbers hold every double", () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true }), (value) => {
      expect(extendedToNumber(numberToExtended(value))).toBe(value);
    }),
    { seed: SEED, numRuns: 2000 },
  );
});

/**
 * Unwinding where no call frame information helps: prologues, frame pointers, return addresses on the stack, interrupt frames.
 */
import { expect, test } from "vitest";
import {
  convention,
  REGISTER_NAMES,
  type Outermost,
  type Unwound,
} from "../../debug-adapter/symbols/index.ts";
import { guess } from "../../debug-adapter/symbols/unwind/heuristic.ts";
import type { UnwindSymbols } from "../../debug-adapter/symbols/unwind/state.ts";

type Width = "x86-64" | "i386";

interface Setting {
  readonly width?: Width;
  readonly code: string;
  /** Offset of the instruction pointer in the code; the code is at 0x1000. */
  readonly at: number;
  readonly stack: readonly bigint[];
  readonly framePointer?: bigint;
  readonly isExact?: boolean;
}

const CODE = 0x1000n;
const STACK = 0x8000n;

function unwound({
  width = "x86-64",
  code,
  at,
  stack,
  framePointer = 0n,
  isExact = true,
}: Setting): Unwound | Outermost {
  const names = convention(width);
  const bytes = new Uint8Array(64).fill(0x90);
  bytes.set((code.replaceAll(" ", "").match(/../g) ?? []).map((pair) => Number.parseInt(pair, 16)));
  const memory = new Uint8Array(stack.length * names.wordBytes);
  const view = new DataView(memory.buffer);
  stack.forEach((word, i) =>
    names.wordBytes === 8 ? view.setBigUint64(i * 8, word, true) : view.setUint32(i * 4, Number(word), true),
  );
  const symbols: UnwindSymbols = {
    rulesAt: () => null,
    // Functions start at 0x1000 and at the callers' 0x1100.
    functionStart: (address) => (address >= 0x1100n ? 0x1100n : CODE),
    hasCode: (address) => address >= CODE && address < 0x2000n,
  };
  const readMemory = (address: bigint, length: number): Uint8Array | null => {
    for (const [base, from] of [
      [CODE, bytes],
      [STACK, memory],
      [0x10f0n, CALLERS],
    ] as const) {
      const offset = Number(address - base);
      if (offset >= 0 && offset + length <= from.length) return from.slice(offset, offset + length);
    }
    if (address >= CODE && address < 0x2000n) return new Uint8Array(length);
    return null;
  };
  const registers = new Map([
    [names.instructionPointer, CODE + BigInt(at)],
    [names.stackPointer, STACK],
    [names.framePointer, framePointer],
    [3, 0x33n],
  ]);
  return guess({ architecture: width, registers, readMemory, isExact }, symbols);
}

// At 0x1100: nops, then `call 0x1000` ending at 0x1120, `call *%rax` ending at 0x1130, `call 0x1500` ending at 0x1140.
const CALLERS = (() => {
  const code = new Uint8Array(0x60).fill(0x90);
  const view = new DataView(code.buffer);
  code[0x2b] = 0xe8;
  view.setInt32(0x2c, 0x1000 - 0x1120, true);
  code.set([0xff, 0xd0], 0x3e);
  code[0x4b] = 0xe8;
  view.setInt32(0x4c, 0x1500 - 0x1140, true);
  return code;
})();

const caller = (result: Unwound | Outermost): string => {
  if (result.kind === "outermost") return result.reason;
  const width: Width = result.registers.has(16) ? "x86-64" : "i386";
  const names = convention(width);
  const get = (register: number): string => (result.registers.get(register) ?? 0n).toString(16);
  return `${result.method}: pc ${get(names.instructionPointer)} sp ${get(names.stackPointer)} fp ${get(names.framePointer)} cfa ${result.cfa.toString(16)}${result.isExact ? " exact" : ""}`;
};

const FRAMED = "f3 0f 1e fa 55 48 89 e5 48 83 ec 10 90 90 c9 c3";
const FRAMED_32 = "55 89 e5 83 ec 10 90 90 c9 c3";

test("at the entry and inside the prologue", () => {
  const stack = [0x1120n, 0n];
  expect(caller(unwound({ code: FRAMED, at: 0, stack }))).toBe("prologue: pc 1120 sp 8008 fp 0 cfa 8008");
  expect(caller(unwound({ code: FRAMED, at: 4, stack }))).toBe("prologue: pc 1120 sp 8008 fp 0 cfa 8008");
  expect(caller(unwound({ code: FRAMED, at: 5, stack: [0x9999n, 0x1120n], framePointer: 0x9999n }))).toBe(
    "prologue: pc 1120 sp 8010 fp 9999 cfa 8010",
  );
  expect(caller(unwound({ width: "i386", code: FRAMED_32, at: 1, stack: [0x9999n, 0x1120n] }))).toBe(
    "prologue: pc 1120 sp 8008 fp 9999 cfa 8008",
  );
});

test("in the body by frame pointer, at the return by the stack", () => {
  const stack = [1n, 2n, 0x9999n, 0x1120n];
  expect(caller(unwound({ code: FRAMED, at: 12, stack, framePointer: 0x8010n }))).toBe(
    "frame-pointer: pc 1120 sp 8020 fp 9999 cfa 8020",
  );
  expect(caller(unwound({ code: FRAMED, at: 15, stack: [0x1120n], framePointer: 0x9999n }))).toBe(
    "prologue: pc 1120 sp 8008 fp 9999 cfa 8008",
  );
  expect(caller(unwound({ code: FRAMED, at: 12, stack, framePointer: 0x8010n, isExact: false }))).toMatch(
    /^frame-pointer: pc 1120/,
  );
  expect(caller(unwound({ width: "i386", code: FRAMED_32, at: 6, stack, framePointer: 0x8008n }))).toBe(
    "frame-pointer: pc 1120 sp 8010 fp 9999 cfa 8010",
  );
});

test("without a frame pointer: the word behind a call of this function, before others", () => {
  const bare = "48 83 ec 18 90 90 90 90";
  expect(caller(unwound({ code: bare, at: 5, stack: [1n, 0x1140n, 0x1234n, 0x1120n] }))).toBe(
    "scan: pc 1120 sp 8020 fp 0 cfa 8020",
  );
  expect(caller(unwound({ code: bare, at: 5, stack: [1n, 0x1234n, 0x1130n] }))).toBe(
    "scan: pc 1130 sp 8018 fp 0 cfa 8018",
  );
  expect(caller(unwound({ code: bare, at: 5, stack: [1n, 0x1140n] }))).toBe(
    "scan: pc 1140 sp 8010 fp 0 cfa 8010",
  );
  expect(caller(unwound({ code: bare, at: 5, stack: [1n, 2n, 0x1234n] }))).toMatch(
    /neither a frame pointer nor a return address/,
  );
});

test("interrupt frames", () => {
  const stub = "90 90 90 90 90 90";
  expect(
    caller(unwound({ code: stub, at: 3, stack: [0x20n, 0n, 0x1234n, 0x8n, 0x202n, 0x8100n, 0x10n] })),
  ).toBe("interrupt: pc 1234 sp 8100 fp 0 cfa 8038 exact");
  expect(
    caller(unwound({ width: "i386", code: stub, at: 3, stack: [0x20n, 0n, 0x1234n, 0x8n, 0x202n, 7n] })),
  ).toBe("interrupt: pc 1234 sp 8014 fp 0 cfa 8014 exact");
  expect(
    caller(unwound({ width: "i386", code: stub, at: 3, stack: [0x1234n, 0x1bn, 0x202n, 0x8100n, 0x23n] })),
  ).toBe("interrupt: pc 1234 sp 8100 fp 0 cfa 8014 exact");
  // Flags that cannot be: bit 1 clear.
  expect(caller(unwound({ code: stub, at: 3, stack: [0x1234n, 0x8n, 0x200n, 0x8100n, 0x10n] }))).toMatch(
    /neither/,
  );
});

test("registers that a call preserves stay, others go", () => {
  const result = unwound({ code: FRAMED, at: 0, stack: [0x1120n] });
  expect(result.kind === "caller" && [...result.registers.keys()].sort((a, b) => a - b)).toEqual([
    3, 6, 7, 16,
  ]);
});

test("register names stand at their DWARF numbers", () => {
  expect(REGISTER_NAMES["x86-64"].indexOf("xmm0")).toBe(17);
  expect(REGISTER_NAMES["x86-64"].indexOf("rflags")).toBe(49);
  expect(REGISTER_NAMES["x86-64"].indexOf("fs.base")).toBe(58);
  expect(REGISTER_NAMES.i386.indexOf("eip")).toBe(8);
  expect(REGISTER_NAMES.i386.indexOf("xmm0")).toBe(21);
  expect(REGISTER_NAMES.i386.indexOf("es")).toBe(40);
});

/** Operands as far away as 64-bit mode can name them: absolute offsets of 64 bits, and both ends of what RIP-relative displacements reach. */
import { describe, expect, test } from "vitest";
import { SEG } from "../../emulator/cpu/layout.ts";
import { physical } from "../../emulator/numbers.ts";
import { CODE, DATA, testProcessor, type TestProcessor } from "../support/processor.ts";

/** Linear addresses of physical address 0, beside 0 itself. */
const [MIDDLE, ABOVE, BELOW] = [0x80000000n, 0x123_4000_0000n, 0xffff_ffff_8000_0000n];
const HLT = "f4";

/** Only `page` is mapped, beside 0. */
function machine(translator: "off" | "forced", page: bigint): TestProcessor {
  const processor = testProcessor("long", { translator });
  for (let n = 1; n < 4; n++) processor.load(0x2000 + 8 * n, new Uint8Array(8));
  const index = (shift: bigint) => Number((page >> shift) & 511n);
  // Every entry of the top table leads to the one table below it.
  processor.load(0x1000 + 8 * index(39n), Uint8Array.of(0x07, 0x20));
  processor.load(0x2000 + 8 * index(30n), Uint8Array.of(0x87, 0, 0, 0, 0));
  return processor;
}
function run(processor: TestProcessor, code: string): void {
  const { cpu } = processor;
  processor.load(CODE, Uint8Array.from(Buffer.from(code.replaceAll(" ", "") + HLT, "hex")));
  cpu.core.rip = BigInt(CODE);
  expect(cpu.run(100).kind).toBe("halted");
}
const little = (value: bigint, bytes: number): string => {
  const all = Buffer.alloc(8);
  all.writeBigInt64LE(BigInt.asIntN(64, value));
  return all.subarray(0, bytes).toString("hex");
};

describe.each(["off", "forced"] as const)("translator %s", (translator) => {
  test.each([MIDDLE, ABOVE, BELOW, 0n])("MOV with an absolute offset, through a page at %s", (page) => {
    for (const [prefix, bytes] of [["", 4], ["66", 2], ["48", 8], ["byte", 1]] as const) {
      const processor = machine(translator, page);
      const { cpu, memory } = processor;
      const value = 0x8877665544332211n;
      processor.load(DATA, Uint8Array.from(Buffer.from(little(value, 8), "hex")));
      const opcode = prefix === "byte" ? 0xa0 : 0xa1;
      const move = (code: number, to: number, segment = "") =>
        `${segment} ${prefix === "byte" ? "" : prefix} ${code.toString(16)} ${little(page + BigInt(to), 8)}`;
      cpu.core.setGpr(0, 0n);
      cpu.core.setSegment(SEG.fs, { ...cpu.core.segment(SEG.fs), base: 0x40n });
      run(processor, move(opcode, DATA) + move(opcode + 2, DATA + 0x100) + move(opcode + 2, DATA + 0x140, "64"));
      const expected = BigInt.asUintN(bytes * 8, value);
      expect(cpu.core.gpr(0)).toBe(expected);
      const stored = Buffer.from(memory.readBytes(physical(DATA + 0x100), 256));
      expect([stored.readBigUInt64LE(0), stored.readBigUInt64LE(0x80)]).toEqual([expected, expected]);
    }
  }); // oxfmt-ignore

  test.each([
    ["in the middle of a trace", "90".repeat(20)],
    ["at its start", ""],
  ])("an immediate beside a RIP-relative displacement, %s", (_, before) => {
    for (const [reach, page] of [[0x7fffffffn, MIDDLE], [0x7ffffff4n, MIDDLE], [0x7ffffff2n, MIDDLE], [-0x80000000n, BELOW]] as const) {
      const processor = machine(translator, page);
      // imul rax, [rip + reach], -2 takes eleven bytes; it reads what is around it.
      const next = BigInt(CODE + before.length / 2 + 11);
      const address = Number(BigInt.asUintN(64, next + reach) - page);
      run(processor, `${before} 48 6905 ${little(reach, 4)} feffffff`);
      const read = Buffer.from(processor.memory.readBytes(physical(address), 8)).readBigInt64LE();
      expect(read).not.toBe(0n);
      expect(processor.cpu.core.gpr(0)).toBe(BigInt.asUintN(64, read * -2n));
    }
  }); // oxfmt-ignore

  test("with an address size of 32 bits offsets and displacements wrap", () => {
    const processor = machine(translator, MIDDLE);
    const next = CODE + 7;
    // mov ecx, [eip + 80000000h + DATA - next]; mov eax, [offset of 32 bits]: both at MIDDLE
    const reach = BigInt(0x80000000 + DATA - next - 1);
    processor.load(DATA, Uint8Array.of(1, 2, 3, 0x84));
    run(processor, `67 8b0d ${little(reach + 1n, 4)} 67 a1 ${little(MIDDLE + BigInt(DATA), 4)}`);
    expect([processor.cpu.core.gpr(1), processor.cpu.core.gpr(0)]).toEqual([0x84030201n, 0x84030201n]);
  });
});

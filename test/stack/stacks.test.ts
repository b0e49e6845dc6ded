/** Every stack of a machine: where it is, what for, how deep it was used; and the high-water mark of bytes alone. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { depthOf } from "../../debug-adapter/stack/high-water.ts";
import type { StackSummary } from "../../media/protocol.ts";
import { Client, lineOf, sampleSource } from "../adapter/client.ts";

describe("high water", () => {
  const stack = (length: number, fill = 0): Uint8Array => new Uint8Array(length).fill(fill);

  test("the lowest byte that is not zero", () => {
    const bytes = stack(256);
    expect(depthOf(bytes, null)).toMatchObject({ offset: 256, method: "content" });
    bytes[200] = 1;
    bytes[130] = 9;
    expect(depthOf(bytes, null)).toMatchObject({ offset: 130, method: "content" });
  });

  test.each([
    ["a byte", [0xa5]],
    ["a word", [0xef, 0xbe, 0xad, 0xde]],
    ["a long", [1, 2, 3, 4, 5, 6, 7, 8]],
  ])("a filling with %s", (_, pattern) => {
    const bytes = Uint8Array.from({ length: 512 }, (__, i) => pattern[i % pattern.length]!);
    bytes.fill(0, 300);
    const found = depthOf(bytes, null);
    expect(found).toMatchObject({ offset: 300, method: "pattern" });
    expect(found.text).toContain(
      pattern
        .toReversed()
        .map((byte) => byte.toString(16).padStart(2, "0"))
        .join(""),
    );
  });

  test("Linux's magic at the end is no use", () => {
    const bytes = stack(256);
    bytes.set([0x9d, 0x6e, 0xac, 0x57]);
    expect(depthOf(bytes, null).offset).toBe(256);
    bytes[100] = 3;
    expect(depthOf(bytes, null).offset).toBe(100);
  });

  test("since a mark it is what has changed", () => {
    const marked = Uint8Array.from({ length: 128 }, (_, i) => i);
    const bytes = marked.slice();
    expect(depthOf(bytes, marked)).toMatchObject({ offset: 128, method: "mark" });
    bytes[77] = 0;
    bytes[90] = 0;
    expect(depthOf(bytes, marked)).toMatchObject({ offset: 77, method: "mark" });
  });

  test("data that only looks like a filling for a while is none", () => {
    const bytes = stack(256);
    bytes.fill(7, 0, 40);
    expect(depthOf(bytes, null)).toMatchObject({ offset: 0, method: "content" });
  });
});

describe("the sample kernel's", () => {
  let client: Client;
  beforeEach(() => {
    client = new Client(60_000);
  });
  afterEach(() => client.end());

  const all = async (): Promise<readonly StackSummary[]> => (await client.request("redzone/stacks")).stacks;
  const inTick = async (): Promise<void> => {
    await client.launchToEntry({}, () =>
      client.request("setBreakpoints", {
        source: { path: sampleSource("timer.c") },
        breakpoints: [{ line: lineOf("timer.c", "ticks++;") }],
      }),
    );
    await client.go();
  };
  const bytes = ({ low, high }: StackSummary): number => Number(BigInt(high) - BigInt(low!));

  test("kernel stack with its guard page, interrupt stacks without", async () => {
    await inTick();
    const [kernel, first, second, ...others] = await all();
    expect(others).toEqual([]);
    expect(kernel).toMatchObject({
      name: "stack",
      cpu: 0,
      roles: ["CPU 0 runs on it"],
      extent: "symbol stack_bottom",
      guard: { kind: "unmapped" },
      warnings: [],
    });
    expect(bytes(kernel!)).toBe(16384);
    expect(kernel!.highWater).toMatchObject({ method: "content" });
    const used = Number(BigInt(kernel!.high) - BigInt(kernel!.pointer!));
    expect(kernel!.highWater!.bytes).toBeGreaterThanOrEqual(used);
    expect(first).toMatchObject({
      name: "IST 1",
      roles: ["IST 1, for #DF"],
      extent: "symbol double_fault_stack",
      pointer: null,
      highWater: { bytes: 0 },
      guard: { kind: "mapped", text: expect.stringMatching(/^no guard page: an overflow overwrites \w+/) },
    });
    expect(second).toMatchObject({ name: "IST 2", roles: ["IST 2, for NMI"], extent: "symbol nmi_stack" });
    expect([bytes(first!), bytes(second!)]).toEqual([4096, 4096]);
  });

  test("a mark makes the high water that of what comes after", async () => {
    await inTick();
    const before = (await all())[0]!.highWater!;
    const { markedAt } = await client.request("redzone/stackMark");
    expect(markedAt).toBeGreaterThan(0);
    const marked = (await all())[0]!;
    expect(marked.highWater).toMatchObject({ method: "mark" });
    // Nothing has been stored since; what is in use is in use.
    expect(marked.highWater!.bytes).toBe(Number(BigInt(marked.high) - BigInt(marked.pointer!)));
    expect(marked.highWater!.bytes).toBeLessThan(before.bytes);
    await client.go();
    expect((await all())[0]!.highWater!.method).toBe("mark");
    expect((await client.request("redzone/stacks")).markedAt).toBe(markedAt);
  });

  test("words of a stack that nobody runs on, and where they end", async () => {
    await inTick();
    const [kernel, first] = await all();
    const { words, wordBytes, unreadable } = await client.request("redzone/stackWords", {
      high: first!.high,
      count: 4,
    });
    expect([wordBytes, unreadable]).toEqual([8, null]);
    expect(words.map(({ value }) => value)).toEqual(["0x0", "0x0", "0x0", "0x0"]);
    expect(BigInt(words[0]!.address)).toBe(BigInt(first!.high) - 8n);
    // The kernel's own ends at its guard page.
    const whole = await client.request("redzone/stackWords", { high: kernel!.high, count: 4096 });
    expect(whole.words).toHaveLength(2048);
    expect(BigInt(whole.unreadable!.address)).toBe(BigInt(kernel!.low!) - 8n);
    expect(whole.unreadable!.why).toMatch(/not present/);
  });

  test("after an overflow both stacks are listed, and one that was left is remembered", async () => {
    await client.launchToEntry({ append: "bug=overflow" });
    await client.go();
    const [handler, kernel] = await all();
    expect(handler).toMatchObject({ name: "double_fault_stack", cpu: 0 });
    expect(handler!.roles).toEqual(["CPU 0 runs on it", "IST 1, for #DF"]);
    expect(handler!.highWater!.bytes).toBeGreaterThan(200);
    expect(kernel).toMatchObject({ name: "stack", cpu: null, roles: ["descend was interrupted on it"] });
    expect(kernel!.highWater!.bytes).toBe(bytes(kernel!));
    expect(kernel!.warnings[0]!.text).toMatch(/^Overflow/);
    const text = await client.evaluate("info stacks", "repl");
    expect(text).toMatch(/double_fault_stack: CPU 0 runs on it; IST 1, for #DF/);
    expect(text).toMatch(/error: Overflow: the stack pointer is/);
  });
});

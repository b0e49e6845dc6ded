/**
 * Stacks of Debian's Linux without a vmlinux: a task's, the interrupt stacks of the processor with their guard pages, the one for interrupts.
 *
 * With a vmlinux, whose package is 283 MB, every task's by its name: a long test (`npm run test:long`).
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { StackSummary } from "../../media/protocol.ts";
import { Client } from "../adapter/client.ts";
import { fetchLinux } from "../support/debian.mjs";
import { fetchVmlinux } from "../support/vmlinux.ts";

const client = new Client(180_000);
let kernel: string;
beforeAll(async () => {
  kernel = await fetchLinux("linux-image-cloud-amd64");
}, 600_000);
afterAll(() => client.end());

const all = async (): Promise<readonly StackSummary[]> => (await client.request("redzone/stacks")).stacks;
const bytes = ({ low, high }: StackSummary): number => Number(BigInt(high) - BigInt(low!));
const roleOf = (stacks: readonly StackSummary[], role: RegExp): StackSummary => {
  const found = stacks.find(({ roles }) => roles.some((each) => role.test(each)));
  expect(found, `${role} among ${stacks.flatMap(({ roles }) => roles).join("; ")}`).toBeDefined();
  return found!;
};

test("a task's stack has 16 KiB and a guard page, interrupt stacks 8 KiB and one each", async () => {
  await client.launchToEntry({ kernel, append: "console=ttyS0", memory: "256M" }, () =>
    client.request("setFunctionBreakpoints", {
      breakpoints: [
        { name: "start_kernel" },
        { name: "kernel_init" },
        { name: "__sysvec_apic_timer_interrupt" },
      ],
    }),
  );
  // The kernel's own symbols come with its first instruction.
  await client.go();
  expect((await client.top()).name).toBe("start_kernel");
  // The first task's is an array of the kernel's.
  const [first] = await all();
  expect(first).toMatchObject({ cpu: 0, name: "init_stack" });
  expect(bytes(first!)).toBe(16384);

  let at = "";
  for (let n = 0; n < 40 && at !== "kernel_init"; n++) {
    await client.go();
    at = (await client.top()).name;
  }
  expect(at).toBe("kernel_init");
  const began = performance.now();
  const body = await client.request("redzone/stack", {});
  const between = performance.now();
  const stacks = await all();
  console.log(
    `the picture took ${(between - began).toFixed(1)} ms, all ${stacks.length} stacks ${(performance.now() - between).toFixed(1)} ms`,
  );
  expect(body).toMatchObject({ bits: 64, warnings: [] });
  const own = roleOf(stacks, /CPU 0 runs on it/);
  expect(own).toMatchObject({ guard: { kind: "unmapped" }, extent: "between pages that are not writable" });
  expect(bytes(own)).toBe(16384);
  expect(own.highWater!.bytes).toBeLessThan(2048);
  for (const name of [/#DF/, /NMI/, /#DB/]) {
    const stack = roleOf(stacks, new RegExp(`^IST \\d, for .*${name.source}`));
    expect(bytes(stack)).toBe(8192);
    expect(stack.guard.kind).toBe("unmapped");
    expect(stack.highWater!.bytes).toBeLessThan(8192);
  }
  roleOf(stacks, /^RSP0, for interrupts and exceptions in ring 3/);
  const text = await client.evaluate("info stacks", "repl");
  expect(text).toMatch(/guard page: the PTE is not present/);
}, 400_000);

test("an interrupt runs on a stack of its own, and the task's is not forgotten", async () => {
  let at = (await client.top()).name;
  for (let n = 0; n < 40 && at !== "__sysvec_apic_timer_interrupt"; n++) {
    await client.go();
    at = (await client.top()).name;
  }
  expect(at).toBe("__sysvec_apic_timer_interrupt");
  const stacks = await all();
  const own = roleOf(stacks, /CPU 0 runs on it/);
  expect(own.guard.kind).toBe("unmapped");
  expect(bytes(own)).toBe(16384);
  expect(stacks.some(({ id, low }) => id !== own.id && low !== null && bytes(own) === 16384)).toBe(true);
  roleOf(stacks, /at an earlier stop/);
}, 400_000);

describe.skipIf(process.env["REDZONE_LONG"] !== "1")("with the vmlinux of the debug package", () => {
  test("every task's stack has its name and its saved stack pointer", async () => {
    const other = new Client(280_000);
    const vmlinux = fetchVmlinux(kernel);
    await other.launchToEntry({ kernel, vmlinux, append: "console=ttyS0", memory: "256M" }, () =>
      other.request("setFunctionBreakpoints", { breakpoints: [{ name: "do_basic_setup" }] }),
    );
    await other.go();
    const { stacks } = await other.request("redzone/stacks");
    const named = (name: string): StackSummary => {
      const found = stacks.find((stack) => stack.name === name);
      expect(found, `${name} among ${stacks.map((stack) => stack.name).join(", ")}`).toBeDefined();
      return found!;
    };
    expect(named("swapper/0 (1)").roles).toEqual(["CPU 0 runs on it", "kernel stack of task 1"]);
    for (const name of ["swapper/0 (0)", "kthreadd (2)"]) {
      const stack = named(name);
      expect(bytes(stack)).toBe(16384);
      expect(BigInt(stack.pointer!)).toBeGreaterThan(BigInt(stack.low!));
      expect(stack.highWater!.bytes).toBeGreaterThan(256);
    }
    const body = await other.request("redzone/stack", {});
    const words = body.frames.flatMap(({ slots = [] }) => slots);
    expect(words.find(({ kind }) => kind === "canary")?.note).toBe("intact: as it must be");
    await other.end();
  }, 800_000);
});

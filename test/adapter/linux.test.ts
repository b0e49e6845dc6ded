/**
 * Debian's kernel with KASLR on: breakpoints are where the kernel runs before it runs, frames have names, boot parameters are shown.
 *
 * Without vmlinux the names are the kernel's own (kallsyms). With it is a long test (`npm run test:long`): the package with the file is 283 MB.
 */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { fetchLinux } from "../support/debian.mjs";
import { fetchVmlinux } from "../support/vmlinux.ts";
import { Client } from "./client.ts";

const PACKAGE = "linux-image-cloud-amd64";
const isLong = process.env["REDZONE_LONG"] === "1";

let client: Client;
let kernel: string;
beforeEach(async () => {
  client = new Client(180_000);
  kernel = await fetchLinux(PACKAGE);
}, 600_000);
afterEach(() => client.end());

const launch = async (names: readonly string[], vmlinux: string | null) => {
  let replies: readonly { verified: boolean; message?: string }[] = [];
  await client.launchToEntry(
    { kernel, append: "console=ttyS0", memory: "256M", ...(vmlinux === null ? {} : { vmlinux }) },
    async () => {
      const set = await client.request("setFunctionBreakpoints", {
        breakpoints: names.map((name) => ({ name })),
      });
      replies = set.breakpoints;
    },
  );
  return replies;
};
const pc = async (): Promise<bigint> => BigInt((await client.evaluate("$rip")).split(" ")[0]!);
const names = async (): Promise<string[]> => (await client.frames()).map(({ name }) => name);

/** The kernel's range of 1 GiB, and where it would be without KASLR. */
const isKernel = (address: bigint): boolean =>
  address >= 0xffffffff80000000n && address < 0xffffffffc0000000n;

test("without vmlinux: names and breakpoints from the kernel's own table, from its first instruction on", async () => {
  const replies = await launch(["startup_64", "start_kernel", "setup_arch"], null);
  expect(replies[0]!.message).toContain("read when it has decompressed itself");

  await client.go();
  // Physical, at a multiple of 2 MiB, and nothing of the kernel has run.
  expect((await pc()) % 0x200000n).toBe(0n);
  expect((await names())[0]).toBe("startup_64");
  expect(
    client.messages.filter((message) => "event" in message && message.event === "breakpoint"),
  ).not.toEqual([]);

  await client.go();
  const start = await pc();
  expect(isKernel(start)).toBe(true);
  expect((await names())[0]).toBe("start_kernel");
  await client.go();
  expect((await names()).slice(0, 2)).toEqual(["setup_arch", "start_kernel"]);
  const { modules } = await client.request("modules", {});
  expect(modules.map(({ name }) => name)).toContain("kallsyms");

  const parameters = await client.scope("Boot parameters");
  const header = parameters.find(({ name }) => name === "hdr")!;
  const fields = await client.children(header.variablesReference);
  expect(fields.find(({ name }) => name === "header")!.value).toBe("0x53726448 HdrS");
  expect(await client.evaluate("info registers", "repl")).toContain("RIP=ffffffff");

  // The same kernel, booted again, is found again.
  await client.request("restart", {});
  expect((await client.stopped()).reason).toBe("entry");
  await client.go();
  expect((await names())[0]).toBe("startup_64");
}, 400_000);

describe.skipIf(!isLong)("with the vmlinux of the debug package", () => {
  test("a breakpoint is verified at once, hits with KASLR on, and frames have lines, parameters and locals", async () => {
    const file = fetchVmlinux(kernel);
    const began = performance.now();
    const [reply] = await launch(["startup_64", "start_kernel", "vfs_caches_init", "kmem_cache_open"], file);
    expect(reply!.verified).toBe(true);
    console.log(`launched and verified within ${Math.round(performance.now() - began)} ms`);
    await client.go();
    expect(await client.where()).toMatch(/^head_64\.S:\d+ startup_64$/);
    await client.go();
    expect(await client.where()).toMatch(/^main\.c:\d+ start_kernel$/);
    expect(isKernel(await pc())).toBe(true);
    expect(client.console()).toMatch(
      /starts at physical address 0x[0-9a-f]+ and will run at 0xffffffff[0-9a-f]{8}/,
    );
    await client.go();
    const stack = await names();
    expect(stack).toContain("start_kernel");
    const { scopes } = await client.request("scopes", { frameId: (await client.top()).id });
    expect(scopes.map(({ name }) => name)).toContain("Locals");
    expect((await client.scope("Locals")).length).toBeGreaterThan(0);
    expect(await client.evaluate("linux_banner")).toContain("Linux version 6.");
  }, 900_000);
});

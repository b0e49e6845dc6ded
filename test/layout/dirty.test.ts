/** Dirty maps and moments: each has its own switch and eraser, a byte written is one page, and the display goes on redrawing. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { DirtyBody, DirtyMap } from "../../media/protocol.ts";
import { Client } from "../adapter/client.ts";

/** The first machine of a process emits its interpreter; on a busy host that takes its time. */
const PATIENCE = 60_000;

let client: Client;
beforeEach(async () => {
  client = new Client(PATIENCE);
  await client.launchToEntry();
}, PATIENCE);
afterEach(() => client.end());

const PAGE = 4096;
const VRAM = "0000:00:02.0/vga.vram";

const ask = (map: DirtyMap, block = "pc.ram", more: object = {}): Promise<DirtyBody> =>
  client.request("redzone/ramLayoutDirty", { map, block, cells: 65_536, ...more });

/** Numbers of the dirty pages; every cell must be a page. */
async function pages(map: DirtyMap, block = "pc.ram", more: object = {}): Promise<number[]> {
  const body = await ask(map, block, more);
  expect(body.pagesPerCell).toBe(1);
  const found: number[] = [];
  let page = body.first;
  for (const [length, dirty] of body.runs) {
    for (let i = 0; i < length; i++) if (dirty === 1) found.push(page + i);
    page += length;
  }
  expect(page).toBe(body.first + body.count);
  expect(found.length).toBe(body.dirtyPages);
  return found;
}

const control = (map: "vga" | "code" | "migration", action: "enable" | "disable" | "clear") =>
  client.request("redzone/ramLayoutDirtyControl", { map, action });
const write = (reference: string, byte = 0x5a): Promise<unknown> =>
  client.request("writeMemory", {
    memoryReference: reference,
    data: Buffer.from([byte]).toString("base64"),
  });

describe("maps", () => {
  test("MIGRATION is off until it is enabled, begins with everything dirty, and then sees each page that is written", async () => {
    expect(await ask("migration")).toMatchObject({ enabled: false, dirtyPages: 0, since: "off" });
    await control("migration", "enable");
    const all = await ask("migration");
    expect(all.dirtyPages).toBe(all.count);
    await control("migration", "clear");
    expect(await pages("migration")).toEqual([]);
    await write("p:0x300000");
    await write("p:0x305fff");
    await write("r:0x400010");
    expect(await pages("migration")).toEqual([0x300, 0x305, 0x400]);
    await control("migration", "disable");
    expect((await ask("migration")).dirtyPages).toBe(0);
  });

  test("clearing one leaves the others, and the display's picture", async () => {
    await control("migration", "enable");
    await control("migration", "clear");
    await control("vga", "clear");
    const { version } = await client.request("redzone/display", {});
    // The character in the corner of the text screen: a page of VGA memory, by another address.
    await write("p:0xb8000", 0x41);
    expect(await pages("vga", VRAM)).toHaveLength(1);
    expect(await pages("migration", VRAM)).toHaveLength(1);
    await control("vga", "clear");
    expect(await pages("vga", VRAM)).toEqual([]);
    expect(await pages("migration", VRAM)).toHaveLength(1);
    const { text, version: after } = await client.request("redzone/display", {});
    expect(after).not.toBe(version);
    expect(text?.lines).toMatch(/^A/);
    // Looking at the display clears its own bitmap, and none of these.
    expect(await pages("migration", VRAM)).toHaveLength(1);
  });

  test("VGA is logged for the adapter's memory only", async () => {
    await control("vga", "clear");
    await write("p:0x300000");
    expect(await ask("vga")).toMatchObject({ dirtyPages: 0, since: expect.stringMatching(/not logged/) });
  });

  test("CODE is clean where there is translated code, and tells what was written of it", async () => {
    await client.request("setFunctionBreakpoints", { breakpoints: [{ name: "run_tasks" }] });
    await client.go();
    const before = await ask("code");
    expect(before.codePages).toBeGreaterThan(0);
    expect(before.dirtyPages + before.codePages).toBe(before.count);
    await control("code", "clear");
    expect(await pages("code")).toEqual([]);
    const rip = BigInt(await client.evaluate("$rip,x"));
    await write(`v:0x${(rip - (rip % 4096n)).toString(16)}`, 0x90);
    const [reading] = (await client.request("redzone/ramLayoutConvert", { text: "$rip" })).readings;
    expect(await pages("code")).toEqual([Math.floor(Number(reading!.ram) / PAGE)]);
    // Data that was never code is of no interest to it.
    await write("p:0x3000000");
    expect(await pages("code")).toHaveLength(1);
  });

  test("cells are powers of two of pages, and add up", async () => {
    await control("migration", "enable");
    await control("migration", "clear");
    await write("p:0x300000");
    const body = await ask("migration", "pc.ram", { cells: 100 });
    expect(body.pagesPerCell).toBe(512);
    expect(body.runs.reduce((sum, [length]) => sum + length, 0)).toBe(64);
    expect(body.runs.reduce((sum, [length, dirty]) => sum + length * dirty, 0)).toBe(1);
    const part = await ask("migration", "pc.ram", { first: 0x2f0, count: 0x20 });
    expect(part).toMatchObject({ first: 0x2f0, count: 0x20, pagesPerCell: 1, dirtyPages: 1 });
  });
});

describe("moments", () => {
  test("the start, each stop, and marks can be compared with", async () => {
    const names = async () =>
      (await client.request("redzone/ramLayoutMoments")).moments.map(({ kind, instant }) => [kind, instant]);
    expect(await names()).toEqual([["start", 0]]);
    await client.request("setFunctionBreakpoints", { breakpoints: [{ name: "kernel_main" }] });
    await client.go();
    const [, stop] = await names();
    expect(stop![0]).toBe("stop");
    const sinceStart = await pages("changed");
    const [stack] = (await client.request("redzone/ramLayoutConvert", { text: "$rsp" })).readings;
    expect(sinceStart).toContain(Math.floor(Number(stack!.ram) / PAGE));
    const { moments } = await client.request("redzone/ramLayoutMark", { name: "before the write" });
    const moment = moments.at(-1)!;
    expect(moment).toMatchObject({ kind: "mark", name: "before the write" });
    expect(await pages("changed", "pc.ram", { moment: moment.id })).toEqual([]);
    await write("p:0x300000");
    expect(await pages("changed", "pc.ram", { moment: moment.id })).toEqual([0x300]);
  });

  test("what changed is asked of the stop before", async () => {
    await client.request("setFunctionBreakpoints", { breakpoints: [{ name: "kernel_main" }] });
    await client.go();
    await write("p:0x300000");
    await client.go("next");
    const changed = await pages("changed");
    expect(changed).toContain(0x300);
    await client.go("next");
    expect(await pages("changed")).not.toContain(0x300);
  });

  test("a block that is not there is refused by name", async () => {
    await expect(ask("changed", "nothing")).rejects.toThrow(/no RAMBlock "nothing"/);
    await expect(ask("no map" as DirtyMap)).rejects.toThrow(/no map "no map"/);
  });
});

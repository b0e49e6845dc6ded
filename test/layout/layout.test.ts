/** The RAM layout as clients see it: blocks, ranges, regions, who answers where, and what an address is in other spaces. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ConversionBody } from "../../media/protocol.ts";
import { Client } from "../adapter/client.ts";

/** The first machine of a process emits its interpreter; on a busy host that takes its time. */
const PATIENCE = 60_000;

let client: Client;
beforeEach(() => {
  client = new Client(PATIENCE);
});
afterEach(() => client.end());

const GIB = 2n ** 30n;
const hex = (value: bigint | number): string => `0x${value.toString(16)}`;

const convert = async (text: string): Promise<readonly ConversionBody[]> =>
  (await client.request("redzone/ramLayoutConvert", { text })).readings;
const reading = async (text: string, kind: ConversionBody["kind"]): Promise<ConversionBody> => {
  const found = (await convert(text)).find((each) => each.kind === kind);
  if (found === undefined) throw new Error(`${text} is not read as ${kind}`);
  return found;
};

describe("6 GiB", () => {
  beforeEach(() => client.launchToEntry({ memory: "6G" }), PATIENCE);

  test("RAM is one block seen below and above the hole", async () => {
    const { blocks, below4G, above4G, ranges } = await client.request("redzone/ramLayout");
    expect([below4G, above4G]).toEqual([hex(3n * GIB), hex(3n * GIB)]);
    const ram = blocks[0]!;
    expect(ram).toMatchObject({ idstr: "pc.ram", offset: "0x0", used: hex(6n * GIB), total: hex(6n * GIB) });
    expect(ram.backend).toEqual({ id: "pc.ram", type: "memory-backend-ram" });
    expect(ram.windows.at(-1)).toMatchObject({
      start: hex(4n * GIB),
      size: hex(3n * GIB),
      blockOffset: hex(3n * GIB),
      path: ["system", "ram-above-4g", "pc.ram"],
    });
    for (const [i, range] of ranges.entries()) {
      const next = ranges[i + 1];
      if (next !== undefined)
        expect(BigInt(range.start) + BigInt(range.size)).toBeLessThanOrEqual(BigInt(next.start));
    }
  });

  test("0x100001000 is ram_addr_t 0xc0001000", async () => {
    const found = await reading("0x100001000", "physical");
    expect(found).toMatchObject({
      ram: "0xc0001000",
      block: { idstr: "pc.ram", offset: "0xc0001000" },
      region: { name: "pc.ram", offset: "0xc0001000", kind: "ram" },
      note: null,
    });
    expect(await reading("r:0xc0001000", "ram")).toMatchObject({ physical: ["0x100001000"], note: null });
    expect(await reading("pc.ram+0xc0001000", "block")).toMatchObject({ physical: ["0x100001000"] });
    expect(await reading("p:0x100001000", "physical")).toMatchObject({ ram: "0xc0001000" });
  });

  test("a hole, a device, a port and nonsense say what they are", async () => {
    expect((await reading("p:0xd0000000", "physical")).note).toMatch(/Nobody answers.*hole in "pci"/);
    const hpet = await reading("hpet+0x10", "region");
    expect(hpet).toMatchObject({ physical: ["0xfed00010"], ram: null });
    expect(hpet.note).toMatch(/registers of "hpet"/);
    expect(await reading("port 0x60", "io")).toMatchObject({
      note: null,
      place: { space: "io", offset: "0x60" },
    });
    expect(await reading("port 0x1234", "io")).toMatchObject({ note: expect.stringMatching(/No device/) });
    const nonsense = await client.request("redzone/ramLayoutConvert", { text: "no_such_thing" });
    expect(nonsense.readings).toEqual([]);
    expect(nonsense.note).toMatch(/no_such_thing/);
  });

  test("the RAM of the block can be read by ram_addr_t", async () => {
    await client.request("writeMemory", {
      memoryReference: "p:0x100001000",
      data: Buffer.from("hello").toString("base64"),
    });
    const { data, address } = await client.request("readMemory", {
      memoryReference: "r:0xc0001000",
      count: 5,
    });
    expect([Buffer.from(data!, "base64").toString(), address]).toEqual(["hello", "0xc0001000"]);
    await client.request("writeMemory", {
      memoryReference: "r:0xc0001001",
      data: Buffer.from("a").toString("base64"),
    });
    const again = await client.request("readMemory", { memoryReference: "p:0x100001000", count: 5 });
    expect(Buffer.from(again.data!, "base64").toString()).toBe("hallo");
    await expect(
      client
        .request("setInstructionBreakpoints", { breakpoints: [{ instructionReference: "r:0x1000" }] })
        .then(({ breakpoints }) => breakpoints[0]!.message ?? ""),
    ).resolves.toMatch(/linear or physical/);
  });
});

test("0x100001000 is ram_addr_t 0x80001000 with max-ram-below-4g=2G", async () => {
  await client.launchToEntry({ qemu: "-machine pc,max-ram-below-4g=2G -m 6G" });
  expect(await reading("0x100001000", "physical")).toMatchObject({ ram: "0x80001000" });
  const { below4G } = await client.request("redzone/ramLayout");
  expect(below4G).toBe(hex(2n * GIB));
});

test("RAM of a named backend, and DIMMs with their slots", async () => {
  await client.launchToEntry({
    qemu: "-m 4G,slots=2,maxmem=8G -machine pc,memory-backend=m0 -object memory-backend-ram,id=m0,size=4G -object memory-backend-ram,id=m1,size=128M -device pc-dimm,id=d1,memdev=m1,slot=1",
  });
  const { blocks, below4G, above4G } = await client.request("redzone/ramLayout");
  expect([below4G, above4G]).toEqual([hex(3n * GIB), hex(GIB)]);
  expect(blocks[0]).toMatchObject({
    idstr: "m0",
    backend: { id: "m0", type: "memory-backend-ram" },
    dimm: null,
  });
  expect(blocks[1]).toMatchObject({ idstr: "m1", backend: { id: "m1" }, dimm: { id: "d1", slot: 1 } });
  const { start } = blocks[1]!.windows[0]!;
  const [found] = await convert(`p:${start}`);
  expect(found).toMatchObject({ block: { idstr: "m1", offset: "0x0" }, ram: blocks[1]!.offset });
  const devices = await client.request("redzone/ramLayoutDevices");
  expect(devices).toMatchObject({ slots: 2, totalBytes: hex(4n * GIB), pluggedBytes: hex(128n << 20n) });
  expect(devices.dimms).toMatchObject([
    { id: "d1", slot: 1, address: start, memdev: "m1", hotplugged: false },
  ]);
  expect(devices.backends.map(({ id, mapped }) => [id, mapped])).toEqual([
    ["m0", true],
    ["m1", true],
  ]);

  await client.request("redzone/monitor", { command: "object_add memory-backend-ram,id=m2,size=64M" });
  const { readings } = await client.request("redzone/ramLayoutConvert", { text: "m2+0x1000" });
  expect(readings[0]!.note).toMatch(/No region shows this part of "m2"/);
  await client.request("redzone/monitor", { command: "device_add pc-dimm,id=d2,memdev=m2" });
  const after = await client.request("redzone/ramLayout");
  expect(after.blocks.find(({ idstr }) => idstr === "m2")).toMatchObject({ dimm: { id: "d2", slot: 0 } });
});

describe("the sample kernel", () => {
  beforeEach(() => client.launchToEntry(), PATIENCE);

  test("symbols, registers and expressions are places", async () => {
    await client.request("setFunctionBreakpoints", { breakpoints: [{ name: "kernel_main" }] });
    await client.go();
    const found = await reading("kernel_main+4", "symbol");
    expect(found.note).toBeNull();
    expect(found.linear[0]!.symbol).toBe("kernel_main+0x4");
    const [physical] = found.physical;
    const back = await reading(`p:${physical}`, "physical");
    expect(back.linear.map(({ symbol }) => symbol)).toContain("kernel_main+0x4");
    expect(back.ram).toBe(found.ram);
    const rsp = await client.evaluate("$rsp,x");
    expect((await convert("$rsp"))[0]!.linear[0]!.address).toBe(rsp);
  });

  test("the same regions as the monitor's", async () => {
    const { spaces, flat } = await client.request("redzone/ramLayoutRegions");
    expect(spaces.map(({ names }) => names)).toContainEqual(["memory"]);
    const memory = flat.find((view) => view.spaces.includes("memory"))!;
    const view = (await client.evaluate("info mtree -f", "repl"))
      .split("\nFlatView")
      .find((each) => each.includes('AS "memory"'))!;
    const lines = view.split("\n").filter((row) => row.includes("(prio"));
    const pad = (value: bigint): string => value.toString(16).padStart(16, "0");
    const words = { ram: "ram", rom: "rom", mmio: "i/o", "rom device": "romd" } as const;
    expect(
      memory.ranges.map(({ start, size, priority, kind, region, offset }) => {
        const [first, last] = [BigInt(start), BigInt(start) + BigInt(size) - 1n];
        const at = offset === "0x0" ? "" : ` @${pad(BigInt(offset))}`;
        return `  ${pad(first)}-${pad(last)} (prio ${priority}, ${words[kind]}): ${region}${at}`;
      }),
    ).toEqual(lines);
  });
});

describe("who answers", () => {
  beforeEach(() => client.launchToEntry({ memory: "6G" }), PATIENCE);
  const why = (address: string, space: "physical" | "io" = "physical") =>
    client.request("redzone/ramLayoutWhy", { space, address });

  test("the winner is the flat view's, everywhere", async () => {
    const { ranges } = await client.request("redzone/ramLayout");
    const probes = ranges.flatMap(({ start, size }) => {
      const first = BigInt(start);
      const end = first + BigInt(size);
      return [first - 1n, first, (first + end) / 2n, end - 1n, end].filter((at) => at >= 0n);
    });
    for (const at of probes) {
      const body = await why(hex(at));
      const winner = body.candidates.filter(({ verdict }) => verdict === "answers");
      expect(
        winner.map(({ name }) => name),
        hex(at),
      ).toEqual(body.range === null ? [] : [body.range.region]);
    }
  });

  test("VGA memory is before RAM, and RAM before PCI", async () => {
    const { candidates, summary } = await why("0xa0000");
    const named = (name: string) => candidates.find((each) => each.name === name)!;
    expect(candidates.find(({ verdict }) => verdict === "answers")!.name).toMatch(/^vga|^vbe/);
    expect(summary).toMatch(/answer/);
    expect(named("pc.ram")).toMatchObject({ verdict: "loses" });
    expect(named("pc.ram").why).toMatch(
      /"smram-region" \(priority 1\) goes before "ram-below-4g".*priority 0.*in "system"/,
    );
    const low = await why("0x1000");
    expect(low.summary).toBe('"pc.ram" answers with byte 0x1000 of RAMBlock "pc.ram", ram_addr_t 0x1000.');
    expect(low.candidates.find(({ name }) => name === "pci")).toMatchObject({ verdict: "empty" });
  });

  test("disabled windows, holes and ports", async () => {
    const pam = await why("0xf0000");
    expect(pam.candidates.filter(({ verdict }) => verdict === "disabled").length).toBeGreaterThan(0);
    const hole = await why("0xd0000000");
    expect(hole.range).toBeNull();
    expect(hole.summary).toMatch(/Nobody answers/);
    const keyboard = await why("0x60", "io");
    expect(keyboard.range?.region).toMatch(/i8042|keyboard|data/);
    expect((await why("0x1234", "io")).summary).toMatch(/No device has port 0x1234/);
  });
});

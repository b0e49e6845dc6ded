/** Windows onto memory: bytes, holes, what changed since the stop before, what points and lies there; types laid over memory. */
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Place } from "../../media/protocol/place.ts";
import { Client } from "../adapter/client.ts";

/** The first machine of a process emits its interpreter; on a busy host that takes its time. */
const PATIENCE = 60_000;

let client: Client;
beforeEach(async () => {
  client = new Client(PATIENCE);
  await client.launchToEntry();
}, PATIENCE);
afterEach(() => client.end());

const hex = (value: bigint): string => `0x${value.toString(16)}`;
const place = (space: Place["space"], offset: bigint | number): Place => ({
  space,
  offset: hex(BigInt(offset)),
});
const window = (at: Place, count: number) => client.request("redzone/memoryBytes", { place: at, count });
const toKernelMain = async (): Promise<void> => {
  await client.request("setFunctionBreakpoints", { breakpoints: [{ name: "kernel_main" }] });
  await client.go();
};
const number = async (expression: string): Promise<bigint> =>
  BigInt(await client.evaluate(`(u64)(${expression}),x`));

test("bytes are those of readMemory, in every space", async () => {
  await toKernelMain();
  const rip = await number("$rip");
  const [found] = (await client.request("redzone/ramLayoutConvert", { text: "$rip" })).readings;
  const spaces = [
    [place("linear", rip), `v:${hex(rip)}`],
    [place("physical", BigInt(found!.physical[0]!)), `p:${found!.physical[0]}`],
    [place("ram", BigInt(found!.ram!)), `r:${found!.ram}`],
  ] as const;
  const seen = new Set<string>();
  for (const [at, memoryReference] of spaces) {
    const body = await window(at, 64);
    expect(body.data).toBe((await client.request("readMemory", { memoryReference, count: 64 })).data);
    expect(body.holes).toEqual([]);
    seen.add(body.data);
  }
  expect(seen.size).toBe(1);
});

test("what cannot be read is a hole with a reason, and what is around it is there", async () => {
  const body = await window(place("physical", 0xd000_0000 - 16), 64);
  expect(body.holes).toEqual([{ offset: 0, length: 64, why: "no memory answers there" }]);
  const end = await window(place("ram", 0), 16);
  expect(end.holes).toEqual([]);
  const edge = await window(place("physical", 0x8000_000 - 16), 64);
  expect(edge.holes).toEqual([{ offset: 16, length: 48, why: "no memory answers there" }]);
  await expect(window(place("io", 0x60), 4)).rejects.toThrow(/not a memory reference/);
  await expect(window({ space: "linear", offset: "here" }, 4)).rejects.toThrow(/not a memory reference/);
});

test("registers point, variables and symbols lie, whatever the space", async () => {
  await toKernelMain();
  await client.go("next");
  const rsp = await number("$rsp");
  const boot = await number("&boot");
  const named = async (at: Place, count: number) => {
    const { marks } = await window(at, count);
    return (name: string) => marks.find((mark) => mark.name === name);
  };
  const linear = await named(place("linear", rsp), 256);
  expect(linear("rsp")).toMatchObject({ kind: "register", offset: 0, value: hex(rsp) });
  expect(linear("boot")).toMatchObject({
    kind: "variable",
    offset: Number(boot - rsp),
    length: Number(await number("sizeof(boot)")),
    type: "struct boot_information",
  });
  const [found] = (await client.request("redzone/ramLayoutConvert", { text: "$rsp" })).readings;
  for (const at of [place("physical", BigInt(found!.physical[0]!)), place("ram", BigInt(found!.ram!))]) {
    const other = await named(at, 256);
    expect(other("rsp")).toMatchObject({ kind: "register", offset: 0 });
    expect(other("boot")).toMatchObject({ offset: Number(boot - rsp) });
  }
  const main = await number("&kernel_main");
  const code = await named(place("linear", main - 32n), 64);
  expect(code("kernel_main")).toMatchObject({ kind: "symbol", offset: 32, type: "code" });
  const root = await named(place("physical", (await number("$cr3")) & ~0xfffn), 16);
  expect(root("cr3")).toMatchObject({ kind: "register", offset: 0 });
});

test("a byte that changed since the stop before is marked, and the user's own edits are not", async () => {
  await toKernelMain();
  const rsp = await number("$rsp");
  const at = place("linear", rsp - 512n);
  const before = Buffer.from((await window(at, 1024)).data, "base64");
  expect((await window(at, 1024)).changed).toEqual([]);
  await client.request("redzone/memoryWrite", { place: at, data: Buffer.from([1, 2, 3]).toString("base64") });
  expect((await window(at, 1024)).changed).toEqual([]);
  await client.go("next");
  const body = await window(at, 1024);
  const after = Buffer.from(body.data, "base64");
  const differing = [...after.keys()].filter((i) => i >= 3 && after[i] !== before[i]);
  expect(differing.length).toBeGreaterThan(0);
  const marked = new Set(
    body.changed.flatMap(({ offset, length }) => Array.from({ length }, (_, i) => offset + i)),
  );
  for (const i of differing) expect(marked.has(i), `byte ${i}`).toBe(true);
  for (const i of marked) if (i >= 3) expect(differing).toContain(i);
});

test("of a page that nobody looked at it is said that it was written", async () => {
  await toKernelMain();
  const rsp = await number("$rsp");
  const page = rsp - (rsp % 4096n);
  expect(await window(place("linear", page), 4096)).toMatchObject({
    changed: [],
    written: [{ offset: 0, length: 4096 }],
  });
});

test("writing needs a machine that stands still, and shows in variables", async () => {
  await toKernelMain();
  await client.go("next");
  const at = await number("&boot.usable_ranges");
  await client.request("redzone/memoryWrite", {
    place: place("linear", at),
    data: Buffer.from([7, 0, 0, 0]).toString("base64"),
  });
  expect(await client.evaluate("boot.usable_ranges")).toBe("7");
  await expect(
    client.request("redzone/memoryWrite", { place: place("physical", 0xd000_0000), data: "AA==" }),
  ).rejects.toThrow(/no memory answers/);
});

test("a type laid over memory has all its fields with offsets, sizes and values", async () => {
  await toKernelMain();
  await client.go("next");
  const boot = await number("&boot");
  const body = await client.request("redzone/memoryOverlay", {
    place: place("linear", boot),
    type: "struct boot_information",
  });
  expect(body).toMatchObject({
    type: "struct boot_information",
    sizeBytes: Number(await number("sizeof(boot)")),
  });
  expect(body.fields[0]).toMatchObject({ depth: 0, offset: 0, hasChildren: true });
  for (const field of body.fields.filter(({ depth }) => depth === 1)) {
    expect(field.offset).toBe(Number((await number(`&boot.${field.path}`)) - boot));
    expect(field.value).toBe(await client.evaluate(`boot.${field.path}`));
  }
  const array = await client.request("redzone/memoryOverlay", {
    place: place("physical", 0x1000),
    type: "u64[4]",
  });
  expect(array.fields.map(({ path, offset, length }) => [path, offset, length])).toEqual([
    ["", 0, 32],
    ["[0]", 0, 8],
    ["[1]", 8, 8],
    ["[2]", 16, 8],
    ["[3]", 24, 8],
  ]);
  const matrix = await client.request("redzone/memoryOverlay", { place: place("ram", 0), type: "u8[2][3]" });
  expect(matrix.sizeBytes).toBe(6);
  await expect(
    client.request("redzone/memoryOverlay", { place: place("linear", boot), type: "struct nothing" }),
  ).rejects.toThrow(/not a type of this program/);
  expect((await client.request("redzone/memoryTypes", { prefix: "boot_" })).names).toContain(
    "boot_information",
  );
});

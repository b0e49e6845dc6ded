/** Addresses in what people type and what kernels print. */
import { describe, expect, it } from "vitest";
import { addressesIn, formatPlace, parsePlace } from "../../extension/address-text.ts";

describe("an address that is typed", () => {
  it.each([
    ["0xffffffff80100000", "v:0xffffffff80100000"],
    ["0xFFFF'8000_0000'0000", "v:0xffff800000000000"],
    [" p:0xb8000 ", "p:0xb8000"],
    ["r:0xc0001000", "r:0xc0001000"],
    ["io:0x3f8", "io:0x3f8"],
    ["v:4096", "v:0x1000"],
  ])("%s is %s", (text, place) => {
    const parsed = parsePlace(text);
    expect(parsed === null ? null : formatPlace(parsed)).toBe(place);
  });

  it.each(["kernel_main", "", "0x", "0x1ffffffffffffffff", "q:0x1000", "-1"])("%j is none", (text) =>
    expect(parsePlace(text)).toBeNull(),
  );
});

describe("addresses in a line of a log", () => {
  it.each([
    ["page fault at 0xdeadbeef, rip=0xffffffff80101234.", ["0xdeadbeef", "0xffffffff80101234"]],
    ["RIP: 0010:do_idle+0x1b/0x40", ["do_idle+0x1b"]],
    ["RSP: 0018:ffffc90000013e60 EFLAGS: 00010246", ["0xffffc90000013e60"]],
    [
      "BIOS-e820: [mem 0x0000000000000000-0x000000000009fbff] usable",
      ["0x0000000000000000", "0x000000000009fbff"],
    ],
    ["fs=ffff8881`12345678", ["0xffff888112345678"]],
    ["3 tasks, 0x10 pages, deadbeefdead, x0x1000, 12345678901234567890", []],
  ])("%s", (line, texts) => expect(addressesIn(line).map(({ text }) => text)).toEqual(texts));

  it("covers the length behind a symbol's offset, which is not part of the address", () => {
    const [link] = addressesIn("? do_idle+0x1b/0x40");
    expect(link).toEqual({ start: 2, length: "do_idle+0x1b/0x40".length, text: "do_idle+0x1b" });
  });
});

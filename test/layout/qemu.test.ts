/** Where bytes of guest-physical space are kept, beside QEMU: host addresses of two bytes of one RAMBlock are as far apart as their offsets in it. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Client } from "../adapter/client.ts";
import { hasQemu, qemuMonitor } from "../memory/qemu.ts";

const MACHINES = [
  ["-m", "6G"],
  ["-machine", "pc,max-ram-below-4g=2G", "-m", "6G"],
  ["-m", "256M"],
];
const PLACES = [
  0x0, 0x1000, 0x9_ffff, 0x10_0000, 0xfff_f000, 0x7fff_f000, 0x8000_0000, 0xbfff_f000, 0xc000_0000,
  0xd000_0000, 0x1_0000_0000, 0x1_0000_1000, 0x1_7fff_f000, 0x1_bfff_f000, 0x1_c000_0000, 0x2_0000_0000,
];

describe.skipIf(!hasQemu).each(MACHINES)("%s %s %s %s", (...args) => {
  const words = args.filter((word): word is string => typeof word === "string");
  let client: Client;
  beforeEach(() => {
    client = new Client();
  });
  afterEach(() => client.end());

  it("keeps each byte where QEMU keeps it", async () => {
    const answers = await qemuMonitor(
      words,
      PLACES.map((at) => `gpa2hva 0x${at.toString(16)}`),
    );
    const base = /is (0x[\da-f]+)/.exec(answers[0]!)?.[1];
    expect(base).toBeDefined();
    await client.launchToEntry({ qemu: words.join(" ") });
    for (const [i, at] of PLACES.entries()) {
      const { readings } = await client.request("redzone/ramLayoutConvert", {
        text: `p:0x${at.toString(16)}`,
      });
      const found = /for (0x[\da-f]+) \((\S+)\) is (0x[\da-f]+)/.exec(answers[i]!);
      const theirs =
        found === null ? null : `${found[2]} + 0x${(BigInt(found[3]!) - BigInt(base!)).toString(16)}`;
      const { block } = readings[0]!;
      expect(block === null ? null : `${block.idstr} + ${block.offset}`, `0x${at.toString(16)}`).toBe(theirs);
    }
  });
});

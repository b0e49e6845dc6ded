/**
 * `-m`, memory backends and DIMMs on the command line: what we say to what is wrong is what QEMU 7.2 says, word for word.
 *
 * One in nine of the stored answers is checked with the QEMU that is installed (all of them with REDZONE_LONG=1).
 */
import { describe, expect, it } from "vitest";
import { parseQemuOptions } from "../../debug-adapter/cli/options.ts";
import { hasQemu } from "../memory/qemu.ts";
import { complaint, readAnswers, updates, writeAnswers, type Answers } from "./qemu.ts";

const MIB = 2 ** 20;
const GIB = 2 ** 30;

let answers = readAnswers("options");
if (updates) {
  const renewed: Answers[number][] = [];
  for (const [line] of answers) renewed.push([line, await complaint(line.split(" "))]);
  writeAnswers("options", renewed);
  answers = renewed;
}

function ours(line: string): string {
  const parsed = parseQemuOptions(line.split(" "));
  return parsed.kind === "error" ? parsed.text : "";
}

it("there are answers to compare with", () => {
  expect(answers.length).toBeGreaterThan(90);
});

it.each(answers)("%s", (line, answer) => {
  expect(ours(line)).toBe(answer);
});

const STEP = process.env["REDZONE_LONG"] === "1" ? 1 : 9;
it.skipIf(!hasQemu).each(answers.filter((_, n) => n % STEP === 0))(
  "QEMU: %s",
  { timeout: 120_000 },
  async (line, answer) => {
    expect(await complaint(line.split(" "))).toBe(answer);
  },
);

describe("what is taken", () => {
  const machineOf = (line: string): object => {
    const parsed = parseQemuOptions(line.split(" "));
    if (parsed.kind === "error") throw new Error(parsed.text);
    return parsed.options.machine;
  };

  it("sizes", () => {
    expect(machineOf("-m 64G")).toEqual({ ramBytes: 64 * GIB });
    expect(machineOf("-m 0")).toEqual({ ramBytes: 128 * MIB });
    expect(machineOf("-m 100k")).toEqual({ ramBytes: 104 * 1024 });
    expect(machineOf("-m 512,slots=0x2,maxmem=2G -m 256M")).toEqual({
      ramBytes: 256 * MIB,
      slots: 2,
      maxRamBytes: 2 * GIB,
    });
    expect(machineOf("-machine max-ram-below-4g=2G")).toMatchObject({ maxRamBelow4G: 2 * GIB });
    expect(machineOf("-machine max-ram-below-4g=0")).toEqual({ ramBytes: 128 * MIB });
  });

  it("backends and DIMMs, whatever comes first", () => {
    const line =
      "-device pc-dimm,id=d1,memdev=m1,slot=1,addr=0x108000000,node=0 -object memory-backend-ram,id=m1,size=128M,share=on,merge=off " +
      "-object memory-backend-file,id=f,size=4M,mem-path=some/file -device pc-dimm,memdev=/objects/f -m 512M,slots=2,maxmem=2G";
    expect(machineOf(line)).toEqual({
      ramBytes: 512 * MIB,
      slots: 2,
      maxRamBytes: 2 * GIB,
      memoryBackends: [
        { id: "m1", type: "memory-backend-ram", sizeBytes: 128 * MIB, share: true, merge: false },
        { id: "f", type: "memory-backend-file", sizeBytes: 4 * MIB, path: "some/file" },
      ],
      dimms: [{ id: "d1", memdev: "m1", slot: 1, address: 0x108000000, node: 0 }, { memdev: "/objects/f" }],
    });
  });

  it("what the guest does not see, with a note", () => {
    const parsed = parseQemuOptions(["-object", "memory-backend-ram,id=m,size=1M,prealloc=on,dump=off"]);
    expect(parsed.kind === "options" && parsed.options.notes).toEqual([
      "-object memory-backend-ram,prealloc=on has no effect: it says what QEMU is to do with the host's memory",
      "-object memory-backend-ram,dump=off has no effect: it says what QEMU is to do with the host's memory",
    ]);
  });

  it("a backend as the machine's memory", () => {
    expect(
      machineOf("-machine pc,memory-backend=m1 -object memory-backend-ram,id=m1,size=256M"),
    ).toMatchObject({ ramBytes: 256 * MIB, ramBackend: "m1" });
  });
});

it.each([
  ["-object memory-backend-memfd,id=m,size=1M", "-object memory-backend-memfd is not supported"],
  ["-object memory-backend-ram,id=m,size=1024T", "cannot set up guest memory 'm': Cannot allocate memory"],
  ["-object memory-backend-ram,id=pc.bios,size=1M", 'RAMBlock "pc.bios" already registered, abort!'],
  [
    "-object memory-backend-file,id=m,size=1M,mem-path=x,readonly=on",
    "-object memory-backend-file,id=m,size=1M,mem-path=x,readonly=on: readonly=on is not supported",
  ],
])("%s is refused by name", (line, text) => {
  expect(ours(line)).toBe(text);
});

/** The chainloader: embedded as built, rebuilt as committed, and in QEMU it starts the 64-bit sample that QEMU itself refuses. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { chainloaderImage } from "../../emulator/boot/chainloader-image.ts";
import { loadable, symbols } from "./elf-facts.ts";
import { image, Planned, planned } from "./plan.ts";
import { buildMedia, hasGcc, hasQemu, qemu, qemuUntil, ROOT, SAMPLE } from "./toolchain.ts";

const FILE = join(ROOT, "media/chainloader/chainloader.elf");

it("the embedded image is the built one", () => {
  expect(Buffer.from(chainloaderImage()).equals(readFileSync(FILE))).toBe(true);
});

it.skipIf(!hasGcc)(
  "building it again gives the same symbols, and with the same compiler the same code",
  () => {
    const rebuilt = buildMedia("chainloader", "chainloader.elf");
    const committed = readFileSync(FILE);
    expect(symbols(rebuilt)).toEqual(symbols(committed));
    if (/12\.2\.0/.test(rebuilt.toString("latin1"))) expect(loadable(rebuilt)).toEqual(loadable(committed));
  },
);

describe("the plan", () => {
  const kernel = readFileSync(SAMPLE);
  const extra = { bytes: new Uint8Array(100).fill(7), name: "extra", cmdline: "extra with words" };
  const plan = planned(image(kernel, { loader: "chainloader", append: "exit=1", modules: [extra] }));
  const memory = new Planned(plan);

  it("loads the chainloader, with the kernel as its first module", () => {
    expect(plan.loader).toBe("chainloader");
    expect(plan.images.map(({ role, name }) => [role, name])).toEqual([
      ["chainloader", "chainloader.elf"],
      ["kernel", "kernel.elf"],
      ["module", "extra"],
    ]);
    const table = memory.u32(plan.information + 24);
    expect(memory.u32(plan.information + 20)).toBe(2);
    expect(memory.text(memory.u32(table + 8))).toBe("kernel.elf exit=1");
    const { start, length } = plan.images[1]!.module!;
    expect(memory.bytes(start, length)).toEqual(new Uint8Array(kernel));
  });
  it("puts nothing that is still needed where the kernel's segments will go", () => {
    const segments = plan.images[1]!.segments;
    const end = Math.max(...segments.map((segment) => segment.physicalAddress + segment.memoryBytes));
    expect(plan.images[1]!.module!.start).toBeGreaterThanOrEqual(end);
    expect(memory.u32(plan.information + 24)).toBeGreaterThanOrEqual(end);
  });
});

describe.skipIf(!hasQemu)("in QEMU", () => {
  it("QEMU alone refuses the 64-bit file", () => {
    expect(qemu(["-kernel", SAMPLE]).code).toBe(1);
    expect(qemu(["-kernel", SAMPLE]).serial).toBe("");
  });
  it("the chainloader starts it, with its command line", () => {
    const run = qemu(["-kernel", FILE, "-initrd", `${SAMPLE} exit=21`]);
    expect(run.code).toBe(43);
    const lines = run.serial.split(/\r?\n/);
    expect(lines[0]).toMatch(/^chainloader: entering the kernel at 0x002000/);
    expect(lines).toContain(` Redzone sample kernel `);
    expect(lines).toContain(`command line: ${SAMPLE} exit=21`);
  });
  it("says what is missing without a module", async () => {
    // What it says is waited for whole: it comes byte by byte.
    const words = "chainloader: no module: give the kernel";
    expect(await qemuUntil(["-kernel", FILE], words)).toContain(words);
  });
});

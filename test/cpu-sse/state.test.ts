/** What user mode cannot show of the state instructions: XSAVES and XRSTORS, XCR0 with x87 alone, FXSAVE without CR4.OSFXSR. Elsewhere: `oracle/xsave.test.ts`. */
import { beforeEach, expect, test } from "vitest";
import { CR4 } from "../../emulator/cpu/core.ts";
import { VECTOR } from "../../emulator/cpu/event.ts";
import { SEG } from "../../emulator/cpu/layout.ts";
import { sseOperations } from "../../emulator/cpu/sse/index.ts";
import { Unit } from "../../emulator/cpu/x87/unit.ts";
import { Fixture } from "../cpu-system/fixture.ts";
import { faultOf, instruction } from "./instruction.ts";

const AREA = 0x2000;
const XMM = AREA + 160;
const STATE_BV = AREA + 512;
const COMP_BV = AREA + 520;
const COMPACTED = 1n << 63n;

let fixture: Fixture;
beforeEach(() => {
  fixture = new Fixture();
  const { core } = fixture;
  core.setCr4(CR4.OSFXSR | CR4.OSXSAVE);
  core.xcr0 = 3n;
  for (const n of [SEG.ds, SEG.ss] as const)
    core.setSegment(n, { selector: 8, base: 0n, limit: 0xffff_ffff, attributes: 0xc093 });
  new Unit(core).initialize();
  core.xmm(3).fill(0x5a);
});

function execute(name: string, components = 3) {
  const { core } = fixture;
  core.effective = BigInt(AREA);
  core.setGpr32(0, components);
  core.setGpr32(2, 0);
  return faultOf(() => sseOperations[name]!(core, instruction(name)));
}

test("XSAVES writes the compacted format without what is initial, XRSTORS reads it back", () => {
  const { core } = fixture;
  fixture.put32(AREA, 0x1111_1111);
  expect(execute("xsaves")).toBeNull();
  expect([fixture.get64(STATE_BV), fixture.get64(COMP_BV)]).toEqual([2n, COMPACTED | 3n]);
  expect(fixture.get32(AREA)).toBe(0x1111_1111);
  expect(fixture.get32(XMM + 48)).toBe(0x5a5a_5a5a);
  core.xmm(3).fill(0);
  new Unit(core).control = 0x27f;
  for (let at = 528; at < 576; at += 8) fixture.put64(AREA + at, 0n);
  expect(execute("xrstors")).toBeNull();
  expect(core.xmm(3)[0]).toBe(0x5a);
  expect(new Unit(core).control).toBe(0x37f);
});

test("XSAVES saves SSE state for the sake of MXCSR alone, XSAVE does not call it in use", () => {
  const { core } = fixture;
  core.xmm(3).fill(0);
  core.mxcsr = 0x1fa0;
  expect(execute("xsaves")).toBeNull();
  expect(fixture.get64(STATE_BV)).toBe(2n);
  fixture.put64(STATE_BV, 0n);
  expect(execute("xsave")).toBeNull();
  expect(fixture.get64(STATE_BV)).toBe(0n);
});

test("XRSTORS wants the compacted format", () => {
  for (let at = 512; at < 576; at += 8) fixture.put64(AREA + at, 0n);
  expect(execute("xrstor")).toBeNull();
  expect(execute("xrstors")).toMatchObject({ vector: VECTOR.GP, errorCode: 0 });
});

test.each(["xsaves", "xrstors"])("%s is for CPL 0", (name) => {
  const { core } = fixture;
  core.setCr0(1);
  core.setSegment(SEG.ss, { selector: 0x1b, base: 0n, limit: 0xffff_ffff, attributes: 0xc0f3 });
  expect(core.cpl).toBe(3);
  expect(execute(name)).toMatchObject({ vector: VECTOR.GP, errorCode: 0 });
});

test("components that XCR0 has not are neither saved nor allowed in a header", () => {
  const { core } = fixture;
  core.xcr0 = 1n;
  fixture.put64(STATE_BV, 2n);
  fixture.put32(XMM + 48, 7);
  expect(execute("xsave")).toBeNull();
  expect(fixture.get32(XMM + 48)).toBe(7);
  // The bit of a component that was not asked for stays as it was.
  expect(fixture.get64(STATE_BV)).toBe(2n);
  for (let at = 520; at < 576; at += 8) fixture.put64(AREA + at, 0n);
  expect(execute("xrstor", 1)).toMatchObject({ vector: VECTOR.GP });
});

test("FXSAVE leaves XMM registers out while CR4.OSFXSR is clear", () => {
  const { core } = fixture;
  core.setCr4(0);
  fixture.put32(XMM + 48, 7);
  expect(execute("fxsave")).toBeNull();
  expect(fixture.get32(XMM + 48)).toBe(7);
  core.setCr4(CR4.OSFXSR);
  expect(execute("fxsave")).toBeNull();
  expect(fixture.get32(XMM + 48)).toBe(0x5a5a_5a5a);
});

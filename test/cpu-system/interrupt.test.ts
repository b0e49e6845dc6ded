/** What each kind of gate pushes and changes, error codes with EXT, and what faults during delivery become (SDM 3A chapter 6). */
import { describe, expect, test } from "vitest";
import { FLAG } from "../../emulator/cpu/core.ts";
import { Fault, Halt, VECTOR, WATCH } from "../../emulator/cpu/event.ts";
import type { CpuEvent } from "../../emulator/cpu/event.ts";
import { MODE, SEG } from "../../emulator/cpu/layout.ts";
import { deliver, deliverFault, interrupt } from "../../emulator/cpu/system/interrupt.ts";
import type { DeliveryKind } from "../../emulator/cpu/system/interrupt.ts";
import {
  caught,
  Fixture,
  GDT,
  IDT,
  longMode,
  protectedMode,
  SELECTOR,
  shortly,
  TABLES,
  TSS,
} from "./fixture.ts";

const words = (f: Fixture, address: number, count: number) =>
  Array.from({ length: count }, (_, n) => f.get32(address + n * 4));
const halves = (f: Fixture, address: number, count: number) =>
  Array.from({ length: count }, (_, n) => f.get16(address + n * 2));
const quads = (f: Fixture, address: number, count: number) =>
  Array.from({ length: count }, (_, n) => f.get64(address + n * 8));
const fire = (f: Fixture, vector: number, kind: DeliveryKind, errorCode: number | null = null) =>
  caught(() => interrupt(f.core, vector, errorCode, kind)); // oxfmt-ignore

describe("real mode", () => {
  test("three words, IF and TF cleared, CS:IP from the vector table", () => {
    const f = new Fixture();
    const { core } = f;
    core.setSegment(SEG.cs, { selector: 0x1234, base: 0x12340n, limit: 0xffff, attributes: 0x9b });
    core.rip = 0x5678n;
    core.rsp = 0xabcd_0100n;
    core.eflags = FLAG.CF | FLAG.IF | FLAG.TF | 2;
    f.put16(0x21 * 4, 0x0042);
    f.put16(0x21 * 4 + 2, 0xf000);
    expect(fire(f, 0x21, "external")).toBeNull();
    expect(halves(f, 0xfa, 3)).toEqual([0x5678, 0x1234, 0x303]);
    expect(core.rsp).toBe(0xabcd_00fan);
    expect([core.selector(SEG.cs), core.segmentBase(SEG.cs), core.rip, core.eflags]).toEqual([0xf000, 0xf0000n, 0x42n, 3]);
    core.idtr = { base: 0n, limit: 0x83 };
    expect(shortly(fire(f, 0x21, "software"))).toBe("#13(266)");
  }); // oxfmt-ignore
});

describe("protected mode", () => {
  test("the same level: EFLAGS, CS, EIP and the error code; an interrupt gate clears IF, a trap gate does not", () => {
    for (const [access, keepsIf] of [[0x8e, false], [0x8f, true]] as const) {
      const f = new Fixture();
      const core = protectedMode(f);
      f.gate(IDT + 13 * 8, SELECTOR.code, 0x00123456, access);
      core.eflags = FLAG.IF | FLAG.NT | FLAG.ZF | 2;
      expect(fire(f, 13, "fault", 0x28)).toBeNull();
      expect(words(f, 0x80000 - 16, 4)).toEqual([0x28, 0x100000, SELECTOR.code, FLAG.IF | FLAG.NT | FLAG.ZF | FLAG.RF | 2]);
      expect(core.rip).toBe(0x123456n);
      expect(core.rsp).toBe(0x7fff0n);
      expect(core.eflags).toBe(FLAG.ZF | 2 | (keepsIf ? FLAG.IF : 0));
    }
  }); // oxfmt-ignore

  test("an inner level: SS and ESP first, on the stack from the TSS", () => {
    const f = new Fixture();
    const core = protectedMode(f, 3);
    f.gate(IDT + 0x30 * 8, SELECTOR.code, 0x200000, 0xee);
    expect(fire(f, 0x30, "software")).toBeNull();
    expect(words(f, 0x70000 - 20, 5)).toEqual([0x100000, SELECTOR.code3, 2, 0x80000, SELECTOR.data3]);
    expect([core.cpl, core.selector(SEG.cs), core.selector(SEG.ss), core.rsp]).toEqual([0, SELECTOR.code, SELECTOR.data, 0x6ffecn]);
    expect(core.mode & MODE.user).toBe(0);
    // And back.
    expect(f.execute("iret")).toBeNull();
    expect([core.cpl, core.selector(SEG.cs), core.selector(SEG.ss), core.rsp, core.rip]).toEqual([
      3, SELECTOR.code3, SELECTOR.data3, 0x80000n, 0x100000n,
    ]);
  }); // oxfmt-ignore

  test("a 16-bit gate pushes words", () => {
    const f = new Fixture();
    const core = protectedMode(f);
    f.gate(IDT + 13 * 8, SELECTOR.code, 0xffff1234, 0x86);
    core.rip = 0x54321n;
    expect(fire(f, 13, "fault", 0x28)).toBeNull();
    expect(halves(f, 0x80000 - 8, 4)).toEqual([0x28, 0x4321, SELECTOR.code, 2]);
    expect(core.rip).toBe(0x1234n);
  });

  test("error codes of bad gates: EXT is set unless the program asked", () => {
    const f = new Fixture();
    protectedMode(f, 3);
    const at = (vector: number) => IDT + vector * 8;
    f.gate(at(0x40), SELECTOR.code, 0x1000, 0x8e);
    f.gate(at(0x41), SELECTOR.code, 0x1000, 0x6e);
    f.gate(at(0x42), SELECTOR.code, 0x1000, 0xe2);
    f.gate(at(0x43), SELECTOR.data, 0x1000, 0xee);
    f.gate(at(0x44), SELECTOR.absent | 3, 0x1000, 0xee);
    f.gate(at(0x45), 0, 0x1000, 0xee);
    f.gate(at(0x46), 0xfff8, 0x1000, 0xee);
    f.core.idtr = { base: BigInt(IDT), limit: 0x50 * 8 - 1 };
    expect(shortly(fire(f, 0x40, "software"))).toBe("#13(514)");
    expect(shortly(fire(f, 0x40, "external"))).toBe("none");
    protectedMode(f, 3);
    f.core.idtr = { base: BigInt(IDT), limit: 0x50 * 8 - 1 };
    expect(shortly(fire(f, 0x41, "software"))).toBe("#11(522)");
    expect(shortly(fire(f, 0x41, "external"))).toBe("#11(523)");
    expect(shortly(fire(f, 0x42, "external"))).toBe("#13(531)");
    expect(shortly(fire(f, 0x43, "software"))).toBe(`#13(${SELECTOR.data})`);
    expect(shortly(fire(f, 0x43, "int1"))).toBe(`#13(${SELECTOR.data + 1})`);
    expect(shortly(fire(f, 0x44, "software"))).toBe(`#13(${SELECTOR.absent})`);
    expect(shortly(fire(f, 0x45, "software"))).toBe("#13(0)");
    expect(shortly(fire(f, 0x46, "fault"))).toBe("#13(65529)");
    expect(shortly(fire(f, 0x50, "external"))).toBe("#13(643)");
  });

  test("bad inner stacks are #TS or #SS of their selector", () => {
    const f = new Fixture();
    const core = protectedMode(f, 3);
    f.gate(IDT + 0x30 * 8, SELECTOR.code, 0x200000, 0xee);
    const withStack = (selector: number) => {
      f.put32(TSS + 8, selector);
      return shortly(fire(f, 0x30, "software"));
    };
    expect(withStack(0)).toBe("#10(0)");
    expect(withStack(SELECTOR.data3)).toBe(`#10(${SELECTOR.data3 & ~3})`);
    expect(withStack(SELECTOR.code)).toBe(`#10(${SELECTOR.code})`);
    expect(withStack(SELECTOR.readOnly)).toBe(`#10(${SELECTOR.readOnly})`);
    f.descriptor(GDT + SELECTOR.absent, 0, 0xfffff, 0x13, 0xc);
    expect(withStack(SELECTOR.absent)).toBe(`#12(${SELECTOR.absent})`);
    f.put32(TSS + 4, 8);
    expect(withStack(SELECTOR.small)).toBe(`#12(${SELECTOR.small})`);
    core.setSegment(SEG.tr, { selector: SELECTOR.tss, base: BigInt(TSS), limit: 8, attributes: 0x8b });
    expect(withStack(SELECTOR.data)).toBe(`#10(${SELECTOR.tss})`);
  });

  test("virtual-8086 mode: the four data segments too, and all of them null in the handler", () => {
    const f = new Fixture();
    const core = protectedMode(f);
    f.gate(IDT + 13 * 8, SELECTOR.code, 0x200000, 0x8e);
    // Into virtual-8086 mode by IRETD.
    const frame = [0x100, 0x2000, FLAG.VM | 0x3202, 0xfff0, 0x3000, 0x11, 0x22, 0x33, 0x44];
    frame.forEach((value, n) => f.put32(0x80000 + n * 4, value));
    expect(f.execute("iret")).toBeNull();
    expect([core.cpl, core.rip, core.selector(SEG.cs), core.segmentBase(SEG.ss), core.rsp]).toEqual([3, 0x100n, 0x2000, 0x30000n, 0xfff0n]);
    expect(core.mode & (MODE.virtual8086 | MODE.codeSize)).toBe(MODE.virtual8086);
    expect(fire(f, 13, "fault", 0)).toBeNull();
    expect(words(f, 0x70000 - 40, 10)).toEqual([0, 0x100, 0x2000, FLAG.VM | FLAG.RF | 0x3202, 0xfff0, 0x3000, 0x11, 0x22, 0x33, 0x44]);
    expect([core.cpl, core.selector(SEG.ds), core.attributes(SEG.gs) & 0x10000, core.eflags & FLAG.VM]).toEqual([0, 0, 0x10000, 0]);
  }); // oxfmt-ignore

  test("INT n in virtual-8086 mode: IOPL, and the redirection bitmap of VME", () => {
    const enter = (iopl: number, cr4: number) => {
      const f = new Fixture();
      const core = protectedMode(f);
      [0x100, 0x2000, FLAG.VM | FLAG.IF | (iopl << 12) | 2, 0xfff0, 0x3000, 0, 0, 0, 0].forEach((value, n) => f.put32(0x80000 + n * 4, value));
      f.execute("iret");
      core.setCr4(cr4);
      f.put16(TSS + 0x66, 0x88);
      core.setSegment(SEG.tr, { selector: SELECTOR.tss, base: BigInt(TSS), limit: 0x200, attributes: 0x8b });
      f.gate(IDT + 0x21 * 8, SELECTOR.code, 0x200000, 0xee);
      f.put16(0x21 * 4, 0x777);
      f.put16(0x21 * 4 + 2, 0x4000);
      core.setSystemFlag(FLAG.VIF, true);
      return f;
    };
    const int = (f: Fixture) => shortly(f.execute("int", { immediate: 0x21n }));
    expect(int(enter(0, 0))).toBe("#13(0)");
    const direct = enter(3, 0);
    expect([int(direct), direct.core.rip, direct.core.cpl]).toEqual(["none", 0x200000n, 0]);
    const redirected = enter(0, 1);
    expect([int(redirected), redirected.core.rip, redirected.core.segmentBase(SEG.cs)]).toEqual(["none", 0x777n, 0x40000n]);
    // IF reads as VIF and IOPL as 3 in the image; VIF is cleared.
    expect(halves(redirected, 0x3ffea, 3)).toEqual([0x102, 0x2000, 0x3202]);
    expect(redirected.core.eflags & (FLAG.VIF | FLAG.IF)).toBe(FLAG.IF);
    const trapped = enter(0, 1);
    trapped.put16(TSS + 0x68 + 4, 0x0002);
    expect(int(trapped)).toBe("#13(0)");
  }); // oxfmt-ignore
});

describe("long mode", () => {
  test("five quadwords on a stack aligned to 16; SS stays on the same level", () => {
    const f = new Fixture();
    const core = longMode(f);
    f.gate(IDT + 14 * 16, SELECTOR.code, 0x200000, 0x8e, 0, 0);
    expect(fire(f, 14, "fault", 2)).toBeNull();
    expect(quads(f, 0x80000 - 48, 6)).toEqual([2n, 0x100000n, BigInt(SELECTOR.code), BigInt(FLAG.RF | 2), 0x80008n, BigInt(SELECTOR.data)]);
    expect([core.rsp, core.rip, core.selector(SEG.ss)]).toEqual([0x80000n - 48n, 0x200000n, SELECTOR.data]);
    core.rsp += 8n;
    expect(f.execute("iret", { operandSize: 64 })).toBeNull();
    expect([core.rsp, core.rip]).toEqual([0x80008n, 0x100000n]);
  }); // oxfmt-ignore

  test("an inner level: RSP from the TSS and a null SS; IST overrides it", () => {
    for (const ist of [0, 1]) {
      const f = new Fixture();
      const core = longMode(f, 3);
      f.gate(IDT + 0x20 * 16, SELECTOR.code, 0x200000, 0x8e, ist, 0);
      expect(fire(f, 0x20, "external")).toBeNull();
      const top = ist === 0 ? 0x70000 : 0x60000;
      expect(core.rsp).toBe(BigInt(top - 40));
      expect(quads(f, top - 40, 5)).toEqual([0x100000n, BigInt(SELECTOR.code3), 2n, 0x80008n, BigInt(SELECTOR.data3)]);
      expect([core.cpl, core.selector(SEG.ss), core.attributes(SEG.ss)]).toEqual([0, 0, 0x10000]);
      expect(f.execute("iret", { operandSize: 64 })).toBeNull();
      expect([core.cpl, core.selector(SEG.ss), core.rsp]).toEqual([3, SELECTOR.data3, 0x80008n]);
    }
  }); // oxfmt-ignore

  test("gates that long mode does not have, and handlers that are not 64-bit, are #GP", () => {
    const f = new Fixture();
    longMode(f);
    f.gate(IDT + 0x20 * 16, SELECTOR.code, 0, 0x85, 0, 0);
    f.gate(IDT + 0x21 * 16, SELECTOR.code16, 0, 0x8e, 0, 0);
    f.gate(IDT + 0x22 * 16, SELECTOR.code, 0, 0x8e, 0, 0x8000);
    expect(shortly(fire(f, 0x20, "external"))).toBe("#13(259)");
    expect(shortly(fire(f, 0x21, "external"))).toBe(`#13(${SELECTOR.code16 + 1})`);
    expect(shortly(fire(f, 0x22, "external"))).toBe("#13(1)");
  });
});

describe("faults during delivery", () => {
  const event = (vector: number, errorCode: number | null, address: bigint | null = null) => ({
    vector, errorCode, kind: "fault" as const, address, why: "test",
  }); // oxfmt-ignore

  test("#GP, then #NP of its gate: a double fault with error code 0", () => {
    const f = new Fixture();
    const core = protectedMode(f);
    f.gate(IDT + 13 * 8, SELECTOR.code, 0x1000, 0x0e);
    f.gate(IDT + 8 * 8, SELECTOR.code, 0x2000, 0x8e);
    expect(deliver(core, event(13, 0))).toBe(true);
    expect(core.rip).toBe(0x2000n);
    // RF is not set for #DF.
    expect(words(f, 0x80000 - 16, 4)).toEqual([0, 0x100000, SELECTOR.code, 2]);
  });

  test("#UD, then #NP: a plain #NP, as #UD is benign", () => {
    const f = new Fixture();
    const core = protectedMode(f);
    f.gate(IDT + 6 * 8, SELECTOR.code, 0x1000, 0x0e);
    f.gate(IDT + 11 * 8, SELECTOR.code, 0x2000, 0x8e);
    expect(deliver(core, event(6, null))).toBe(true);
    expect(core.rip).toBe(0x2000n);
    expect(f.get32(0x80000 - 16)).toBe(6 * 8 + 3);
  });

  test("nothing deliverable: a triple fault with the whole chain, and the state of the first fault", () => {
    const f = new Fixture();
    const core = longMode(f);
    core.idtr = { base: 0x1_0000_0000n, limit: 0xfff };
    core.cr2 = 0x1234n;
    const before = core.u8.slice(0, 0x2a0);
    let reason: unknown = null;
    try {
      deliver(core, event(14, 2, 0xdead000n));
    } catch (halt) {
      reason = (halt as Halt).reason;
    }
    expect(reason).toMatchObject({
      kind: "triple-fault",
      chain: [
        { vector: 14, errorCode: 2, address: 0xdead000n, rip: 0x100000n },
        { vector: 14, errorCode: 0, address: 0x1_0000_00e0n },
        { vector: 8, errorCode: 0 },
        { vector: 14, address: 0x1_0000_0080n },
      ],
    });
    expect(core.u8.slice(0, 0x2a0)).toEqual(before);
  });

  test("a #PF during the delivery of a #PF sets CR2 to its own address and becomes #DF", () => {
    const f = new Fixture();
    const core = longMode(f);
    f.gate(IDT + 8 * 16, SELECTOR.code, 0x300000, 0x8e, 1, 0);
    f.gate(IDT + 14 * 16, SELECTOR.code, 0x300000, 0x8e, 0, 0);
    core.rsp = 0x4000_0000n;
    expect(deliver(core, event(14, 2, 0xdead000n))).toBe(true);
    expect([core.cr2, core.rip, core.rsp]).toEqual([0x3fff_fff8n, 0x300000n, 0x60000n - 48n]);
    expect(TABLES).toBe(0x800000);
  });

  test("a watched exception stops before anything happens, and goes on with resume", () => {
    const f = new Fixture();
    const core = protectedMode(f);
    f.gate(IDT + 14 * 8, SELECTOR.code, 0x2000, 0x8e);
    const heard: CpuEvent[] = [];
    core.watched = WATCH.exception;
    core.report = (reported) => heard.push(reported) > 0;
    const fault = new Fault(VECTOR.PF, 0, "test", 0x5555n);
    expect(deliverFault(core, fault)).toBe(false);
    expect([core.rip, core.cr2, core.rsp]).toEqual([0x100000n, 0n, 0x80000n]);
    expect(heard).toMatchObject([
      { kind: "exception", fault: { vector: 14, address: 0x5555n, rip: 0x100000n } },
    ]);
    expect(deliverFault(core, fault, true)).toBe(true);
    expect([core.rip, core.cr2]).toEqual([0x2000n, 0x5555n]);
  });

  test("INT3 pushes the next instruction; if its gate forbids it, #GP has the instruction itself", () => {
    const f = new Fixture();
    const core = protectedMode(f, 3);
    f.gate(IDT + 3 * 8, SELECTOR.code, 0x2000, 0xee);
    f.gate(IDT + 13 * 8, SELECTOR.code, 0x3000, 0x8e);
    const trap = f.execute("int3", { length: 1 });
    expect(deliverFault(core, trap!)).toBe(true);
    expect([core.rip, f.get32(0x70000 - 20)]).toEqual([0x2000n, 0x100001]);
    protectedMode(f, 3);
    f.gate(IDT + 3 * 8, SELECTOR.code, 0x2000, 0x8e);
    expect(deliverFault(core, f.execute("int3", { length: 1 })!)).toBe(true);
    expect([core.rip, f.get32(0x70000 - 24), f.get32(0x70000 - 20)]).toEqual([0x3000n, 3 * 8 + 2, 0x100000]);
  });

  test("#DB sets DR6 and clears DR7.GD", () => {
    const f = new Fixture();
    const core = protectedMode(f);
    f.gate(IDT + 8, SELECTOR.code, 0x2000, 0x8e);
    core.setDr(7, 0x2400n);
    deliver(core, { vector: 1, errorCode: null, kind: "trap", address: 0x4001n, why: "step" });
    expect([core.dr(6), core.dr(7)]).toEqual([0xffff4ff1n, 0x400n]);
  });
});

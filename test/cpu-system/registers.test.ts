/** Registers, flags, CPUID, MSRs, control registers, ports: what each holds, refuses and says of itself. */
import { describe, expect, test } from "vitest";
import { CR4, FLAG, SHADOW } from "../../emulator/cpu/core.ts";
import { WATCH } from "../../emulator/cpu/event.ts";
import { MODE, RUN, SEG, STATE } from "../../emulator/cpu/layout.ts";
import { cpuid } from "../../emulator/cpu/system/cpuid.ts";
import { GDT, Fixture, longMode, protectedMode, SELECTOR, shortly, TSS } from "./fixture.ts";

describe("flags", () => {
  test("every image of the six lazy flags is kept, with the others", () => {
    const { core } = new Fixture();
    const bits = [FLAG.CF, FLAG.PF, FLAG.AF, FLAG.ZF, FLAG.SF, FLAG.OF];
    for (let n = 0; n < 64; n++) {
      const image = bits.reduce(
        (sum, bit, index) => sum | ((n >> index) & 1 ? bit : 0),
        FLAG.IF | FLAG.DF | 2,
      );
      core.eflags = image;
      expect(core.eflags).toBe(image);
      expect(core.word(STATE.eflags)).toBe(FLAG.IF | FLAG.DF | 2);
    }
  });

  test("a lazy result gives the flags of an addition", () => {
    const { core } = new Fixture();
    // 8-bit 0x7f + 1: result 80h sign-extended, carries out of bits 3 and 6 only.
    core.setQuad(STATE.lazyResult, BigInt.asUintN(64, -0x80n));
    core.setWord(STATE.lazyAux, 0x40000008);
    expect(core.eflags & (FLAG.CF | FLAG.PF | FLAG.AF | FLAG.ZF | FLAG.SF | FLAG.OF)).toBe(
      FLAG.AF | FLAG.SF | FLAG.OF,
    );
  });

  test("PUSHF and POPF by level and IOPL", () => {
    const f = new Fixture();
    const popf = (cpl: 0 | 3, before: number, image: number, operandSize: 16 | 32 = 32) => {
      const core = protectedMode(f, cpl);
      core.eflags = before | 2;
      core.rsp = 0x7fff0n;
      f.put32(0x7fff0, image);
      return [shortly(f.execute("popf", { operandSize })), core.eflags & ~2];
    };
    const everything = 0x3f7fd5;
    expect(popf(0, 0, everything)).toEqual(["none", everything & ~(FLAG.VM | FLAG.RF | FLAG.VIF | FLAG.VIP)]);
    expect(popf(3, 0, FLAG.IF | FLAG.IOPL | FLAG.DF)).toEqual(["none", FLAG.DF]);
    expect(popf(3, FLAG.IOPL, FLAG.IF)).toEqual(["none", FLAG.IF | FLAG.IOPL]);
    expect(popf(0, FLAG.AC | FLAG.ID, 0, 16)).toEqual(["none", FLAG.AC | FLAG.ID]);
    const core = protectedMode(f);
    core.eflags = FLAG.RF | FLAG.CF | 2;
    f.execute("pushf");
    expect([f.get32(0x7fffc), core.rsp]).toEqual([3, 0x7fffcn]);
  });

  test("CLI and STI: privilege, PVI, the shadow", () => {
    const f = new Fixture();
    const core = protectedMode(f, 3);
    expect(shortly(f.execute("cli"))).toBe("#13(0)");
    core.setCr4(CR4.PVI);
    expect(shortly(f.execute("sti"))).toBe("none");
    expect(core.eflags & (FLAG.VIF | FLAG.IF)).toBe(FLAG.VIF);
    core.setSystemFlag(FLAG.VIP, true);
    expect(shortly(f.execute("sti"))).toBe("#13(0)");
    protectedMode(f);
    core.shadow = 0;
    f.execute("sti");
    expect([core.eflags & FLAG.IF, core.shadow]).toEqual([FLAG.IF, SHADOW.interrupts]);
    core.shadow = 0;
    f.execute("sti");
    expect(core.shadow).toBe(0);
  });
});

describe("reset", () => {
  test("power-on state of SDM 3A table 9-1", () => {
    const { core } = new Fixture();
    expect([core.rip, core.selector(SEG.cs), core.segmentBase(SEG.cs), core.eflags, core.cr0, core.gpr32(2)]).toEqual([
      0xfff0n, 0xf000, 0xffff0000n, 2, 0x60000010, 0x6fb,
    ]);
    expect([core.dr(6), core.dr(7), core.mode, core.cpl]).toEqual([0xffff0ff0n, 0x400n, 0, 0]);
  }); // oxfmt-ignore

  test("INIT keeps MSRs, x87 and the cache bits", () => {
    const f = new Fixture();
    const { core } = f;
    core.setMsr(0x277, 0x0007010600070106n);
    core.setCr0(0x40000011);
    core.setGpr(3, 5n);
    core.reset("init");
    expect([core.msr(0x277), core.cr0, core.gpr(3)]).toEqual([0x0007010600070106n, 0x40000010, 0n]);
  });
});

describe("CPUID", () => {
  test("vendor, widths, TSC frequency, and leaves beyond the last", () => {
    const f = new Fixture();
    const text = (...words: number[]) => words.map((word) => String.fromCharCode(word & 255, (word >> 8) & 255, (word >> 16) & 255, word >>> 24)).join("");
    const [, ebx, ecx, edx] = cpuid(f.core, 0, 0);
    expect(text(ebx, edx, ecx)).toBe("GenuineIntel");
    expect(cpuid(f.core, 0x80000008, 0)[0]).toBe(0x3928);
    expect(cpuid(f.core, 0x15, 0)).toEqual([1, 1, 1_000_000_000, 0]);
    expect(cpuid(f.core, 0x12345, 0)).toEqual(cpuid(f.core, 0x16, 0));
    const brand = [2, 3, 4].flatMap((n) => [...cpuid(f.core, 0x80000000 + n, 0)]);
    expect(text(...brand).replace(/\0+$/, "")).toBe("Redzone Virtual CPU");
    f.core.setGpr(0, 0xffff_ffff_8000_0008n);
    f.execute("cpuid");
    expect(f.core.gpr(0)).toBe(0x3928n);
  }); // oxfmt-ignore
});

describe("MSRs", () => {
  const wrmsr = (f: Fixture, index: number, value: bigint) => {
    f.core.setGpr(1, BigInt(index));
    f.core.setGpr(0, value & 0xffffffffn);
    f.core.setGpr(2, value >> 32n);
    return shortly(f.execute("wrmsr"));
  };

  test("unknown ones, reserved bits, addresses that are not canonical: #GP", () => {
    const f = new Fixture();
    longMode(f);
    expect(wrmsr(f, 0x12345, 0n)).toBe("#13(0)");
    expect(wrmsr(f, 0xc0000080, 1n << 20n)).toBe("#13(0)");
    expect(wrmsr(f, 0xc0000080, 0x400n)).toBe("#13(0)");
    expect(wrmsr(f, 0xc0000080, 0x901n)).toBe("none");
    expect(f.core.efer).toBe(0xd01);
    expect(wrmsr(f, 0xc0000082, 1n << 47n)).toBe("#13(0)");
    expect(wrmsr(f, 0x277, 0x02n)).toBe("#13(0)");
    expect(wrmsr(f, 0xc0000101, 0xffff_9000_0000_0000n)).toBe("none");
    expect(f.core.segmentBase(SEG.gs)).toBe(0xffff_9000_0000_0000n);
    expect(f.execute("swapgs")).toBeNull();
    expect([f.core.segmentBase(SEG.gs), f.core.quad(STATE.kernelGsBase)]).toEqual([
      0n,
      0xffff_9000_0000_0000n,
    ]);
    protectedMode(f, 3);
    expect(wrmsr(f, 0x10, 0n)).toBe("#13(0)");
  });

  test("the TSC is virtual time from reset on, and can be set", () => {
    const f = new Fixture();
    f.time += 500n;
    f.execute("rdtsc");
    expect(f.core.gpr(0)).toBe(500n);
    expect(wrmsr(f, 0x10, 0x5_0000_0000n)).toBe("none");
    f.time += 7n;
    f.execute("rdtsc");
    expect([f.core.gpr(0), f.core.gpr(2)]).toEqual([7n, 5n]);
    protectedMode(f, 3).setCr4(CR4.TSD);
    expect(shortly(f.execute("rdtsc"))).toBe("#13(0)");
  });
});

describe("system instructions", () => {
  test("what CPL 3 may not do", () => {
    const f = new Fixture();
    protectedMode(f, 3);
    for (const name of ["hlt", "clts", "lgdt", "lidt", "lldt", "ltr", "lmsw", "mov_cr_r", "mov_r_cr", "mov_dr_r", "mov_r_dr", "invlpg", "invd", "wbinvd", "rdmsr", "wrmsr", "cli", "in_dx", "out_dx"])
      expect(shortly(f.execute(name, name.startsWith("mov") || name === "lldt" || name === "ltr" || name === "lmsw" ? { rm: 0 } : {})), name).toBe("#13(0)");
    expect(shortly(f.execute("stac"))).toBe("#6(-)");
    f.core.setCr4(CR4.UMIP);
    for (const name of ["sgdt", "sidt", "sldt", "smsw", "str"]) expect(shortly(f.execute(name)), name).toBe("#13(0)");
  }); // oxfmt-ignore

  test("debug registers: DE, GD, fixed bits", () => {
    const f = new Fixture();
    const core = protectedMode(f);
    core.setGpr(0, 0n);
    f.execute("mov_dr_r", { reg: 7, rm: 0 });
    f.execute("mov_dr_r", { reg: 4, rm: 0 });
    expect([core.dr(6), core.dr(7)]).toEqual([0xffff0ff0n, 0x400n]);
    core.setCr4(CR4.DE);
    expect(shortly(f.execute("mov_r_dr", { reg: 5, rm: 0 }))).toBe("#6(-)");
    core.setDr(7, 0x2400n);
    const fault = f.execute("mov_r_dr", { reg: 0, rm: 0 });
    expect([shortly(fault), fault?.address]).toEqual(["#1(-)", 0x2000n]);
  });

  test("LGDT, SGDT and operand sizes", () => {
    const f = new Fixture();
    const core = protectedMode(f);
    f.put16(0x5000, 0x1234);
    f.put32(0x5002, 0x89abcdef);
    core.effective = 0x5000n;
    expect(f.execute("lgdt", { operandSize: 16 })).toBeNull();
    expect(core.gdtr).toEqual({ base: 0xabcdefn, limit: 0x1234 });
    expect(f.execute("lgdt")).toBeNull();
    core.effective = 0x6000n;
    expect(f.execute("sgdt")).toBeNull();
    expect([f.get16(0x6000), f.get32(0x6002)]).toEqual([0x1234, 0x89abcdef]);
  });

  test("LAR, LSL, VERR, VERW, ARPL", () => {
    const f = new Fixture();
    const core = protectedMode(f, 3);
    const ask = (name: string, selector: number) => {
      core.setGpr(0, BigInt(selector));
      core.setGpr(3, 0xdeadn);
      const fault = f.execute(name, { reg: 3, rm: 0 });
      return fault !== null ? shortly(fault) : (core.eflags & FLAG.ZF) !== 0 ? core.gpr32(3) : null;
    };
    expect(ask("lar", SELECTOR.data3)).toBe(f.get32(GDT + (SELECTOR.data3 & ~3) + 4) & 0xf0ff00);
    expect(ask("lsl", SELECTOR.data3)).toBe(0xffffffff);
    expect(ask("lar", SELECTOR.data)).toBeNull();
    expect(ask("lar", 0)).toBeNull();
    expect(ask("lar", 0xfff8)).toBeNull();
    expect(ask("lar", SELECTOR.conforming)).not.toBeNull();
    expect([ask("verr", SELECTOR.data3), ask("verw", SELECTOR.code3), ask("verw", SELECTOR.data3)]).toEqual([
      0xdead,
      null,
      0xdead,
    ]);
    core.setGpr(0, 0x10n);
    core.setGpr(3, 3n);
    f.execute("arpl", { reg: 3, rm: 0 });
    expect([core.gpr(0), core.eflags & FLAG.ZF]).toEqual([0x13n, FLAG.ZF]);
  });

  test("BOUND", () => {
    const f = new Fixture();
    const core = protectedMode(f);
    f.put32(0x5000, -2 >>> 0);
    f.put32(0x5004, 10);
    core.effective = 0x5000n;
    const bound = (index: number) => {
      core.setGpr32(0, index);
      return shortly(f.execute("bound", { reg: 0 }));
    };
    expect([bound(-2), bound(10), bound(11), bound(-3)]).toEqual(["none", "none", "#5(-)", "#5(-)"]);
  });
});

describe("ports", () => {
  test("IN and OUT by size", () => {
    const f = new Fixture();
    const core = protectedMode(f);
    core.setGpr(0, 0xffff_ffff_ffff_ffffn);
    core.setGpr(2, 0x3f8n);
    f.execute("in_dx_b");
    expect(core.gpr(0)).toBe(0xffff_ffff_ffff_ff78n);
    f.execute("in_dx", { operandSize: 16 });
    expect(core.gpr(0)).toBe(0xffff_ffff_ffff_5678n);
    f.execute("in_imm", { immediate: 0x80n });
    expect(core.gpr(0)).toBe(0x12345678n);
    f.execute("out_imm_b", { immediate: 0xe9n });
    expect(f.ports.at(-1)).toEqual({ port: 0xe9, size: 1, value: 0x78, write: true });
  });

  test("the permission map at CPL 3", () => {
    const f = new Fixture();
    const core = protectedMode(f, 3);
    core.setSegment(SEG.tr, {
      selector: SELECTOR.tss,
      base: BigInt(TSS),
      limit: 0x67 + 0x81,
      attributes: 0x8b,
    });
    f.put16(TSS + 0x66, 0x68);
    const out = (port: number, size: 16 | 32 = 32) => {
      core.setGpr(2, BigInt(port));
      return shortly(f.execute("out_dx", { operandSize: size }));
    };
    f.put16(TSS + 0x68 + 2, 0x0008);
    expect([out(0x10), out(0x13), out(0x14), out(0x12, 16), out(0x11, 16)]).toEqual([
      "#13(0)",
      "#13(0)",
      "none",
      "#13(0)",
      "none",
    ]);
    expect(out(0x408)).toBe("#13(0)");
    core.setSystemFlag(FLAG.IOPL, true);
    expect(out(0x10)).toBe("none");
  });

  test("INS checks its destination before it reads; one iteration moves rDI", () => {
    const f = new Fixture();
    const core = protectedMode(f);
    core.setGpr(7, 0x2000n);
    core.setGpr(2, 0x1f0n);
    core.setSegment(SEG.es, { selector: SELECTOR.small, base: 0x10000n, limit: 0xfff, attributes: 0x4093 });
    expect(shortly(f.execute("insw", { operandSize: 16 }))).toBe("#13(0)");
    expect(f.ports).toEqual([]);
    core.setGpr(7, 0x10n);
    expect(f.execute("insw", { operandSize: 16 })).toBeNull();
    expect([f.get16(0x10010), core.gpr(7)]).toEqual([0x5678, 0x12n]);
    core.setSystemFlag(FLAG.DF, true);
    core.setGpr(6, 0x5000n);
    expect(f.execute("outsb")).toBeNull();
    expect(core.gpr(6)).toBe(0x4fffn);
    expect(core.mode & MODE.protected).toBe(MODE.protected);
  });
});

test("emitted code hears of what it could cause by itself, and of nothing else", () => {
  const { core } = new Fixture();
  const told = (watched: number): number => {
    core.watched = watched;
    return core.word(RUN.watched);
  };
  const own = WATCH.mode | WATCH.privilege;
  const all = Object.values(WATCH).reduce<number>((sum, bit) => sum | bit, 0);
  expect([told(all & ~own), told(WATCH.mode), told(all)]).toEqual([0, WATCH.mode, own]);
  core.awaitsReturn = true;
  expect(told(0)).not.toBe(0);
});

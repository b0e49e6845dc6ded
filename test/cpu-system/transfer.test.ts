/** Far transfers, segment loads, task switches and fast system calls: results and error codes by the pseudo-code of SDM 2. */
import { describe, expect, test } from "vitest";
import { FLAG, SHADOW } from "../../emulator/cpu/core.ts";
import type { Core } from "../../emulator/cpu/core.ts";
import { MODE, SEG, STATE } from "../../emulator/cpu/layout.ts";
import { Fixture, GDT, IDT, LDT, longMode, protectedMode, SELECTOR, shortly, TSS } from "./fixture.ts";

const push32 = (f: Fixture, values: readonly number[]) => {
  f.core.rsp -= BigInt(values.length * 4);
  values.forEach((value, n) => f.put32(Number(f.core.rsp) + n * 4, value));
};
const place = (core: Core) =>
  [core.cpl, core.selector(SEG.cs), core.rip, core.selector(SEG.ss), core.rsp] as const;

describe("segment loads", () => {
  test("MOV to data segments: base, limit, attributes, the accessed bit", () => {
    const f = new Fixture();
    const core = protectedMode(f);
    f.descriptor(GDT + SELECTOR.small, 0x12345678, 0xabcde, 0x92, 0xc);
    core.setGpr(0, BigInt(SELECTOR.small));
    expect(f.execute("mov_sreg", { reg: SEG.es, rm: 0 })).toBeNull();
    expect(core.segment(SEG.es)).toEqual({
      selector: SELECTOR.small,
      base: 0x12345678n,
      limit: 0xabcdefff,
      attributes: 0xc093,
    });
    expect(f.get32(GDT + SELECTOR.small + 4) & 0x100).toBe(0x100);
    expect(core.mode & MODE.flat).toBe(0);
  });

  test("what may not be loaded, with vector and error code", () => {
    const f = new Fixture();
    const load = (cpl: 0 | 3, reg: number, selector: number) => {
      protectedMode(f, cpl).setGpr(0, BigInt(selector));
      return shortly(f.execute("mov_sreg", { reg, rm: 0 }));
    };
    expect(load(0, SEG.ds, 0)).toBe("none");
    expect(load(0, SEG.ds, 0xfff8)).toBe("#13(65528)");
    expect(load(0, SEG.ds, SELECTOR.executeOnly)).toBe(`#13(${SELECTOR.executeOnly})`);
    expect(load(0, SEG.ds, SELECTOR.tss)).toBe(`#13(${SELECTOR.tss})`);
    expect(load(0, SEG.ds, SELECTOR.absent)).toBe(`#11(${SELECTOR.absent})`);
    expect(load(3, SEG.ds, SELECTOR.data)).toBe(`#13(${SELECTOR.data})`);
    expect(load(0, SEG.ds, SELECTOR.data | 3)).toBe(`#13(${SELECTOR.data})`);
    expect(load(3, SEG.ds, SELECTOR.conforming)).toBe("none");
    expect(load(0, SEG.ss, 0)).toBe("#13(0)");
    expect(load(0, SEG.ss, SELECTOR.data3)).toBe(`#13(${SELECTOR.data3 & ~3})`);
    expect(load(0, SEG.ss, SELECTOR.readOnly)).toBe(`#13(${SELECTOR.readOnly})`);
    expect(load(0, SEG.ss, SELECTOR.absent)).toBe(`#12(${SELECTOR.absent})`);
    expect(load(0, SEG.cs, SELECTOR.code)).toBe("#6(-)");
    expect(load(0, SEG.ss, SELECTOR.data)).toBe("none");
    expect(f.core.shadow).toBe(SHADOW.interrupts | SHADOW.debugTraps);
    f.core.setSegment(SEG.ldtr, { selector: 0, base: 0n, limit: 0, attributes: 0x10000 });
    expect(load(0, SEG.ds, 4)).toBe("#13(4)");
  });

  test("LLDT and loads from the LDT", () => {
    const f = new Fixture();
    const core = protectedMode(f);
    f.descriptor(LDT + 8, 0x5000, 0xff, 0x92, 4);
    core.setGpr(0, BigInt(SELECTOR.ldt));
    expect(f.execute("lldt", { rm: 0 })).toBeNull();
    core.setGpr(0, 0x0cn);
    expect(f.execute("mov_sreg", { reg: SEG.fs, rm: 0 })).toBeNull();
    expect(core.segment(SEG.fs)).toMatchObject({ selector: 0x0c, base: 0x5000n, limit: 0xff });
    core.setGpr(0, BigInt(SELECTOR.data));
    expect(shortly(f.execute("lldt", { rm: 0 }))).toBe(`#13(${SELECTOR.data})`);
    core.setGpr(0, BigInt(SELECTOR.tss));
    expect(shortly(f.execute("ltr", { rm: 0 }))).toBe(`#13(${SELECTOR.tss})`);
    core.setGpr(0, BigInt(SELECTOR.tss2));
    expect(shortly(f.execute("ltr", { rm: 0 }))).toBe("none");
    expect((f.get32(GDT + SELECTOR.tss2 + 4) >>> 8) & 15).toBe(11);
  });

  test("limits: expand-up, expand-down, and what a segment may be used for", () => {
    const f = new Fixture();
    const core = protectedMode(f);
    const load = (selector: number) => {
      core.setGpr(0, BigInt(selector));
      f.execute("mov_sreg", { reg: SEG.es, rm: 0 });
    };
    const linear = (offset: number, size: number, access: 0 | 1): string | bigint => {
      try {
        return core.linearOf(SEG.es, BigInt(offset), size, access);
      } catch (fault) {
        return shortly(fault as never);
      }
    };
    load(SELECTOR.small);
    expect([linear(0xffc, 4, 1), linear(0xffd, 4, 1), linear(0xffffffff, 4, 1)]).toEqual([0x10ffcn, "#13(0)", "#13(0)"]);
    load(SELECTOR.down);
    expect([linear(0xfff, 1, 1), linear(0x1000, 4, 1), linear(0xfffffffc, 4, 1), linear(0xfffffffd, 4, 1)]).toEqual([
      "#13(0)", 0x1000n, 0xfffffffcn, "#13(0)",
    ]);
    load(SELECTOR.readOnly);
    expect([linear(0, 4, 0), linear(0, 4, 1)]).toEqual([0n, "#13(0)"]);
    load(SELECTOR.code);
    expect([linear(0, 4, 0), linear(0, 4, 1)]).toEqual([0n, "#13(0)"]);
    load(0);
    expect(linear(0, 1, 0)).toBe("#13(0)");
  }); // oxfmt-ignore
});

describe("far transfers in protected mode", () => {
  test("JMP to code: privilege, presence, limit", () => {
    const f = new Fixture();
    const jump = (cpl: 0 | 3, selector: number, offset = 0x4000) => {
      protectedMode(f, cpl);
      return shortly(f.execute("jmp_far", { immediate2: selector, immediate: BigInt(offset) }));
    };
    expect(jump(0, SELECTOR.code16)).toBe("none");
    expect([f.core.mode & MODE.codeSize, f.core.rip]).toEqual([0, 0x4000n]);
    expect(jump(0, SELECTOR.code16, 0x10000)).toBe("#13(0)");
    expect(jump(0, 0)).toBe("#13(0)");
    expect(jump(0, SELECTOR.data)).toBe(`#13(${SELECTOR.data})`);
    expect(jump(3, SELECTOR.code)).toBe(`#13(${SELECTOR.code})`);
    expect(jump(0, SELECTOR.code3)).toBe(`#13(${SELECTOR.code3 & ~3})`);
    expect(jump(3, SELECTOR.conforming)).toBe("none");
    expect([f.core.cpl, f.core.selector(SEG.cs)]).toEqual([3, SELECTOR.conforming | 3]);
    expect(jump(0, SELECTOR.absentCode)).toBe(`#11(${SELECTOR.absentCode})`);
  });

  test("CALL and RET on one level", () => {
    const f = new Fixture();
    const core = protectedMode(f);
    expect(f.execute("call_far", { immediate2: SELECTOR.code, immediate: 0x4000n, length: 7 })).toBeNull();
    expect([f.get32(0x7fff8), f.get32(0x7fffc), core.rip]).toEqual([0x100007, SELECTOR.code, 0x4000n]);
    core.rsp -= 8n;
    f.put32(0x7fff0, 0x100007);
    f.put32(0x7fff4, SELECTOR.code);
    expect(f.execute("ret_far", { immediate: 8n })).toBeNull();
    expect(place(core)).toEqual([0, SELECTOR.code, 0x100007n, SELECTOR.data, 0x80000n]);
  });

  test("a call gate to an inner level copies its parameters, and RET releases them on both stacks", () => {
    const f = new Fixture();
    const core = protectedMode(f, 3);
    f.gate(GDT + SELECTOR.gate, SELECTOR.code, 0x200000, 0xec, 2);
    push32(f, [0x11111111, 0x22222222]);
    expect(f.execute("call_far", { immediate2: SELECTOR.gate, immediate: 0xdeadn, length: 7 })).toBeNull();
    expect(place(core)).toEqual([0, SELECTOR.code, 0x200000n, SELECTOR.data, 0x70000n - 24n]);
    expect([0, 4, 8, 12, 16, 20].map((n) => f.get32(0x70000 - 24 + n))).toEqual([
      0x100007, SELECTOR.code3, 0x11111111, 0x22222222, 0x7fff8, SELECTOR.data3,
    ]);
    core.setSegment(SEG.ds, { selector: SELECTOR.data, base: 0n, limit: 0xffffffff, attributes: 0xc093 });
    expect(f.execute("ret_far", { immediate: 8n })).toBeNull();
    expect(place(core)).toEqual([3, SELECTOR.code3, 0x100007n, SELECTOR.data3, 0x80000n]);
    // DS had a ring-0 segment: it is null now.
    expect(core.attributes(SEG.ds)).toBe(0x10000);
    expect(core.attributes(SEG.es) & 0x10000).toBe(0);
  }); // oxfmt-ignore

  test("gates that may not be used", () => {
    const f = new Fixture();
    const call = (access: number, target: number = SELECTOR.code, cpl: 0 | 3 = 3) => {
      protectedMode(f, cpl);
      f.gate(GDT + SELECTOR.gate, target, 0x200000, access);
      return shortly(f.execute("call_far", { immediate2: SELECTOR.gate }));
    };
    expect(call(0x8c)).toBe(`#13(${SELECTOR.gate})`);
    expect(call(0x6c)).toBe(`#11(${SELECTOR.gate})`);
    expect(call(0xec, 0)).toBe("#13(0)");
    expect(call(0xec, SELECTOR.data)).toBe(`#13(${SELECTOR.data})`);
    expect(call(0xec, SELECTOR.code3, 0)).toBe(`#13(${SELECTOR.code3 & ~3})`);
    expect(call(0xe4)).toBe("none");
  });

  test("RET does not go inwards", () => {
    const f = new Fixture();
    protectedMode(f, 3);
    push32(f, [0x4000, SELECTOR.code]);
    expect(shortly(f.execute("ret_far"))).toBe(`#13(${SELECTOR.code})`);
    expect(f.core.rsp).toBe(0x7fff8n);
    push32(f, [0x4000, 3]);
    expect(shortly(f.execute("ret_far"))).toBe("#13(0)");
  });

  test("IRET changes only the flags that the level may change", () => {
    const f = new Fixture();
    const all = 0x3f7fd7 & ~(FLAG.VM | FLAG.NT);
    const core = protectedMode(f, 3);
    push32(f, [0x4000, SELECTOR.code3, all]);
    expect(f.execute("iret")).toBeNull();
    expect(core.eflags & ~(FLAG.CF | FLAG.PF | FLAG.AF | FLAG.ZF | FLAG.SF | FLAG.OF)).toBe(
      FLAG.TF | FLAG.DF | FLAG.RF | FLAG.AC | FLAG.ID | 2,
    );
    protectedMode(f).eflags = 2;
    push32(f, [0x4000, SELECTOR.code, all]);
    expect(f.execute("iret")).toBeNull();
    expect(core.eflags).toBe(all);
  });
});

describe("real mode and the way out of it", () => {
  test("far jumps, far calls, and a protected limit kept in real mode", () => {
    const f = new Fixture();
    const { core } = f;
    core.setSegment(SEG.cs, { selector: 0, base: 0n, limit: 0xffff, attributes: 0x9b });
    core.rip = 0x7c00n;
    core.rsp = 0x7000n;
    expect(
      f.execute("call_far", { operandSize: 16, immediate2: 0x1000, immediate: 0x20n, length: 5 }),
    ).toBeNull();
    expect([core.segmentBase(SEG.cs), core.rip, f.get16(0x6ffc), f.get16(0x6ffe)]).toEqual([
      0x10000n,
      0x20n,
      0x7c05,
      0,
    ]);
    core.setSegment(SEG.fs, { selector: 8, base: 0n, limit: 0xffffffff, attributes: 0xc093 });
    core.setGpr(0, 0x40n);
    f.execute("mov_sreg", { reg: SEG.fs, rm: 0 });
    expect(core.segment(SEG.fs)).toMatchObject({ base: 0x400n, limit: 0xffffffff });
    expect(shortly(f.execute("lldt", { rm: 0 }))).toBe("#6(-)");
  });

  test("real → protected → long mode by the instructions a kernel uses", () => {
    const f = new Fixture();
    const setUp = longMode(new Fixture());
    expect(setUp.mode & MODE.codeSize).toBe(2);
    longMode(f);
    const { core } = f;
    core.reset();
    core.gdtr = { base: BigInt(GDT), limit: 0xff };
    const mov = (reg: number, value: bigint) => {
      core.setGpr(1, value);
      return shortly(f.execute("mov_cr_r", { reg, rm: 1 }));
    };
    expect(mov(0, 0x11n)).toBe("none");
    expect([core.cpl, core.mode & MODE.protected]).toEqual([0, MODE.protected]);
    expect(f.execute("jmp_far", { immediate2: SELECTOR.code16, immediate: 0x1000n })).toBeNull();
    expect(mov(4, 0x20n)).toBe("none");
    expect(mov(3, 0x800000n)).toBe("none");
    core.setGpr(1, 0xc0000080n);
    core.setGpr(0, 0x100n);
    core.setGpr(2, 0n);
    expect(f.execute("wrmsr")).toBeNull();
    expect(mov(0, 0x80000011n)).toBe("none");
    expect(core.efer & 0x400).toBe(0x400);
    expect(core.mode & (MODE.long | MODE.codeSize)).toBe(MODE.long);
    expect(f.execute("jmp_far", { immediate2: SELECTOR.code64, immediate: 0x1000n })).toBeNull();
    expect(core.mode & MODE.codeSize).toBe(2);
    // In long mode PAE stays, and so does PG while the code is 64-bit.
    expect(mov(4, 0n)).toBe("#13(0)");
    expect(mov(0, 0x11n)).toBe("#13(0)");
    expect(mov(0, 0x8000001000000011n)).toBe("#13(0)");
    expect(mov(3, 1n << 40n)).toBe("#13(0)");
    expect(mov(4, 1n << 31n)).toBe("#13(0)");
    expect(mov(4, 0x1020n)).toBe("#13(0)");
  });
});

describe("tasks", () => {
  const secondTask = (f: Fixture) => {
    const at = TSS + 0x100;
    f.put32(at + 0x20, 0x300000);
    f.put32(at + 0x24, 2);
    for (let n = 0; n < 8; n++) f.put32(at + 0x28 + n * 4, 0x1000 * (n + 1));
    f.put32(at + 0x38, 0x90000);
    [SELECTOR.data, SELECTOR.code, SELECTOR.data, SELECTOR.data, 0, 0].forEach((selector, n) => f.put32(at + 0x48 + n * 4, selector));
    f.put32(at + 0x60, 0);
    f.put32(at + 0x64, 0x00680000);
    return at;
  }; // oxfmt-ignore

  test("CALL to a TSS nests, IRET comes back", () => {
    const f = new Fixture();
    const core = protectedMode(f);
    const at = secondTask(f);
    core.setGpr(3, 0xb0b0n);
    expect(f.execute("call_far", { immediate2: SELECTOR.tss2, length: 7 })).toBeNull();
    expect(place(core)).toEqual([0, SELECTOR.code, 0x300000n, SELECTOR.data, 0x90000n]);
    expect([core.gpr(0), core.eflags & FLAG.NT, core.selector(SEG.tr), f.get16(at), core.cr0 & 8]).toEqual([
      0x1000n,
      FLAG.NT,
      SELECTOR.tss2,
      SELECTOR.tss,
      8,
    ]);
    expect([f.get32(TSS + 0x20), f.get32(TSS + 0x34)]).toEqual([0x100007, 0xb0b0]);
    expect((f.get32(GDT + SELECTOR.tss2 + 4) >>> 8) & 15).toBe(11);
    expect(f.execute("iret")).toBeNull();
    expect(place(core)).toEqual([0, SELECTOR.code, 0x100007n, SELECTOR.data, 0x80000n]);
    expect([core.gpr(3), core.eflags & FLAG.NT, core.selector(SEG.tr)]).toEqual([0xb0b0n, 0, SELECTOR.tss]);
    expect((f.get32(GDT + SELECTOR.tss2 + 4) >>> 8) & 15).toBe(9);
  });

  test("a task gate pushes the error code on the new stack; bad segments are the new task's #TS", () => {
    const f = new Fixture();
    const core = protectedMode(f);
    const at = secondTask(f);
    f.gate(IDT + 13 * 8, SELECTOR.tss2, 0, 0x85);
    const fault = f.execute("mov_sreg", { reg: SEG.ds, rm: 0 });
    expect(fault).toBeNull();
    expect(f.execute("int", { immediate: 13n })).toBeNull();
    expect([core.rip, core.rsp]).toEqual([0x300000n, 0x90000n]);
    protectedMode(f);
    f.descriptor(GDT + SELECTOR.tss2, TSS + 0x100, 0x67, 0x89, 0);
    secondTask(f);
    f.put32(at + 0x54, SELECTOR.executeOnly);
    const bad = f.execute("jmp_far", { immediate2: SELECTOR.tss2 });
    expect(shortly(bad)).toBe(`#10(${SELECTOR.executeOnly})`);
    expect([(bad as unknown as { rip: bigint }).rip, core.selector(SEG.tr)]).toEqual([
      0x300000n,
      SELECTOR.tss2,
    ]);
    protectedMode(f);
    expect(shortly(f.execute("jmp_far", { immediate2: SELECTOR.tss }))).toBe(`#13(${SELECTOR.tss})`);
  });
});

describe("fast system calls", () => {
  test("SYSCALL and SYSRET", () => {
    const f = new Fixture();
    const core = longMode(f, 3);
    core.setQuad(STATE.star, (0x13n << 48n) | (0x8n << 32n));
    core.setQuad(STATE.lstar, 0xffff_8000_0000_1000n);
    core.setQuad(STATE.fmask, BigInt(FLAG.IF | FLAG.DF));
    expect(shortly(f.execute("syscall"))).toBe("#6(-)");
    core.setEfer(0x501);
    core.eflags = FLAG.IF | FLAG.CF | 2;
    expect(f.execute("syscall")).toBeNull();
    expect(place(core)).toEqual([0, 8, 0xffff_8000_0000_1000n, 0x10, 0x80008n]);
    expect([core.gpr(1), core.gpr(11), core.eflags]).toEqual([
      0x100002n,
      BigInt(FLAG.IF | FLAG.CF | 2),
      FLAG.CF | 2,
    ]);
    expect(f.execute("sysret", { operandSize: 64 })).toBeNull();
    expect(place(core)).toEqual([3, 0x23, 0x100002n, 0x1b, 0x80008n]);
    expect([core.eflags, core.mode & MODE.codeSize]).toEqual([FLAG.IF | FLAG.CF | 2, 2]);
    f.execute("syscall");
    core.setGpr(1, 0x8000_0000_0000n);
    expect(shortly(f.execute("sysret", { operandSize: 64 }))).toBe("#13(0)");
    expect(shortly(f.execute("sysret", { operandSize: 32 }))).toBe("none");
    expect([core.mode & MODE.codeSize, core.selector(SEG.cs), core.rip]).toEqual([1, 0x13, 0n]);
  });

  test("SYSENTER and SYSEXIT", () => {
    const f = new Fixture();
    const core = protectedMode(f, 3);
    expect(shortly(f.execute("sysenter"))).toBe("#13(0)");
    core.setQuad(STATE.sysenterCs, 0x8n);
    core.setQuad(STATE.sysenterEsp, 0x6000n);
    core.setQuad(STATE.sysenterEip, 0x7000n);
    expect(f.execute("sysenter")).toBeNull();
    expect(place(core)).toEqual([0, 8, 0x7000n, 0x10, 0x6000n]);
    core.setGpr(1, 0x80000n);
    core.setGpr(2, 0x100000n);
    expect(f.execute("sysexit")).toBeNull();
    expect(place(core)).toEqual([3, 0x1b, 0x100000n, 0x23, 0x80000n]);
    expect(shortly(f.execute("sysexit"))).toBe("#13(0)");
  });
});

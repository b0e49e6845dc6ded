/** Assembly as people write it: what is below RSP, when it is alive, what pushes over it, and what nobody can follow. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { analyseFunction, type FunctionStack } from "../../debug-adapter/analysis/index.ts";
import { assemble, has } from "./programs.ts";

const one = (body: string): FunctionStack =>
  assemble(`.globl f\n.type f,@function\nf:\n${body}\n.size f,.-f\n`).get("f")!;
/** What is live below RSP before each instruction, in their order. */
function live(stack: FunctionStack): string[] {
  const found: string[] = [];
  for (let at = stack.ranges[0]!.low; at < stack.ranges[0]!.high; at++) {
    if (!stack.reaches(at)) continue;
    const ranges = stack.liveAt(at);
    found.push(ranges === null ? "?" : ranges.map(({ from, to }) => `${from}..${to}`).join(" "));
  }
  return found;
}

describe.skipIf(!has("gcc"))("liveness", () => {
  it("begins with the store and ends with the last read", () => {
    const stack = one("mov %rdi,-8(%rsp)\n nop\n mov -8(%rsp),%rax\n nop\n ret");
    expect(live(stack)).toEqual(["", "-8..0", "-8..0", "", ""]);
    expect(stack).toMatchObject({ redZoneBytes: 8, frameBytes: 8, isLeaf: true });
  });

  it("is of bytes, not of words", () => {
    const stack = one("movq $0,-16(%rsp)\n movzbl -14(%rsp),%eax\n movzwl -12(%rsp),%ecx\n ret");
    expect(live(stack)).toEqual(["", "-14..-13 -12..-10", "-12..-10", ""]);
  });

  it("ends where a byte is stored anew", () => {
    const stack = one("movq $1,-8(%rsp)\n movq $2,-8(%rsp)\n mov -8(%rsp),%rax\n ret");
    expect(live(stack)).toEqual(["", "", "-8..0", ""]);
  });

  it("is on those ways that read it", () => {
    const stack = one(
      "mov %rdi,-8(%rsp)\n test %rsi,%rsi\n je 1f\n mov -8(%rsp),%rax\n ret\n1: xor %eax,%eax\n ret",
    );
    expect(live(stack)).toEqual(["", "-8..0", "-8..0", "-8..0", "", "", ""]);
  });

  it("follows RSP: what is stored below it may be read above it", () => {
    const stack = one("mov %rdi,-8(%rsp)\n sub $8,%rsp\n mov (%rsp),%rax\n add $8,%rsp\n ret");
    expect(live(stack)).toEqual(["", "-8..0", "", "", ""]);
  });

  it("sees what is left below RSP after a pop", () => {
    const stack = one("push %rdi\n pop %rax\n mov -8(%rsp),%rcx\n ret");
    expect(stack.redZoneBytes).toBe(8);
  });

  it("is not known where code cannot be followed", () => {
    const stack = one("mov %rdi,-8(%rsp)\n push %rax\n jmp *(%rsi)\n mov -8(%rsp),%rax\n ret");
    expect(stack.gaps).toMatchObject([{ reason: "indirect jump" }]);
    expect(live(stack).every((each) => each === "?")).toBe(true);
  });
});

describe.skipIf(!has("gcc"))("assembly", () => {
  it("that leaves its frame to RBP, as compilers without optimisation do", () => {
    const stack = one("push %rbp\n mov %rsp,%rbp\n mov %rdi,-24(%rbp)\n mov -24(%rbp),%rax\n pop %rbp\n ret");
    expect(stack).toMatchObject({ redZoneBytes: 24, frameBytes: 16 });
    expect(stack.accesses).toMatchObject([
      { from: -24, by: "rbp", writes: true },
      { from: -24, by: "rbp", reads: true },
    ]);
  });

  it("with a frame of its own has no red zone", () => {
    const stack = one("push %rbp\n mov %rsp,%rbp\n sub $32,%rsp\n mov %rdi,-24(%rbp)\n call g\n leave\n ret");
    expect(stack).toMatchObject({ redZoneBytes: 0, frameBytes: 48, isLeaf: false, isDynamic: false });
  });

  it.each([
    ["push", "mov %rdi,-8(%rsp)\n push %rsi\n pop %rcx\n mov -8(%rsp),%rax\n ret"],
    ["call", "mov %rdi,-8(%rsp)\n call g\n mov -8(%rsp),%rax\n ret"],
  ])("that overwrites its own with a %s", (kind, body) => {
    expect(one(body).overwrites).toMatchObject([{ kind, from: -8, to: 0 }]);
  });

  it("that pushes beside it is right", () => {
    const stack = one("mov %rdi,-24(%rsp)\n push %rsi\n pop %rcx\n mov -24(%rsp),%rax\n ret");
    expect(stack).toMatchObject({ redZoneBytes: 24, overwrites: [] });
  });

  it("that changes stacks goes on from the new one", () => {
    const stack = one("mov %rsp,(%rdi)\n mov %rsi,%rsp\n mov %rax,-8(%rsp)\n pop %rbx\n ret");
    expect(stack).toMatchObject({ redZoneBytes: 8, isDynamic: true });
  });

  it("with probes and barriers below RSP keeps nothing there", () => {
    const stack = one(
      "lock orl $0,-4(%rsp)\n orq $0,-4096(%rsp)\n lea -64(%rsp),%rax\n prefetcht0 -8(%rsp)\n ret",
    );
    expect(stack).toMatchObject({ redZoneBytes: 0, accesses: [] });
  });

  it("of per-CPU data through FS and GS is not of the stack", () => {
    expect(one("mov %gs:-8(%rsp),%rax\n ret").redZoneBytes).toBe(0);
  });

  it("that pops what it calls for its own address", () => {
    expect(one("call 1f\n1: pop %rax\n ret")).toMatchObject({ isLeaf: true, frameBytes: 16, gaps: [] });
  });

  it("that is data is said to be none, and nothing is claimed of it", () => {
    const stack = one("mov %rdi,-8(%rsp)\n .byte 0x06\n ret");
    expect(stack.gaps).toMatchObject([{ reason: "not an instruction" }]);
    expect(stack.redZoneBytes).toBe(0);
  });

  it("without a size reaches to the next label", () => {
    const found = assemble(".globl a\na: mov %rdi,-8(%rsp)\n ret\nb: ret\n");
    expect([...found.keys()]).toEqual(["a", "b"]);
    expect(found.get("a")?.redZoneBytes).toBe(8);
    expect(found.get("b")?.redZoneBytes).toBe(0);
  });
});

it("any bytes are analysed in the end, whatever they are", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 120 }), fc.boolean(), (bytes, is64) => {
      const low = 0x1000n;
      const stack = analyseFunction(
        { name: "f", entry: low, ranges: [{ low, high: low + BigInt(bytes.length) }] },
        {
          bits: is64 ? 64 : 32,
          read: (address, length) => {
            const at = Number(address - low);
            return at >= 0 && at < bytes.length ? bytes.slice(at, at + length) : null;
          },
          neverReturns: () => false,
        },
      );
      expect(stack.redZoneBytes).toBeLessThanOrEqual(128);
      expect(stack.frameBytes).toBeGreaterThan(0);
      for (let at = low; at < low + BigInt(bytes.length); at++) {
        stack.depthAt(at);
        for (const { from, to } of stack.liveAt(at) ?? []) expect(from < to && to <= 0).toBe(true);
      }
    }),
    { numRuns: 300 },
  );
});

/** Vector stores where an access is no plain store: into a page that holds code, and across its edge. */
import { expect, test } from "vitest";
import { CR4 } from "../../emulator/cpu/core.ts";
import { Cpu } from "../../emulator/cpu/cpu.ts";
import { SEG } from "../../emulator/cpu/layout.ts";
import { FlatMemory } from "../oracle/flat-memory.ts";

const PATCHED = 0x1ff8;

/** Real-address mode with flat segments, and `code` at 1000h. */
function machine(code: string): { readonly cpu: Cpu; readonly memory: FlatMemory } {
  const memory = new FlatMemory(16);
  const ports = { readPort: () => 0, writePort: () => undefined };
  const cpu = new Cpu(memory.wasm, memory, ports, { timestamp: () => 0n, random: () => 0n });
  const { core } = cpu;
  core.setCr4(CR4.OSFXSR);
  core.setSegment(SEG.cs, { selector: 0, base: 0n, limit: 0xffff, attributes: 0x9b });
  core.rip = 0x1000n;
  memory.writeBytes(0x1000 as never, Uint8Array.from(Buffer.from(code.replaceAll(" ", ""), "hex")));
  return { cpu, memory };
}

// call 1ff8h; movups [1ff8h], xmm0; call 1ff8h; hlt. At 1ff8h: inc bx; ret.
const CALLS = "e8 f50f 0f1106f81f e8 ed0f f4";

test.each([
  ["movups", CALLS],
  ["movaps", CALLS.replaceAll("0f11", "0f29")],
])("%s over code that has run, across a page's edge: the new code runs, all of it", (name, code) => {
  const { cpu, memory } = machine(code);
  // MOVAPS is aligned, so it stays within the page.
  const at = name === "movaps" ? PATCHED - 8 : PATCHED;
  const moved = Buffer.from(code.replaceAll(" ", ""), "hex");
  moved.writeUInt16LE(at, moved.indexOf(0x06) + 1);
  for (const call of [0, moved.lastIndexOf(0xe8)]) moved.writeUInt16LE(at - 0x1000 - call - 3, call + 1);
  memory.writeBytes(0x1000 as never, Uint8Array.from(moved));
  memory.writeBytes(at as never, Uint8Array.from([0x43, 0xc3]));
  // inc cx, sixteen times less one, ret
  const patch = new Uint8Array(16).fill(0x41);
  patch[15] = 0xc3;
  cpu.core.xmm(0).set(patch);
  cpu.core.setGpr(1, 0n);
  cpu.core.setGpr(3, 0n);
  cpu.core.rsp = 0x8000n;
  expect(cpu.run(1000).kind).toBe("halted");
  expect([cpu.core.gpr16(3), cpu.core.gpr16(1)]).toEqual([1, 15]);
  expect(memory.readBytes(at as never, 16)).toEqual(patch);
});

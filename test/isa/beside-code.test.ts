/** Stores to a page that holds code: beside it they are as fast as any, over it the new code runs, and what was data may become code at any time. */
import { expect, test } from "vitest";
import { physical } from "../../emulator/numbers.ts";
import { CODE, assemble, testProcessor } from "../support/processor.ts";

const COUNTER = CODE + 0x800;
const FUNCTION = CODE + 0x400;
const ROUNDS = 20_000;

function run(source: string) {
  const processor = testProcessor("long");
  processor.load(CODE, assemble(`bits 64\norg ${CODE}\n${source}`));
  const { cpu, memory } = processor;
  let stop = cpu.run(1e6);
  for (let n = 0; n < 10 && stop.kind === "budget"; n++) stop = cpu.run(1e6);
  expect(stop.kind).toBe("halted");
  const word = (address: number) =>
    new DataView(memory.readBytes(physical(address), 4).buffer).getUint32(0, true);
  return { cpu, memory, word };
}

test("a counter on the page of the loop that counts costs no call to TypeScript", () => {
  const { cpu, word } = run(`
    mov ecx, ${ROUNDS}
  again:
    inc dword [rel ${COUNTER}]
    mov [rel ${COUNTER + 126}], cx       ; the last two bytes of a granule
    mov [rel ${COUNTER + 127}], cx       ; across two
    dec ecx
    jnz again
    hlt`);
  expect(word(COUNTER)).toBe(ROUNDS);
  expect(cpu.counters.slowAccesses).toBeLessThan(20);
});

test("what was written as data runs, and what is written over it then runs", () => {
  const { cpu } = run(`
    xor ebx, ebx
    mov ebp, 50
  again:
    ; mov eax, imm32; ret
    mov byte [rel ${FUNCTION}], 0xb8
    mov [rel ${FUNCTION + 1}], ebp
    mov byte [rel ${FUNCTION + 5}], 0xc3
    mov [rel ${COUNTER}], ebp
    call ${FUNCTION}
    add ebx, eax
    mov [rel ${FUNCTION + 1}], dword 1000
    call ${FUNCTION}
    add ebx, eax
    dec ebp
    jnz again
    hlt`);
  expect(cpu.core.gpr(3)).toBe(BigInt(50 * 1000 + (50 * 51) / 2));
});

test("code that runs again after another epoch began is still watched", () => {
  const { memory, cpu, word } = run(`
    inc dword [rel ${COUNTER}]
    inc dword [rel ${COUNTER}]
    hlt`);
  expect(word(COUNTER)).toBe(2);
  const epoch = memory.beginEpoch();
  cpu.core.activity = 0;
  cpu.core.rip = BigInt(CODE);
  expect(cpu.run(100).kind).toBe("halted");
  expect(word(COUNTER)).toBe(4);
  expect([...memory.changedSince(epoch)].map(({ page }) => page)).toContain(CODE / 4096);
});

test("a page that is mapped twice is watched at both places", () => {
  const processor = testProcessor("long");
  const { cpu, memory } = processor;
  // The second gibibyte shows the first one's memory.
  memory.poke(physical(0x2008), new Uint8Array([0x87, 0, 0, 0]));
  const ALIAS = 0x40000000;
  processor.load(
    CODE,
    assemble(`bits 64
    org ${CODE}
    mov ebp, 20
    xor ebx, ebx
  again:
    call ${FUNCTION}
    add ebx, eax
    mov rsi, ${ALIAS + COUNTER}
    mov dword [rsi], 1
    mov rdi, ${ALIAS + FUNCTION + 1}
    inc dword [rdi]
    dec ebp
    jnz again
    hlt`),
  );
  processor.load(FUNCTION, new Uint8Array([0xb8, 0, 0, 0, 0, 0xc3]));
  expect(cpu.run(10_000).kind).toBe("halted");
  expect(cpu.core.gpr(3)).toBe(190n);
});

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

const OLD = CODE + 0x2000;
const OLD_FUNCTIONS = 512;

/** Calls a function in every eighth byte of a page, and then does what `source` says. */
const overOldCode = (source: string) =>
  run(`
    mov rdi, ${OLD}
    mov ecx, ${OLD_FUNCTIONS}
    mov eax, 0xc3                        ; ret
    rep stosq
    mov rbx, ${OLD}
  next:
    call rbx
    add rbx, 8
    cmp rbx, ${OLD + 8 * OLD_FUNCTIONS}
    jne next
    ${source}
    hlt`);

test.each([
  ["rep stosq", 1],
  ["rep stosb", 8],
  ["rep movsd", 2],
])("%s over a page of old code drops it all at once", (instruction, perFunction) => {
  const before = overOldCode("").cpu;
  const { cpu, word } = overOldCode(`
    mov rdi, ${OLD}
    mov rsi, ${COUNTER}
    mov ecx, ${OLD_FUNCTIONS * perFunction}
    xor eax, eax
    ${instruction}`);
  expect(cpu.counters.slowAccesses - before.counters.slowAccesses).toBeLessThan(8);
  expect(cpu.statistics().traces.dropped).toBe(OLD_FUNCTIONS);
  expect(cpu.core.gpr(1)).toBe(0n);
  expect(word(OLD)).toBe(0);
  expect(word(OLD + 4092)).toBe(0);
});

test("a repeated store drops no code before and behind what it overwrites", () => {
  const { cpu, word } = overOldCode(`
    mov rdi, ${OLD + 8 * 100}
    mov ecx, 40
    xor eax, eax
    rep stosd`);
  expect(cpu.statistics().traces.dropped).toBe(20);
  expect([word(OLD + 8 * 99), word(OLD + 8 * 100), word(OLD + 8 * 119), word(OLD + 8 * 120)]).toEqual([
    0xc3, 0, 0, 0xc3,
  ]);
});

test("a repeated store that goes downwards drops what it meets", () => {
  const { cpu, word } = overOldCode(`
    mov rdi, ${OLD + 8 * 119}
    mov ecx, 20
    xor eax, eax
    std
    rep stosq`);
  expect(cpu.statistics().traces.dropped).toBe(20);
  expect([word(OLD + 8 * 99), word(OLD + 8 * 100), word(OLD + 8 * 119), word(OLD + 8 * 120)]).toEqual([
    0xc3, 0, 0, 0xc3,
  ]);
});

test.each([1, 7, 1e6])(
  "a repeated store over itself stops where its own bytes change (%d at once)",
  (slice) => {
    const processor = testProcessor("long");
    const { cpu } = processor;
    const at = 0x80;
    processor.load(
      CODE,
      assemble(`bits 64
    org ${CODE}
    mov rdi, ${CODE}
    mov ecx, 4096
    mov al, 0xf4                         ; hlt
    jmp again
    times ${at} - ($ - $$) nop
  again:
    rep stosb`),
    );
    let instants = 0;
    for (let isHalted = false; !isHalted;) {
      isHalted = cpu.run(slice).kind === "halted";
      instants += cpu.executed;
      expect(instants).toBeLessThan(1000);
    }
    const written = at + 1;
    expect(cpu.core.gpr(7)).toBe(BigInt(CODE + written));
    expect(cpu.core.gpr(1)).toBe(BigInt(4096 - written));
    expect(cpu.core.rip).toBe(BigInt(CODE + written));
    // Four instructions before, and HLT.
    expect(instants).toBe(4 + written + 1);
  },
);

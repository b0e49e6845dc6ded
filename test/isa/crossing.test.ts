/** Instructions that cross a page: they run as fast as others, and what changes on either page, or which page the second is, changes them. */
import { expect, test } from "vitest";
import { CODE, assemble, testProcessor } from "../support/processor.ts";

const PAGE = 0x1000;
/** Of an instruction of five bytes, three are on the second page. */
const CROSSING = CODE + 2 * PAGE - 2;

const quad = (value: number): Uint8Array => {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value), true);
  return bytes;
};

/** The processor after it has come to its HLT. `data`: what else is in memory, by address. */
function run(source: string, data: Readonly<Record<number, Uint8Array>> = {}) {
  const processor = testProcessor("long");
  for (const [address, bytes] of Object.entries(data)) processor.load(Number(address), bytes);
  processor.load(CODE, assemble(`bits 64\norg ${CODE}\n${source}`));
  const { cpu } = processor;
  let stop = cpu.run(1e6);
  for (let n = 0; n < 10 && stop.kind === "budget"; n++) stop = cpu.run(1e6);
  expect(stop.kind).toBe("halted");
  return cpu;
}

/** `mov eax, 0x01020304` across the page, and RET. */
const FUNCTION = `times ${CROSSING - CODE} - ($ - $$) nop\ncrossing: mov eax, 0x01020304\nret`;

test("it runs without a call to TypeScript", () => {
  const cpu = run(`
    mov ecx, 20000
  again:
    call crossing
    add ebx, eax
    dec ecx
    jnz again
    hlt
    ${FUNCTION}`);
  expect(cpu.core.gpr(3)).toBe(BigInt((20_000 * 0x01020304) % 2 ** 32));
  expect(cpu.counters.misses).toBeLessThan(20);
});

test.each([
  ["first", CROSSING + 1, 0],
  ["second", CROSSING + 4, 24],
])("what is stored to its %s page, runs", (_name, address, shift) => {
  const cpu = run(`
    mov ecx, 250
  again:
    mov [rel ${address}], cl
    call crossing
    shr eax, ${shift}
    movzx eax, al
    add ebx, eax
    dec ecx
    jnz again
    hlt
    ${FUNCTION}`);
  expect(cpu.core.gpr(3)).toBe(BigInt((250 * 251) / 2));
});

test("its second page may be another one each time", () => {
  // 1 GiB up: a page table at 4000h, whose first page holds the beginning of the instruction; the second is one or the other of two.
  const linear = 0x40000000;
  const [first, ...seconds] = [CODE + 8 * PAGE, CODE + 9 * PAGE, CODE + 10 * PAGE] as const;
  const cpu = run(
    `
    mov ecx, 1000
  again:
    mov qword [0x4008], ${seconds[0] + 3}
    invlpg [${linear + PAGE}]
    call [rel target]
    add ebx, eax
    call [rel target]
    add ebx, eax
    mov qword [0x4008], ${seconds[1] + 3}
    invlpg [${linear + PAGE}]
    call [rel target]
    add ebx, eax
    dec ecx
    jnz again
    hlt
  target: dq ${linear + PAGE - 2}`,
    {
      0x2008: quad(0x3003),
      0x3000: quad(0x4003),
      0x4000: quad(first + 3),
      [first + PAGE - 2]: Uint8Array.of(0xb8, 0),
      [seconds[0]]: Uint8Array.of(1, 0, 0, 0xc3),
      [seconds[1]]: Uint8Array.of(0, 1, 0, 0xc3),
    },
  );
  expect(cpu.core.gpr(3)).toBe(BigInt(1000 * (2 * 0x100 + 0x10000)));
});

/** Which regions are worth entering. */
import { expect, test } from "vitest";
import { isWorthEntering, mayGrow } from "../../emulator/cpu/translator/worth.ts";
import { planned } from "./planned.ts";

const adds = (count: number): string => "add eax, ebx\n".repeat(count);

test.each([
  ["a return", "ret", false],
  ["a few instructions", `${adds(5)} ret`, false],
  ["many instructions", `${adds(40)} ret`, true],
  ["a few on each of two ways", `test eax, eax\n jz over\n ${adds(3)} ret\n over: ${adds(3)} ret`, false],
  ["many on two ways together", `test eax, eax\n jz over\n ${adds(20)} ret\n over: ${adds(20)} ret`, true],
  ["a loop", "again: dec ecx\n jnz again\n ret", true],
  ["a loop behind something", "nop\n nop\n again: inc eax\n dec ecx\n jnz again\n ret", true],
  ["a call and its return", "call other\n ret\n other: ret", false],
  [
    "a loop that a return closes",
    "again: dec ecx\n jz over\n call other\n jmp again\n over: ret\n other: ret",
    true,
  ],
  ["calling oneself", "dec ecx\n jz over\n call $$\n over: ret", true],
  ["a loop with a call", "again: call other\n dec ecx\n jnz again\n ret\n other: ret", true],
])("%s", (_, source, isWorth) => {
  expect(isWorthEntering(planned(`bits 64\n${source}`))).toBe(isWorth);
});

test.each([
  ["a step of an interpreter", "movzx eax, byte [rsi]\n inc rsi\n jmp [rbx + rax * 8]", true],
  ["a call by a pointer", "mov rdi, rsi\n call [rax]\n pop rbx\n ret", true],
  ["a thunk", "jmp rax", false],
  ["a return", "add eax, ebx\n add eax, ebx\n ret", false],
  ["a jump", "add eax, ebx\n add eax, ebx\n jmp $ + 4000", false],
])("%s may grow: %s", (_, source, grows) => {
  expect(mayGrow(planned(`bits 64\n${source}`))).toBe(grows);
});

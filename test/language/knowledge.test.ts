/**
 * Facts of registers, MSRs, ports, descriptors: consistent in themselves, and as our own machine has them.
 *
 * Elsewhere: instructions (`knowledge-oracle.test.ts`), hovers (`hover.test.ts`).
 */
import { describe, expect, it } from "vitest";
import { decodeDescriptor } from "../../debug-adapter/registers/descriptor.ts";
import { CR0, CR4, EFER } from "../../emulator/index.ts";
import { descriptorOf } from "../../extension/language/server/knowledge/descriptor.ts";
import { valueOf, type Field } from "../../extension/language/server/knowledge/field.ts";
import {
  encodings,
  instruction,
  instructions,
} from "../../extension/language/server/knowledge/instructions.ts";
import { msrOf, msrs } from "../../extension/language/server/knowledge/msr.ts";
import { levelNamed, pageEntryOf } from "../../extension/language/server/knowledge/page-entry.ts";
import { portOf, ports } from "../../extension/language/server/knowledge/port.ts";
import { registerFacts, rflags } from "../../extension/language/server/knowledge/register.ts";
import { open } from "../../extension/language/server/document.ts";
import { random } from "./instruction.ts";

const registers = ["cr0", "cr3", "cr4", "cr8", "dr6", "dr7", "ds"];

it("has fields that do not overlap, the highest first", () => {
  const lists: readonly (readonly [string, readonly Field[]])[] = [
    ...registers.map((name) => [name, registerFacts(name)?.fields ?? []] as const),
    ["rflags", rflags],
    ...msrs.map(({ name, fields }) => [name, fields] as const),
  ];
  for (const [name, fields] of lists) {
    let mask = 0n;
    for (const field of fields) {
      expect(field.high, `${name} ${field.name}`).toBeGreaterThanOrEqual(field.low);
      expect(valueOf(field, mask), `${name} ${field.name} overlaps`).toBe(0n);
      mask |= ((1n << BigInt(field.high - field.low + 1)) - 1n) << BigInt(field.low);
    }
  }
});

it("has the bits of control registers where our processor has them", () => {
  const check = (
    name: string,
    fields: readonly Field[] | undefined,
    bits: Readonly<Record<string, number>>,
  ) => {
    for (const [bit, value] of Object.entries(bits)) {
      const field = fields?.find((one) => one.name === bit);
      expect(field && 2 ** field.low, `${name}.${bit}`).toBe(value);
    }
  };
  check("CR0", registerFacts("cr0")?.fields, CR0);
  check("CR4", registerFacts("cr4")?.fields, CR4);
  check("EFER", msrOf(0xc000_0080n)?.fields, EFER);
});

it("has every MSR and port once", () => {
  expect(new Set(msrs.map(({ number }) => number)).size).toBe(msrs.length);
  expect(new Set(ports.map(({ number }) => number)).size).toBe(ports.length);
  expect(msrOf(0xc000_0082n)?.name).toBe("LSTAR");
  expect(msrOf(0x201n)?.name).toBe("MTRR_PHYSMASK0");
  expect(msrOf(0x1234n)).toBeUndefined();
  expect(portOf(0x2fdn)?.device).toContain("COM2");
  expect(portOf(0x1235n)).toBeUndefined();
});

const seed = Number(process.env["SEED"] ?? "20261122");

it(`decodes descriptors as the debugger does, seed ${seed}`, () => {
  const { next } = random(seed);
  for (let count = 0; count < 500; count += 1) {
    const value = (BigInt(next(2 ** 32)) << 32n) | BigInt(next(2 ** 32));
    const own = descriptorOf(value);
    const other = decodeDescriptor(value, 0n, false);
    if (other.kind !== "segment") {
      continue;
    }
    const place = `0x${value.toString(16)}: ${own.summary} and ${other.text}`;
    expect(own.base, place).toBe(other.base);
    expect(own.limit, place).toBe(BigInt(other.limit));
    expect(own.kind, place).toBe((other.attributes & 8) === 0 ? "data" : "code");
    expect(own.dpl, place).toBe((other.attributes >> 5) & 3);
  }
});

describe("page-table entries", () => {
  it.each([
    [0x83n, 8, 2, "2 MiB page", "P R/W PS"],
    [0x4000_0083n, 8, 3, "1 GiB page", "P R/W PS"],
    [0x40_0083n, 4, 2, "4 MiB page", "P R/W PS"],
    [0x1007n, 8, 4, "page-directory-pointer table", "P R/W U/S"],
    [0x8000_0000_0000_1003n, 8, 1, "4 KiB page", "P R/W NX"],
    [0x81n, 8, 1, "4 KiB page", "P PAT"],
  ] as const)("%s", (value, width, level, target, flags) => {
    const entry = pageEntryOf(value, width, level);
    expect([entry.target, entry.flags.join(" ")]).toEqual([target, flags]);
  });
  it.each([
    ["pml4", 4],
    ["p3_table", 3],
    ["boot_page_directory", 2],
    ["page_directory_pointer_table", 3],
    ["level2_kernel_pgt", 2],
    ["early_top_pgt", null],
    ["page_tables", null],
    ["stack", undefined],
    ["update", undefined],
    ["script", undefined],
  ] as const)("%s is of level %s", (name, level) => {
    expect(levelNamed(name)).toBe(level);
  });
});

describe("instructions", () => {
  it.each([
    ["movzbl", "att", "MOVZX r32, r/m8"],
    ["movabs", "att", "MOV r64, imm64"],
    ["ljmp", "att", "JMP ptr16:32"],
    ["lretq", "att", "RETF"],
    ["jz", "att", "JE rel8"],
    ["cmovnae", "nasm", "CMOVB r32, r/m32"],
    ["cltq", "att", "CDQE"],
    ["fildll", "att", "FILD m64int"],
    ["sal", "nasm", "SHL r/m32, CL"],
    ["retfq", "nasm", "RETF"],
    ["cvtsi2sdq", "att", "CVTSI2SD xmm1, r/m64"],
  ] as const)("%s (%s) is %s", (word, dialect, form) => {
    expect(instruction(word, dialect)?.forms.map(({ text }) => text)).toContain(form);
  });

  it.each([
    ["movzbl", "nasm"],
    ["cltq", "nasm"],
    ["foo", "att"],
    ["stib", "att"],
    ["movq1", "nasm"],
  ] as const)("%s is nothing for %s", (word, dialect) => {
    expect(instruction(word, dialect)).toBeUndefined();
  });

  it("are listed by mode", () => {
    const names = (bits: 16 | 32 | 64, prefix: string) =>
      instructions(bits, "att", prefix).map(({ name }) => name);
    expect(names(64, "push")).not.toContain("pusha");
    expect(names(32, "push")).toContain("pushal");
    expect(names(64, "push")).toContain("pushq");
    expect(names(32, "swap")).toEqual([]);
    expect(names(64, "swap")).toEqual(["swapgs"]);
  });

  it.each([
    ["push %eax", 64, "`PUSH r32` exists only in 16- and 32-bit code."],
    ["mov %rax, %rbx", 32, "`%rax` exists in 64-bit code only."],
    ["mov (%bx), %eax", 64, "`(%bx)`: there are no 16-bit addresses in 64-bit code."],
    ["swapgs", 32, "`swapgs` exists in 64-bit code only."],
    ["pushq $1", 64, "yes"],
    ["mov \\a, %eax", 32, "yes"],
    ["movl lost, stranger, %eax", 32, "unknown"],
  ] as const)("%s in %i-bit code: %s", (text, bits, expected) => {
    const statement = open("file:///a.S", "gas", text).lines[0]?.statements[0];
    const said = statement?.kind === "instruction" ? encodings(statement, bits, "att") : undefined;
    expect(said?.kind === "no" ? said.reason : said?.kind).toBe(expected);
  });
});

/** `x`, `xp` and `print`: memory and values in the formats of QEMU's monitor. */
import { type Core } from "../../emulator/index.ts";
import { decode, LONGEST, type Syntax } from "../disassembly/index.ts";
import { badMonitorCommand } from "../errors.ts";
import { GuestSpace, littleEndian, type Space } from "../memory/space.ts";
import { codeBits } from "../registers/index.ts";
import { SEG } from "../../emulator/index.ts";

export interface DumpFormat {
  readonly count: number;
  readonly letter: "x" | "d" | "u" | "o" | "c" | "i";
  readonly size: 1 | 2 | 4 | 8;
}

const SIZES: { readonly [letter: string]: DumpFormat["size"] } = { b: 1, h: 2, w: 4, g: 8 };

/** What `/4xg` says; parts that are not given keep their last value, as in QEMU. Throws `badMonitorCommand`. */
export function parseDumpFormat(text: string, last: DumpFormat): DumpFormat {
  const match = /^\/(\d*)([a-z]*)$/.exec(text);
  if (match === null) throw badMonitorCommand(`invalid format: '${text}'`);
  let { letter, size } = last;
  for (const found of match[2] ?? "") {
    if ("xduoci".includes(found)) letter = found as DumpFormat["letter"];
    else if (SIZES[found] !== undefined) size = SIZES[found];
    else throw badMonitorCommand(`invalid char in format: '${found}'`);
  }
  const count = match[1] === "" ? 1 : Number(match[1]);
  if (count > 1_000_000) throw badMonitorCommand(`count ${count} is too large`);
  return { count, letter, size };
}

const digits = (letter: DumpFormat["letter"], size: number): number =>
  letter === "o" ? Math.ceil((size * 8) / 3) : letter === "x" ? size * 2 : Math.ceil((size * 8 * 10) / 33);

/** One number in a format, padded as QEMU pads it. */
export function formatNumber(
  value: bigint,
  letter: DumpFormat["letter"],
  size: number,
  isPadded: boolean,
): string {
  const raw = BigInt.asUintN(size * 8, value);
  const width = isPadded ? digits(letter, size) : 0;
  switch (letter) {
    case "o":
      return `0${raw.toString(8)}`.padStart(width);
    case "x":
      return `0x${raw.toString(16).padStart(isPadded ? width : 0, "0")}`;
    case "u":
      return raw.toString().padStart(width);
    case "d":
      // As in QEMU, only 8 bytes have a sign.
      return BigInt.asIntN(64, raw).toString().padStart(width);
    case "c":
      return printable(Number(raw & 0xffn));
    case "i":
      throw badMonitorCommand("format 'i' is for x and xp");
  }
}

function printable(code: number): string {
  const known = { 0x27: "\\'", 0x5c: "\\\\", 0x0a: "\\n", 0x0d: "\\r" }[code];
  if (known !== undefined) return `'${known}'`;
  return code >= 32 && code < 127
    ? `'${String.fromCharCode(code)}'`
    : `'\\x${code.toString(16).padStart(2, "0")}'`;
}

/** `x /fmt` and `xp /fmt`. */
export function dump(
  core: Core,
  space: Space,
  address: bigint,
  { count, letter, size }: DumpFormat,
  syntax: Syntax,
): string {
  const memory = new GuestSpace(core);
  if (letter === "i") return instructions(memory, space, address, count, syntax);
  // Characters are bytes, but QEMU has counted before it noticed.
  const step = letter === "c" ? 1 : size;
  const perLine = size === 1 ? 8 : 16;
  const lines: string[] = [];
  let left = count * size;
  let at = address;
  while (left > 0) {
    const length = Math.min(left, perLine);
    // Physical holes read as all ones, devices answer: `xp` is the way to ask them.
    const { bytes, why } = memory.readUpTo({ space, offset: at }, length, true);
    const start = `${at.toString(16).padStart(16, "0")}:`;
    if (why !== null) {
      lines.push(`${start} Cannot access memory`);
      break;
    }
    const cells: string[] = [];
    for (let i = 0; i < length; i += step) {
      cells.push(formatNumber(littleEndian(bytes.subarray(i, i + step)), letter, step, true));
    }
    lines.push(`${start} ${cells.join(" ")}`);
    at += BigInt(length);
    left -= length;
  }
  return lines.map((line) => `${line}\n`).join("");
}

function instructions(
  memory: GuestSpace,
  space: Space,
  address: bigint,
  count: number,
  syntax: Syntax,
): string {
  const bits = codeBits(memory.core);
  const base = bits === 64 ? 0n : memory.core.segmentBase(SEG.cs);
  const lines: string[] = [];
  let at = address;
  while (lines.length < count) {
    const { bytes } = memory.readUpTo(
      { space, offset: at },
      Math.min((count - lines.length) * LONGEST, 4096),
    );
    if (bytes.length === 0) {
      lines.push(`0x${at.toString(16).padStart(8, "0")}:  Cannot access memory`);
      break;
    }
    const before = lines.length;
    decode(bytes, at, bits, syntax, base, (instruction) => {
      // The last instruction of a chunk may be cut off; the next chunk begins with it.
      const isCut =
        Number(instruction.address - at) + LONGEST > bytes.length &&
        lines.length > before &&
        bytes.length >= LONGEST;
      if (isCut) return false;
      const code = Array.from(instruction.bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
      lines.push(
        `0x${instruction.address.toString(16).padStart(8, "0")}:  ${code.padEnd(24)} ${instruction.text}`,
      );
      address = instruction.address + BigInt(instruction.bytes.length);
      return lines.length < count;
    });
    at = address;
  }
  return lines.map((line) => `${line}\n`).join("");
}

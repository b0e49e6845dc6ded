/** Writes the built chainloader into the emulator, which reads no files: `node media/chainloader/embed.mjs` after `make`. */
import { readFileSync, writeFileSync } from "node:fs";

const image = readFileSync(new URL("chainloader.elf", import.meta.url));
const lines = image.toString("base64").match(/.{1,104}/g) ?? [];
const source = `/**
 * The chainloader's ELF file, from \`media/chainloader/\`: \`node media/chainloader/embed.mjs\` writes this file, and a test compares the two.
 */
const BASE64 = [
${lines.map((line) => `  "${line}",`).join("\n")}
];

/** Decodes base64 without padding rules of any host. */
function decode(lines: readonly string[]): Uint8Array {
  const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const values = new Map(Array.from(digits, (digit, value) => [digit, value]));
  const bytes: number[] = [];
  let bits = 0;
  let count = 0;
  for (const digit of lines.join("")) {
    const value = values.get(digit);
    if (value === undefined) break;
    bits = ((bits << 6) | value) & 0xffff;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes.push((bits >>> count) & 0xff);
  }
  return Uint8Array.from(bytes);
}

let decoded: Uint8Array | null = null;
export function chainloaderImage(): Uint8Array {
  return (decoded ??= decode(BASE64));
}
`;
writeFileSync(new URL("../../emulator/boot/chainloader-image.ts", import.meta.url), source);

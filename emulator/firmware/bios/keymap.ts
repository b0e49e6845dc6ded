/**
 * What a key means to INT 16h: scan code (set 1) to a word, high byte the code that programs see, low byte the character (IBM PS/2 BIOS Interface
 * Technical Reference, keyboard section; US layout). Columns: alone, with Shift, Ctrl, Alt; "-": nothing.
 */
const KEYS = `
01 011b 011b 011b 0100
02 0231 0221 - 7800
03 0332 0340 0300 7900
04 0433 0423 - 7a00
05 0534 0524 - 7b00
06 0635 0625 - 7c00
07 0736 075e 071e 7d00
08 0837 0826 - 7e00
09 0938 092a - 7f00
0a 0a39 0a28 - 8000
0b 0b30 0b29 - 8100
0c 0c2d 0c5f 0c1f 8200
0d 0d3d 0d2b - 8300
0e 0e08 0e08 0e7f 0e00
0f 0f09 0f00 9400 a500
1a 1a5b 1a7b 1a1b 1a00
1b 1b5d 1b7d 1b1d 1b00
1c 1c0d 1c0d 1c0a 1c00
27 273b 273a - 2700
28 2827 2822 - 2800
29 2960 297e - 2900
2b 2b5c 2b7c 2b1c 2b00
33 332c 333c - 3300
34 342e 343e - 3400
35 352f 353f - 3500
37 372a 372a 9600 3700
39 3920 3920 3920 3920
47 4700 4737 7700 -
48 4800 4838 8d00 -
49 4900 4939 8400 -
4a 4a2d 4a2d 8e00 4a00
4b 4b00 4b34 7300 -
4c 4c00 4c35 8f00 -
4d 4d00 4d36 7400 -
4e 4e2b 4e2b 9000 4e00
4f 4f00 4f31 7500 -
50 5000 5032 9100 -
51 5100 5133 7600 -
52 5200 5230 9200 -
53 5300 532e 9300 -
56 565c 567c - -
57 8500 8700 8900 8b00
58 8600 8800 8a00 8c00
e01c e00d e00d e00a a600
e035 e02f e02f 9500 a400
e047 47e0 47e0 77e0 9700
e048 48e0 48e0 8de0 9800
e049 49e0 49e0 84e0 9900
e04b 4be0 4be0 73e0 9b00
e04d 4de0 4de0 74e0 9d00
e04f 4fe0 4fe0 75e0 9f00
e050 50e0 50e0 91e0 a000
e051 51e0 51e0 76e0 a100
e052 52e0 52e0 92e0 a200
e053 53e0 53e0 93e0 a300
`;

/** Rows of letters by the scan code of the first. */
const LETTERS = [
  [0x10, "qwertyuiop"],
  [0x1e, "asdfghjkl"],
  [0x2c, "zxcvbnm"],
] as const;

const F1 = 0x3b;
const F10 = 0x44;

/** Words by modifier; null: nothing. */
export type Meaning = readonly [
  alone: number | null,
  shift: number | null,
  ctrl: number | null,
  alt: number | null,
];

const meanings = new Map<number, Meaning>();
for (const line of KEYS.trim().split("\n")) {
  const [code, ...words] = line.split(" ").map((word) => (word === "-" ? null : Number.parseInt(word, 16)));
  meanings.set(code!, [words[0] ?? null, words[1] ?? null, words[2] ?? null, words[3] ?? null]);
}
for (const [first, row] of LETTERS) {
  for (const [n, letter] of Array.from(row).entries()) {
    const code = first + n;
    const ascii = letter.charCodeAt(0);
    const high = code << 8;
    meanings.set(code, [high | ascii, high | (ascii - 0x20), high | (ascii & 0x1f), high]);
  }
}
for (let code = F1; code <= F10; code++) {
  const n = code - F1;
  meanings.set(code, [code << 8, (0x54 + n) << 8, (0x5e + n) << 8, (0x68 + n) << 8]);
}

/** @param code scan code of a key pressed, with 0xe000 if prefix E0h came before it */
export const meaningOf = (code: number): Meaning | null =>
  meanings.get(code) ?? meanings.get(code & 0xff) ?? null;

export const isLetter = (code: number): boolean =>
  LETTERS.some(([first, row]) => code >= first && code < first + row.length);
/** A key of the number pad whose meaning Num Lock changes. */
export const isKeypad = (code: number): boolean =>
  code >= 0x47 && code <= 0x53 && code !== 0x4a && code !== 0x4e;

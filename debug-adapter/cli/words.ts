/**
 * The small languages of a command line: words as a shell splits them, QEMU's `key=value` lists, its sizes.
 *
 * Invariant: nothing is expanded (no variables, no globs): a pasted command line means what it says.
 */

/** Splits a command line as a POSIX shell would without expansions. A string answer says what is wrong. */
export function splitWords(text: string): readonly string[] | string {
  const words: string[] = [];
  let word: string | null = null;
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!;
    if (c === "'") {
      const end = text.indexOf("'", i + 1);
      if (end < 0) return "a ' is not closed";
      word = (word ?? "") + text.slice(i + 1, end);
      i = end;
    } else if (c === '"') {
      let quoted = "";
      for (i++; i < text.length && text[i] !== '"'; i++) {
        if (text[i] === "\\" && '"\\$`\n'.includes(text[i + 1] ?? "x")) {
          i++;
          if (text[i] !== "\n") quoted += text[i];
        } else quoted += text[i];
      }
      if (i >= text.length) return 'a " is not closed';
      word = (word ?? "") + quoted;
    } else if (c === "\\") {
      const next = text[++i];
      if (next === undefined) return "a backslash ends the line";
      // A backslash before a line break continues the line.
      if (next !== "\n") word = (word ?? "") + next;
    } else if (/\s/.test(c)) {
      if (word !== null) words.push(word);
      word = null;
    } else word = (word ?? "") + c;
  }
  if (word !== null) words.push(word);
  return words;
}

/** Splits at commas; two commas are one that is meant. */
export function splitCommas(text: string): string[] {
  const parts: string[] = [];
  let part = "";
  for (let i = 0; i < text.length; i++) {
    if (text[i] !== ",") part += text[i];
    else if (text[i + 1] === ",") {
      part += ",";
      i++;
    } else {
      parts.push(part);
      part = "";
    }
  }
  return [...parts, part];
}

/** QEMU's option lists: "value,key=value,flag". The first part without "=" is called `first`; other bare words are "on". */
export function keyValues(text: string, first: string): Map<string, string> {
  const values = new Map<string, string>();
  for (const [i, part] of splitCommas(text).entries()) {
    const equals = part.indexOf("=");
    if (equals >= 0) values.set(part.slice(0, equals), part.slice(equals + 1));
    else if (i === 0) values.set(first, part);
    else if (part !== "") values.set(part, "on");
  }
  return values;
}

const UNITS: { readonly [suffix: string]: number } = {
  b: 1,
  k: 2 ** 10,
  m: 2 ** 20,
  g: 2 ** 30,
  t: 2 ** 40,
};

/** A size in bytes as QEMU reads one: "512", "1.5G", "0x100k". `unit` (default 1) is that of a bare number. Null if it is not one. */
export function parseSize(text: string, unit = 1): number | null {
  const match = /^(0x[0-9a-f]+|\d+(?:\.\d+)?)([bkmgt]?)$/i.exec(text.trim());
  if (match === null) return null;
  const factor = match[2] === "" ? unit : UNITS[match[2]!.toLowerCase()]!;
  const bytes = Number(match[1]) * factor;
  return Number.isSafeInteger(Math.floor(bytes)) ? Math.floor(bytes) : null;
}

/** A whole number, decimal or 0x…; null if it is not one. */
export function parseNumber(text: string): number | null {
  if (!/^(0x[0-9a-f]+|\d+)$/i.test(text)) return null;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : null;
}

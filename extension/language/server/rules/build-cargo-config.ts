/**
 * A rule about Cargo's configuration (`.cargo/config.toml`): compiler flags that give a kernel its red zone back.
 *
 * Of TOML only what it needs is read: tables and the strings of `target` and `rustflags`. What is written in another way is not seen.
 * Manual: The Cargo Book, Configuration; The rustc book, Codegen Options, no-redzone.
 */
import { Places, type BuildRule } from "./build-rule.ts";
import type { Extent } from "./build-json.ts";
import type { Finding } from "./rule.ts";

interface Text extends Extent {
  readonly text: string;
}

interface Setting {
  readonly table: string;
  readonly key: string;
  readonly strings: readonly Text[];
}

const TOKEN = /"(?<basic>(?:[^"\\\n]|\\.)*)"|'(?<literal>[^'\n]*)'|#[^\n]*|[[\]\n]/g;
const KEY = /^[ \t]*(?<key>[\w.-]+)[ \t]*=/;
const TABLE = /^[ \t]*\[(?<table>[^[\]]+)\][ \t]*(?:#.*)?$/;
const BARE = /^x86_64-[\w.]+-none/;

/** Settings whose value is a string or an array of strings. */
function settingsIn(text: string): readonly Setting[] {
  const found: Setting[] = [];
  let table = "";
  for (let at = 0; at < text.length;) {
    const end = text.indexOf("\n", at) < 0 ? text.length : text.indexOf("\n", at);
    const line = text.slice(at, end);
    const header = TABLE.exec(line)?.groups?.["table"];
    const key = KEY.exec(line);
    if (header !== undefined) {
      table = header.replaceAll(/["'\s]/g, "");
    }
    if (key?.groups?.["key"] !== undefined) {
      const value = stringsFrom(text, at + key[0].length);
      found.push({ table, key: key.groups["key"], strings: value.strings });
      at = Math.max(value.end, end) + 1;
    } else {
      at = end + 1;
    }
  }
  return found;
}

/** The strings of a value that begins here, up to the line's end outside of brackets. */
function stringsFrom(text: string, from: number): { strings: readonly Text[]; end: number } {
  const strings: Text[] = [];
  let depth = 0;
  TOKEN.lastIndex = from;
  for (let token = TOKEN.exec(text); token; token = TOKEN.exec(text)) {
    const value = token.groups?.["basic"] ?? token.groups?.["literal"];
    if (value !== undefined) {
      strings.push({ text: value, start: token.index, end: token.index + token[0].length });
    } else if (token[0] === "\n" && depth <= 0) {
      return { strings, end: token.index };
    } else if (token[0] === "[") {
      depth += 1;
    } else if (token[0] === "]") {
      depth -= 1;
    }
  }
  return { strings, end: text.length };
}

/** Flags of builds for bare x86-64: of that target's table, or of all builds where it is the only target. */
function flagsIn(text: string): readonly Text[] {
  const settings = settingsIn(text);
  const targets = settings
    .filter(({ table, key }) => table === "build" && key === "target")
    .flatMap(({ strings }) => strings);
  const isBare = targets.length > 0 && targets.every((target) => BARE.test(target.text));
  return settings
    .filter(
      ({ table, key }) =>
        key === "rustflags" && (BARE.test(table.replace(/^target\./, "")) || (table === "build" && isBare)),
    )
    .flatMap(({ strings }) => strings);
}

/** Of several words about it the last wins. */
function* check(text: string): Iterable<Finding> {
  const about = flagsIn(text).flatMap((flag) => {
    const match = /(?<=^|\s|-C)no-redzone(?:=(?<value>\w+))?/.exec(flag.text);
    return match && !flag.text.includes("\\")
      ? [{ flag, offset: flag.start + 1 + match.index, word: match[0], value: match.groups?.["value"] }]
      : [];
  });
  const last = about.at(-1);
  if (last && /^(?:n|no|off|false)$/.test(last.value ?? "")) {
    const places = new Places(text);
    const extent = { start: last.offset, end: last.offset + last.word.length };
    yield {
      ...places.span(extent),
      message: `${last.word} switches the red zone on for a target without operating system: an interrupt in kernel mode overwrites what functions keep below RSP.`,
      fixes: [{ title: "Change it to no-redzone=yes", edits: [places.replace(extent, "no-redzone=yes")] }],
    };
  }
}

const redZone: BuildRule = {
  code: "build-cargo-red-zone",
  files: "cargo-config",
  severity: "warning",
  title: "Flags of Cargo switch the red zone on for bare x86-64",
  explanation: `The target \`x86_64-unknown-none\` has no red zone, because interrupts in kernel mode overwrite it. \`-C no-redzone=no\` takes that back: functions
may again keep data in the 128 bytes below RSP, where the next interrupt pushes its frame.

Leave the flag out, or write

\`\`\`toml
[target.x86_64-unknown-none]
rustflags = ["-C", "no-redzone=yes"]
\`\`\`

*The rustc book, Codegen Options, no-redzone; System V ABI, AMD64 supplement, 3.2.2 The Stack Frame.*`,
  check,
};

export const cargoConfigRules: readonly BuildRule[] = [redZone];

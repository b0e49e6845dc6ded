/**
 * JSON with places: what build files hold, and where in the text each part stands, so that a finding can point at it and a fix can change it.
 *
 * Invariant: strict JSON (RFC 8259). A text that is none has no tree at all: half of a build file would say things that the whole does not.
 */

/** Offsets count UTF-16 units of the text. */
export interface Extent {
  readonly start: number;
  readonly end: number;
}

export type JsonString = Extent & { readonly kind: "string"; readonly value: string };

export type Json = Extent &
  (
    | { readonly kind: "string"; readonly value: string }
    | { readonly kind: "literal"; readonly value: number | boolean | null }
    | { readonly kind: "array"; readonly items: readonly Json[] }
    | { readonly kind: "object"; readonly members: ReadonlyMap<string, Member> }
  );

export interface Member {
  readonly key: JsonString;
  readonly value: Json;
}

/** Deeper than any build file; what is deeper is not read. */
const DEPTH_MAX = 64;

const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  "\\": "\\",
  "/": "/",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
};

export function parseJson(text: string): Json | undefined {
  const reader = new Reader(text);
  const value = reader.value(0);
  return value && reader.isAtEnd() ? value : undefined;
}

/** Where the character `index` of a string's value stands in the text; its closing quote for the length. */
export function offsetIn(text: string, string: JsonString, index: number): number {
  let offset = string.start + 1;
  for (let count = 0; count < index; count += 1) {
    offset += unitLength(text, offset);
  }
  return offset;
}

/** How much of the text one UTF-16 unit of a string's value takes. */
function unitLength(text: string, offset: number): number {
  if (text[offset] !== "\\") {
    return 1;
  }
  return text[offset + 1] === "u" ? 6 : 2;
}

class Reader {
  readonly #text: string;
  #at: number;

  constructor(text: string) {
    this.#text = text;
    // A mark of byte order is no part of JSON, but some tools write one.
    this.#at = text.startsWith("\uFEFF") ? 1 : 0;
  }

  isAtEnd(): boolean {
    this.#space();
    return this.#at === this.#text.length;
  }

  value(depth: number): Json | undefined {
    this.#space();
    switch (depth > DEPTH_MAX ? "" : this.#text.charAt(this.#at)) {
      case '"':
        return this.#string();
      case "[":
        return this.#array(depth);
      case "{":
        return this.#object(depth);
      default:
        return this.#literal();
    }
  }

  #array(depth: number): Json | undefined {
    const start = this.#at;
    const items: Json[] = [];
    const isWhole = this.#list("]", () => {
      const item = this.value(depth + 1);
      if (item) {
        items.push(item);
      }
      return item !== undefined;
    });
    return isWhole ? { kind: "array", start, end: this.#at, items } : undefined;
  }

  #object(depth: number): Json | undefined {
    const start = this.#at;
    const members = new Map<string, Member>();
    const isWhole = this.#list("}", () => {
      this.#space();
      const key = this.#string();
      const value = key && this.#skip(":") ? this.value(depth + 1) : undefined;
      if (key && value) {
        members.set(key.value, { key, value });
      }
      return value !== undefined;
    });
    return isWhole ? { kind: "object", start, end: this.#at, members } : undefined;
  }

  /** What stands between the bracket here and `closing`, divided by commas. */
  #list(closing: "]" | "}", element: () => boolean): boolean {
    this.#at += 1;
    if (this.#skip(closing)) {
      return true;
    }
    do {
      if (!element()) {
        return false;
      }
    } while (this.#skip(","));
    return this.#skip(closing);
  }

  #string(): JsonString | undefined {
    const text = this.#text;
    const start = this.#at;
    if (text[start] !== '"') {
      return undefined;
    }
    let value = "";
    let from = start + 1;
    for (let at = from; at < text.length; at += 1) {
      const unit = text.charCodeAt(at);
      if (unit === 0x22) {
        this.#at = at + 1;
        return { kind: "string", start, end: this.#at, value: value + text.slice(from, at) };
      }
      if (unit < 0x20) {
        return undefined;
      }
      if (unit === 0x5c) {
        const escaped = escapeAt(text, at);
        if (escaped === undefined) {
          return undefined;
        }
        value += text.slice(from, at) + escaped;
        at += unitLength(text, at) - 1;
        from = at + 1;
      }
    }
    return undefined;
  }

  #literal(): Json | undefined {
    const start = this.#at;
    const word = /[-+.\w]*/y;
    word.lastIndex = start;
    const found = word.exec(this.#text)?.[0] ?? "";
    this.#at = start + found.length;
    const place = { kind: "literal", start, end: this.#at } as const;
    switch (found) {
      case "true":
        return { ...place, value: true };
      case "false":
        return { ...place, value: false };
      case "null":
        return { ...place, value: null };
      default:
        return /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?$/.test(found)
          ? { ...place, value: Number(found) }
          : undefined;
    }
  }

  #skip(character: string): boolean {
    this.#space();
    const isThere = this.#text[this.#at] === character;
    this.#at += isThere ? 1 : 0;
    return isThere;
  }

  #space(): void {
    for (; ; this.#at += 1) {
      const unit = this.#text.charCodeAt(this.#at);
      if (unit !== 0x20 && unit !== 0x0a && unit !== 0x0d && unit !== 0x09) {
        return;
      }
    }
  }
}

function escapeAt(text: string, at: number): string | undefined {
  const letter = text[at + 1] ?? "";
  if (letter !== "u") {
    return ESCAPES[letter];
  }
  const digits = text.slice(at + 2, at + 6);
  return /^[\da-fA-F]{4}$/.test(digits) ? String.fromCharCode(Number.parseInt(digits, 16)) : undefined;
}

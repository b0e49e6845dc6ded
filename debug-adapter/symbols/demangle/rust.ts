/**
 * Rust names: the legacy mangling, which borrows C++'s nested names and ends in a hash, and v0 (Rust RFC 2603). Printed without
 * hashes and crate disambiguators, as `rustfilt` and panics do.
 *
 * Invariant: as in `itanium.ts`, the parser moves forward or gives up, and depth and length of what it prints are bounded.
 */
import { Mismatch, TEXT_MAX } from "./node.ts";
import { decodePunycode } from "./punycode.ts";

const DEPTH_MAX = 200;

/** Null if `symbol` is not Rust's. */
export function demangleRust(symbol: string): string | null {
  const legacy = /^_{0,2}ZN(.*17h[0-9a-f]{16})E(?:\.llvm\.[0-9A-F]+|\.[\w.]+)?$/s.exec(symbol);
  if (legacy) return demangleLegacy(legacy[1]!);
  const v0 = /^_{0,2}R([A-Z].*?)(?:\.llvm\.[0-9A-F]+|\.[\w.]+)?$/s.exec(symbol);
  if (!v0) return null;
  try {
    const printer = new V0(v0[1]!);
    printer.path(true);
    // What follows is the crate that instantiated a generic function.
    return printer.output;
  } catch (error) {
    if (error instanceof Mismatch || error instanceof RangeError) return null;
    throw error;
  }
}

const ESCAPES: Readonly<Record<string, string>> = {
  SP: "@",
  BP: "*",
  RF: "&",
  LT: "<",
  GT: ">",
  LP: "(",
  RP: ")",
  C: ",",
};

function demangleLegacy(path: string): string | null {
  const segments: string[] = [];
  for (let at = 0; at < path.length;) {
    const length = /^[0-9]+/.exec(path.slice(at, at + 8))?.[0];
    if (length === undefined) return null;
    at += length.length;
    const segment = path.slice(at, at + Number(length));
    if (segment.length !== Number(length)) return null;
    segments.push(segment);
    at += segment.length;
  }
  // The hash is the last segment.
  return segments.slice(0, -1).map(unescapeLegacy).join("::");
}

function unescapeLegacy(segment: string): string {
  return segment
    .replace(/^_(?=\$)/, "")
    .replace(/\$([A-Za-z0-9]+)\$/g, (whole, code: string) => {
      const known = ESCAPES[code];
      if (known !== undefined) return known;
      const point = /^u([0-9a-f]{1,6})$/.exec(code)?.[1];
      const value = point === undefined ? Number.NaN : Number.parseInt(point, 16);
      return value <= 0x10_ffff ? String.fromCodePoint(value) : whole;
    })
    .replaceAll("..", "::");
}

const BASIC: Readonly<Record<string, string>> = {
  a: "i8",
  b: "bool",
  c: "char",
  d: "f64",
  e: "str",
  f: "f32",
  h: "u8",
  i: "isize",
  j: "usize",
  l: "i32",
  m: "u32",
  n: "i128",
  o: "u128",
  p: "_",
  s: "i16",
  t: "u16",
  u: "()",
  v: "...",
  x: "i64",
  y: "u64",
  z: "!",
};

class V0 {
  readonly #text: string;
  #at = 0;
  #depth = 0;
  #lifetimes = 0;
  #isSilent = false;
  output = "";

  constructor(text: string) {
    this.#text = text;
  }

  #peek(): string {
    return this.#text[this.#at] ?? "";
  }

  #take(): string {
    const char = this.#text[this.#at];
    if (char === undefined) throw new Mismatch();
    this.#at++;
    return char;
  }

  #accept(char: string): boolean {
    if (this.#peek() !== char) return false;
    this.#at++;
    return true;
  }

  #print(piece: string): void {
    if (this.#isSilent) return;
    this.output += piece;
    if (this.output.length > TEXT_MAX) throw new Mismatch();
  }

  #deeper(rule: () => void): void {
    if (++this.#depth > DEPTH_MAX) throw new Mismatch();
    rule();
    this.#depth--;
  }

  /** `_` is 0, `0_` is 1, in base 62. */
  #base62(): number {
    if (this.#accept("_")) return 0;
    let value = 0;
    for (;;) {
      const char = this.#take();
      if (char === "_") return value + 1;
      const digit = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ".indexOf(char);
      if (digit < 0) throw new Mismatch();
      value = value * 62 + digit;
    }
  }

  #optional62(tag: string): number {
    return this.#accept(tag) ? this.#base62() + 1 : 0;
  }

  #identifier(): { readonly name: string; readonly disambiguator: number } {
    const disambiguator = this.#optional62("s");
    const isPunycode = this.#accept("u");
    const digits = /^(?:0|[1-9][0-9]{0,5})/.exec(this.#text.slice(this.#at, this.#at + 6))?.[0];
    if (digits === undefined) throw new Mismatch();
    this.#at += digits.length;
    this.#accept("_");
    const name = this.#text.slice(this.#at, this.#at + Number(digits));
    if (name.length !== Number(digits)) throw new Mismatch();
    this.#at += name.length;
    if (!isPunycode) return { name, disambiguator };
    const decoded = decodePunycode(name.replace(/_(?=[^_]*$)/, "-"));
    return { name: decoded ?? `punycode{${name}}`, disambiguator };
  }

  /** Reads again what an earlier position holds. */
  #backward(rule: () => void): void {
    const start = this.#at - 1;
    const target = this.#base62();
    if (target >= start) throw new Mismatch();
    const after = this.#at;
    this.#at = target;
    this.#deeper(rule);
    this.#at = after;
  }

  path(isValue: boolean): void {
    this.#deeper(() => this.#path(isValue));
  }

  #path(isValue: boolean): void {
    const tag = this.#take();
    switch (tag) {
      case "C":
        this.#print(this.#identifier().name);
        return;
      case "N": {
        const namespace = this.#take();
        if (!/[A-Za-z]/.test(namespace)) throw new Mismatch();
        this.path(isValue);
        const { name, disambiguator } = this.#identifier();
        if (/[A-Z]/.test(namespace)) {
          // Compiler-made: closures, shims.
          const kind = namespace === "C" ? "closure" : namespace === "S" ? "shim" : namespace;
          this.#print(`::{${kind}${name === "" ? "" : `:${name}`}#${disambiguator}}`);
        } else if (name !== "") {
          this.#print(`::${name}`);
        }
        return;
      }
      case "M":
      case "X": {
        // The path of the impl block itself is not shown.
        this.#optional62("s");
        const wasSilent = this.#isSilent;
        this.#isSilent = true;
        this.path(false);
        this.#isSilent = wasSilent;
        this.#print("<");
        this.#type();
        if (tag === "X") {
          this.#print(" as ");
          this.path(false);
        }
        this.#print(">");
        return;
      }
      case "Y":
        this.#print("<");
        this.#type();
        this.#print(" as ");
        this.path(false);
        this.#print(">");
        return;
      case "I":
        this.path(isValue);
        this.#print(isValue ? "::<" : "<");
        this.#list(() => this.#genericArgument());
        this.#print(">");
        return;
      case "B":
        this.#backward(() => this.path(isValue));
        return;
      default:
        throw new Mismatch();
    }
  }

  #list(item: () => void): number {
    let count = 0;
    for (; !this.#accept("E"); count++) {
      if (count > 0) this.#print(", ");
      item();
    }
    return count;
  }

  #genericArgument(): void {
    if (this.#accept("L")) this.#lifetime(this.#base62());
    else if (this.#accept("K")) this.#deeper(() => this.#constant());
    else this.#type();
  }

  #lifetime(index: number): void {
    if (index === 0) {
      this.#print("'_");
      return;
    }
    const depth = this.#lifetimes - index;
    if (depth < 0) throw new Mismatch();
    this.#print(depth < 26 ? `'${String.fromCharCode(97 + depth)}` : `'_${depth}`);
  }

  /** `for<'a, 'b>` around a type. */
  #binder(rule: () => void): void {
    const count = this.#optional62("G");
    if (count > 1000) throw new Mismatch();
    if (count > 0) {
      this.#print("for<");
      for (let i = 0; i < count; i++) {
        if (i > 0) this.#print(", ");
        this.#lifetimes++;
        this.#lifetime(1);
      }
      this.#print("> ");
    }
    rule();
    this.#lifetimes -= count;
  }

  #type(): void {
    this.#deeper(() => this.#typeInside());
  }

  #typeInside(): void {
    const tag = this.#peek();
    const basic = BASIC[tag];
    if (basic !== undefined) {
      this.#at++;
      this.#print(basic);
      return;
    }
    switch (tag) {
      case "R":
      case "Q":
        this.#at++;
        this.#print("&");
        if (this.#accept("L")) {
          const lifetime = this.#base62();
          if (lifetime !== 0) {
            this.#lifetime(lifetime);
            this.#print(" ");
          }
        }
        if (tag === "Q") this.#print("mut ");
        this.#type();
        return;
      case "P":
      case "O":
        this.#at++;
        this.#print(tag === "P" ? "*const " : "*mut ");
        this.#type();
        return;
      case "A":
      case "S":
        this.#at++;
        this.#print("[");
        this.#type();
        if (tag === "A") {
          this.#print("; ");
          this.#deeper(() => this.#constant());
        }
        this.#print("]");
        return;
      case "T": {
        this.#at++;
        this.#print("(");
        if (this.#list(() => this.#type()) === 1) this.#print(",");
        this.#print(")");
        return;
      }
      case "F":
        this.#at++;
        this.#binder(() => this.#function());
        return;
      case "D":
        this.#at++;
        this.#print("dyn ");
        this.#binder(() => this.#dyn());
        return;
      case "B":
        this.#at++;
        this.#backward(() => this.#type());
        return;
      default:
        this.path(false);
    }
  }

  #function(): void {
    if (this.#accept("U")) this.#print("unsafe ");
    if (this.#accept("K")) {
      const abi = this.#accept("C") ? "C" : this.#identifier().name.replaceAll("_", "-");
      this.#print(`extern "${abi}" `);
    }
    this.#print("fn(");
    this.#list(() => this.#type());
    this.#print(")");
    if (this.#accept("u")) return;
    this.#print(" -> ");
    this.#type();
  }

  #dyn(): void {
    for (let count = 0; !this.#accept("E"); count++) {
      if (count > 0) this.#print(" + ");
      this.#dynTrait();
    }
    if (!this.#accept("L")) throw new Mismatch();
    const lifetime = this.#base62();
    if (lifetime !== 0) {
      this.#print(" + ");
      this.#lifetime(lifetime);
    }
  }

  /** A trait with its generic arguments still open, because associated types go into the same brackets. */
  #dynTrait(): void {
    let isOpen = false;
    if (this.#peek() === "I") {
      this.#at++;
      this.path(false);
      this.#print("<");
      this.#list(() => this.#genericArgument());
      isOpen = true;
    } else {
      this.path(false);
    }
    while (this.#accept("p")) {
      this.#print(isOpen ? ", " : "<");
      isOpen = true;
      this.#print(`${this.#identifier().name} = `);
      this.#type();
    }
    if (isOpen) this.#print(">");
  }

  #constant(): void {
    const tag = this.#take();
    if (tag === "p") {
      this.#print("_");
      return;
    }
    if (tag === "B") {
      this.#backward(() => this.#constant());
      return;
    }
    if (tag === "R" && this.#accept("e")) {
      this.#string();
      return;
    }
    const isNegative = this.#accept("n");
    const digits = /^[0-9a-f]*_/.exec(this.#text.slice(this.#at, this.#at + 64))?.[0];
    if (digits === undefined || BASIC[tag] === undefined) throw new Mismatch();
    this.#at += digits.length;
    const value = BigInt(`0x${digits.slice(0, -1) || "0"}`);
    if (tag === "b") this.#print(value === 0n ? "false" : "true");
    else if (tag === "c")
      this.#print(value <= 0x10_ffffn ? `'${String.fromCodePoint(Number(value))}'` : "'?'");
    else this.#print(`${isNegative ? "-" : ""}${value}`);
  }

  #string(): void {
    const digits = /^[0-9a-f]*_/.exec(this.#text.slice(this.#at))?.[0];
    if (digits === undefined) throw new Mismatch();
    this.#at += digits.length;
    const bytes = Uint8Array.from(digits.slice(0, -1).match(/../g) ?? [], (pair) =>
      Number.parseInt(pair, 16),
    );
    this.#print(JSON.stringify(new TextDecoder().decode(bytes)));
  }
}

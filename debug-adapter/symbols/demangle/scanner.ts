/**
 * A position in a mangled name: what the rules of its grammar read with. A rule that finds something else throws `Mismatch`.
 */
import { Mismatch } from "./node.ts";

const DEPTH_MAX = 200;

export class Scanner {
  readonly #text: string;
  #at: number;
  #depth = 0;

  constructor(text: string, at: number) {
    this.#text = text;
    this.#at = at;
  }

  get isDone(): boolean {
    return this.#at >= this.#text.length;
  }

  back(count: number): void {
    this.#at -= count;
  }

  rest(): string {
    return this.#text.slice(this.#at);
  }

  peek(offset = 0): string {
    return this.#text[this.#at + offset] ?? "";
  }

  looking(prefix: string): boolean {
    return this.#text.startsWith(prefix, this.#at);
  }

  accept(prefix: string): boolean {
    if (!this.looking(prefix)) return false;
    this.#at += prefix.length;
    return true;
  }

  expect(prefix: string): void {
    if (!this.accept(prefix)) throw new Mismatch();
  }

  take(count: number): string {
    const taken = this.#text.slice(this.#at, this.#at + count);
    if (taken.length < count) throw new Mismatch();
    this.#at += count;
    return taken;
  }

  match(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text);
    if (!found) throw new Mismatch();
    this.#at += found[0].length;
    return found[0];
  }

  /** Runs a rule a level deeper. */
  deeper<T>(rule: () => T): T {
    if (++this.#depth > DEPTH_MAX) throw new Mismatch();
    try {
      return rule();
    } finally {
      this.#depth--;
    }
  }

  number(): number {
    return Number(this.match(/[0-9]+/y).slice(0, 9));
  }

  /** `[number] _`: 0 for `_`, n + 1 for `n_`. */
  sequence(): number {
    if (this.accept("_")) return 0;
    const value = this.number();
    this.expect("_");
    return value + 1;
  }
}

/**
 * One SMBIOS structure (DSP0134 2.8 §6.1): type, length and handle, a formatted area, then its strings, each with a zero, and a second zero at the end.
 * Strings are numbered from 1; 0 means that there is none.
 */
import { assert } from "../../assert.ts";
import { concat } from "../acpi/aml.ts";

export class Structure {
  readonly #type: number;
  readonly #handle: number;
  readonly #formatted: number[] = [];
  readonly #strings: string[] = [];

  constructor(type: number, handle: number) {
    this.#type = type;
    this.#handle = handle;
  }

  byte(...values: readonly number[]): this {
    for (const value of values) this.#number(value, 1);
    return this;
  }
  word(...values: readonly number[]): this {
    for (const value of values) this.#number(value, 2);
    return this;
  }
  dword(...values: readonly number[]): this {
    for (const value of values) this.#number(value, 4);
    return this;
  }
  qword(...values: readonly number[]): this {
    for (const value of values) this.#number(value, 8);
    return this;
  }
  /** The number of a string, which follows the formatted area. */
  text(value: string): this {
    assert(/^[\x20-\x7e]+$/.test(value), "an SMBIOS string is printable", value);
    const known = this.#strings.indexOf(value);
    if (known < 0) this.#strings.push(value);
    return this.byte(known < 0 ? this.#strings.length : known + 1);
  }

  get bytes(): Uint8Array {
    const tail = this.#strings.length === 0 ? "\0\0" : `${this.#strings.join("\0")}\0\0`;
    const head = [this.#type, this.#formatted.length + 4, this.#handle & 0xff, this.#handle >> 8];
    return concat(
      Uint8Array.from([...head, ...this.#formatted]),
      Uint8Array.from(tail, (character) => character.charCodeAt(0)),
    );
  }

  #number(value: number, size: number): void {
    assert(value >= 0 && value < 256 ** size, "a value of this size", value, size);
    for (let n = 0; n < size; n++) this.#formatted.push(Math.floor(value / 256 ** n) % 256);
  }
}

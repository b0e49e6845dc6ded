/**
 * Multiboot headers that a file lays down: the magic number and what certainly follows it.
 *
 * Invariant: a header is here only where its magic is at the beginning of 32-bit numbers and at least the numbers up to the checksum follow. Their values are
 * known or not, each by itself.
 * Source: Multiboot Specification 0.6.96, 3.1 "OS image format"; Multiboot2 Specification 2.0, 3.1.
 */
import type { SyntaxFile } from "../syntax.ts";
import type { World } from "../world.ts";
import { plus, type Value } from "./constant.ts";
import { dataFrom, type Data, type Datum } from "./data.ts";
import { layoutOf, type Layout, type Place } from "./layout.ts";
import { hereOf, scopeOf, type Scope } from "./scope.ts";
import { surveyOf } from "./survey.ts";

export interface Header {
  readonly version: 1 | 2;
  readonly scope: Scope;
  readonly layout: Layout;
  /** The magic first. Padding between tags is passed. */
  readonly items: readonly Datum[];
  readonly ending: Data["ending"];
}

export const magics = { 1: 0x1bad_b002n, 2: 0xe852_50d6n } as const;

const found = new WeakMap<Scope, readonly Header[]>();

export function headersOf(file: SyntaxFile, world: World): readonly Header[] {
  const lines = surveyOf(file).linesOf("multiboot");
  if (lines.length === 0) {
    return [];
  }
  const scope = scopeOf(file, world);
  let headers = found.get(scope);
  if (!headers) {
    headers = find(file, scope, lines);
    found.set(scope, headers);
  }
  return headers;
}

function find(file: SyntaxFile, scope: Scope, lines: readonly number[]): readonly Header[] {
  const headers: Header[] = [];
  const longs = new Set(surveyOf(file).linesOf("long"));
  for (const number of new Set([...lines, ...uses(file, lines)])) {
    const line = file.lines[number];
    if (!line || !longs.has(number)) {
      continue;
    }
    const { items, ending } = dataFrom(file, number, 256, "aligned");
    const [magic] = items;
    const version = magic?.line === number ? versionOf(scope, magic) : undefined;
    if (
      version !== undefined &&
      items.length >= version + 2 &&
      items.slice(0, version + 2).every(isLong) &&
      isSmall(items[1], scope)
    ) {
      headers.push({ version, scope, layout: layoutOf(scope), items, ending });
    }
  }
  return headers;
}

/** Flags and architectures are small; a list of known magic numbers is no header. */
function isSmall(item: Datum | undefined, scope: Scope): boolean {
  const number = item && scope.number(item.text, item.line);
  return number === undefined || (number >= 0n && number < 0x20_0000n);
}

function isLong({ width }: Datum): boolean {
  return width === 4;
}

/** Lines that use a name which one of the lines gives the value. */
function uses(file: SyntaxFile, lines: readonly number[]): readonly number[] {
  const names = new Set(
    lines.flatMap((number) =>
      (file.lines[number]?.definitions ?? [])
        .filter(({ value }) => value !== undefined && /1badb002|e85250d6/i.test(value))
        .map(({ name }) => name),
    ),
  );
  if (names.size === 0) {
    return [];
  }
  return surveyOf(file)
    .linesOf("long")
    .filter((number) => file.lines[number]?.references.some(({ name }) => names.has(name)));
}

function versionOf(scope: Scope, { text, line, width }: Datum): 1 | 2 | undefined {
  const number = width === 4 ? scope.number(text, line) : undefined;
  const value = number === undefined ? undefined : BigInt.asUintN(32, number);
  return value === magics[1] ? 1 : value === magics[2] ? 2 : undefined;
}

/** The value of one of its numbers, with 32 bits; undefined where it cannot be counted. */
export function fieldOf({ scope, layout, items }: Header, number: number): bigint | undefined {
  const item = items[number];
  const value = item && layout.number(scope.evaluate(item.text, item.line));
  return value === undefined ? undefined : BigInt.asUintN(32, value);
}

/** The sum of its first numbers, with 32 bits: labels may cancel in it whose places nobody knows. */
export function sumOf({ scope, layout, items }: Header, count: number): bigint | undefined {
  let sum: Value | undefined;
  for (const { text, line } of items.slice(0, count)) {
    const value = scope.evaluate(text, line);
    if (!value) {
      return undefined;
    }
    sum = sum ? plus(sum, value) : value;
  }
  const number = layout.number(sum);
  return number === undefined ? undefined : BigInt.asUintN(32, number);
}

/** Where it lies; undefined behind other data on its line. */
export function placeOf({ layout, items }: Header): Place | undefined {
  const [magic] = items;
  const isFirst = magic && layout.isSingle(magic.line);
  return magic && isFirst === true ? layout.placeOf(hereOf(magic.line)) : undefined;
}

/** Bytes from the magic to one of its numbers; undefined where padding between them is not known. */
export function distanceTo(header: Header, number: number): bigint | undefined {
  const { items, layout } = header;
  const [magic] = items;
  const item = items[number];
  const from = magic && layout.placeOf(hereOf(magic.line));
  const to = item && layout.placeOf(hereOf(item.line));
  if (!magic || !item || !from || !to || from.anchor !== to.anchor) {
    return undefined;
  }
  return to.offset + widthBefore(items, number) - from.offset - widthBefore(items, 0);
}

/** Of the numbers on its line that stand before it. */
function widthBefore(items: readonly Datum[], number: number): bigint {
  const line = items[number]?.line;
  let sum = 0n;
  for (let at = number - 1; at >= 0 && items[at]?.line === line; at -= 1) {
    sum += BigInt(items[at]?.width ?? 0);
  }
  return sum;
}

/** `info mem` and `info tlb` in QEMU's form: what the page tables map, merged by rights or page by page. */
import { pagingMode, type Core } from "../../emulator/index.ts";
import { GuestSpace } from "../memory/space.ts";
import { ENTRY, visitLeaves, type Leaf } from "../memory/walk.ts";

/** Lines that `info tlb` prints at most; a recursive mapping alone can have a million. */
const MAX_LINES = 100_000;

const hex = (value: bigint | number): string => value.toString(16).padStart(16, "0");

export function infoMem(core: Core): string {
  const paging = pagingMode(core);
  if (paging === "off") return "PG disabled\n";
  // QEMU counts through the address space without its hole and makes addresses canonical only when it prints them.
  const width = paging === "5-level" ? 57n : paging === "4-level" ? 48n : 32n;
  const isWide = width > 32n;
  const shown = (address: bigint): string =>
    hex(
      isWide && ((address >> (width - 1n)) & 1n) === 1n
        ? BigInt.asUintN(64, address | (-1n << width))
        : address,
    );
  const lines: string[] = [];
  let start = 0n;
  let end = 0n;
  let rights = "";
  const flush = (): void => {
    if (rights !== "") lines.push(`${shown(start)}-${shown(end)} ${hex(end - start)} ${rights}`);
  };
  visitLeaves(new GuestSpace(core), (leaf) => {
    const address = BigInt.asUintN(Number(width), leaf.linear);
    const here = `${leaf.user ? "u" : "-"}r${leaf.writable ? "w" : "-"}`;
    if (here !== rights || address !== end) {
      flush();
      start = address;
      rights = here;
    }
    end = address + BigInt(leaf.pageBytes);
    return lines.length < MAX_LINES;
  });
  flush();
  return ended(lines);
}

export function infoTlb(core: Core): string {
  if (pagingMode(core) === "off") return "PG disabled\n";
  const lines: string[] = [];
  visitLeaves(new GuestSpace(core), (leaf) => {
    lines.push(`${hex(leaf.linear)}: ${hex(leaf.physical)} ${letters(leaf)}`);
    return lines.length < MAX_LINES;
  });
  return ended(lines);
}

function letters({ entry, level }: Leaf): string {
  // In the last level bit 7 is PAT.
  const isLarge = level === "PTE" ? 0n : ENTRY.large;
  const bits = [
    ["X", ENTRY.noExecute],
    ["G", ENTRY.global],
    ["P", isLarge],
    ["D", ENTRY.dirty],
    ["A", ENTRY.accessed],
    ["C", ENTRY.cacheDisable],
    ["T", ENTRY.writeThrough],
    ["U", ENTRY.user],
    ["W", ENTRY.writable],
  ] as const;
  return bits.map(([letter, mask]) => ((entry & mask) !== 0n ? letter : "-")).join("");
}

function ended(lines: readonly string[]): string {
  const rest =
    lines.length >= MAX_LINES
      ? `… more than ${MAX_LINES} lines; the page tables map themselves or very much\n`
      : "";
  return lines.map((line) => `${line}\n`).join("") + rest;
}

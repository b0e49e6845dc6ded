/** What the analysis found, as the JSON that panels, the editor and `redzone analyse --json` are given. */
import type { FunctionStackBody } from "../../media/protocol.ts";
import { demangle } from "../symbols/index.ts";
import type { FunctionStack } from "./function.ts";

/** A function that fills its red zone has hundreds of accesses; the first show what it is about. */
const ACCESSES_MAX = 32;

const hex = (value: bigint): string => `0x${value.toString(16)}`;

/** @param lineAt source line of an address, null if not known */
export function stackBody(
  stack: FunctionStack,
  lineAt: (address: bigint) => number | null,
): FunctionStackBody {
  const { name, entry, redZoneBytes, frameBytes, isDynamic, isLeaf, gaps, accesses, overwrites } = stack;
  return {
    name: demangle(name)?.name ?? name,
    linkageName: name,
    address: hex(entry),
    redZoneBytes,
    frameBytes,
    isDynamic,
    isLeaf,
    isComplete: gaps.length === 0,
    accesses: [...accesses]
      .sort((a, b) => (a.address < b.address ? -1 : 1))
      .slice(0, ACCESSES_MAX)
      .map(({ address, from, sizeBytes, reads, writes, isExact }) => ({
        address: hex(address),
        from,
        sizeBytes,
        reads,
        writes,
        isExact,
        line: lineAt(address),
      })),
    overwrites: overwrites.map(({ address, kind }) => ({ address: hex(address), kind })),
  };
}

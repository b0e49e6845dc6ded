/**
 * The Variables scope "Boot parameters": Linux's boot_params, as the loader handed them over or as the kernel has copied them.
 *
 * Invariant: shown only while there is a setup header at the place; memory that has been used for something else is not taken for one.
 */
import { decodeBootParams, type BootPlan } from "../../emulator/index.ts";
import { formatReference, type Address, type GuestSpace } from "../memory/space.ts";
import type { SymbolTable } from "../symbols/index.ts";
import { fixed, type Container, type Node } from "../variables/node.ts";

const BYTES = 4096;
const HEADER = 0x202;
const HDRS = [0x48, 0x64, 0x72, 0x53];
const LOADERS: ReadonlySet<string> = new Set(["linux", "linux32", "linux16", "vmlinux"]);

export const isLinux = (plan: BootPlan | null): boolean => plan !== null && LOADERS.has(plan.loader);

/** Null if there are no boot parameters (any more). */
export function bootParameters(
  plan: BootPlan | null,
  space: GuestSpace,
  symbols: SymbolTable,
): Container | null {
  if (plan === null || !isLinux(plan)) return null;
  const copy = symbols.symbolsNamed("boot_params").at(0)?.address;
  const places: Address[] = [
    ...(copy === undefined ? [] : [{ space: "linear", offset: copy } as const]),
    { space: "physical", offset: BigInt(plan.information) },
  ];
  for (const place of places) {
    const { bytes, why } = space.readUpTo(place, BYTES);
    if (why === null && HDRS.every((byte, n) => bytes[HEADER + n] === byte))
      return fixed(() => nodes(bytes, place));
  }
  return null;
}

/** Fields in their groups: "hdr.version" is `version` in `hdr`. */
function nodes(bytes: Uint8Array, place: Address): readonly Node[] {
  const groups = new Map<string, Node[]>();
  const list: Node[] = [];
  for (const { name, offset, sizeBytes, value, text, meaning } of decodeBootParams(bytes)) {
    const at: Address = { space: place.space, offset: place.offset + BigInt(offset) };
    const shown = value === null ? `${sizeBytes} bytes` : `0x${value.toString(16)}`;
    const dot = name.indexOf(".");
    const node: Node = {
      name: dot < 0 ? name : name.slice(dot + 1),
      value: text === "" ? shown : value === null ? text : `${shown} ${text}`,
      type: meaning,
      memoryReference: formatReference(at),
      place: at,
      sizeBytes,
    };
    if (dot < 0) {
      list.push(node);
      continue;
    }
    const group = name.slice(0, dot);
    let members = groups.get(group);
    if (members === undefined) {
      const children: Node[] = [];
      members = children;
      groups.set(group, members);
      list.push({ name: group, value: "", children: fixed(() => children) });
    }
    members.push(node);
  }
  return list;
}

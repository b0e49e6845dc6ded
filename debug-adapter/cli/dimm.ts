/**
 * `-object memory-backend-…` and `-device pc-dimm` as plain data, for the command line and for the monitor's `object_add` and `device_add`: QEMU's properties
 * and its texts, which differ a little between the two.
 *
 * Elsewhere: what is checked beyond one option (`memory.ts`, `emulator/memory/dimm.ts`).
 */
import { isIdentifier, type DimmConfig, type MemoryBackendConfig } from "../../emulator/index.ts";
import { PropertyRefusal, Refusal } from "./refusal.ts";
import { parseSize } from "./words.ts";

type Values = ReadonlyMap<string, string>;
type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** Who asks: QEMU reads its command line and its monitor with different visitors. */
export interface Wording {
  readonly badSize: string;
  readonly unknown: (key: string) => string;
}
export const OPTION: Wording = {
  badSize: "a size value",
  unknown: (key) => `Invalid parameter '${key}'`,
};
export const MONITOR: Wording = { badSize: "size", unknown: (key) => `Parameter '${key}' is unexpected` };

const RAM_PROPERTIES = ["size", "share", "merge", "dump", "prealloc", "reserve", "prealloc-threads", "policy", "host-nodes", "x-use-canonical-path-for-ramblock-id"]; // oxfmt-ignore
const FILE_PROPERTIES = [...RAM_PROPERTIES, "mem-path", "align", "discard-data", "pmem", "readonly"];
const TYPES: { readonly [type: string]: readonly string[] } = {
  "memory-backend-ram": RAM_PROPERTIES,
  "memory-backend-file": FILE_PROPERTIES,
};

export const isMemoryBackend = (type: string): type is MemoryBackendConfig["type"] =>
  Object.hasOwn(TYPES, type);

const NOT_AN_IDENTIFIER =
  "Parameter 'id' expects an identifier\nIdentifiers consist of letters, digits, '-', '.', '_', starting with a letter.";

/** Throws a Refusal in QEMU's words, without the option in front. What the values must be is looked at later: `backendRefusal`. */
export function parseBackend(
  type: MemoryBackendConfig["type"],
  values: Values,
  wording: Wording,
): MemoryBackendConfig {
  const id = required(values, "id");
  if (!isIdentifier(id)) throw new Refusal(NOT_AN_IDENTIFIER);
  const flag = (key: string): boolean | undefined => {
    const value = values.get(key);
    if (value === undefined) return undefined;
    if (/^(?:on|yes|true|y)$/.test(value)) return true;
    if (/^(?:off|no|false|n)$/.test(value)) return false;
    throw new Refusal(`Parameter '${key}' expects 'on' or 'off'`);
  };
  const size = (key: string): number => {
    const bytes = parseSize(required(values, key));
    if (bytes === null) throw new Refusal(`Parameter '${key}' expects ${wording.badSize}`);
    return bytes;
  };
  const sizeBytes = size("size");
  const path = type === "memory-backend-file" ? required(values, "mem-path") : undefined;
  for (const key of values.keys())
    if (key !== "id" && key !== "qom-type" && !TYPES[type]!.includes(key))
      throw new Refusal(wording.unknown(key));
  unsupported(type, values, flag);
  const backend: Writable<MemoryBackendConfig> = { id, type, sizeBytes };
  if (path !== undefined) backend.path = path;
  if (values.has("align")) backend.alignBytes = size("align");
  for (const key of ["share", "merge", "dump", "prealloc", "reserve"] as const) {
    const value = flag(key);
    if (value !== undefined) backend[key] = value;
  }
  return backend;
}

/** What QEMU can do with the host's memory and there is nothing of here. */
function unsupported(type: string, values: Values, flag: (key: string) => boolean | undefined): void {
  const threads = values.get("prealloc-threads");
  if (threads === "0")
    throw new PropertyRefusal(`property 'prealloc-threads' of ${type} doesn't take value '0'`);
  const policy = values.get("policy") ?? "default";
  const nodes = values.get("host-nodes") ?? "";
  if (policy !== "default")
    throw new PropertyRefusal(
      nodes === "" ? `host-nodes must be set for policy ${policy}` : `policy=${policy} is not supported`,
    );
  if (nodes !== "")
    throw new PropertyRefusal(
      "host-nodes must be empty for policy default, or you should explicitly specify a policy other than default",
    );
  for (const key of ["pmem", "readonly", "x-use-canonical-path-for-ramblock-id"])
    if (flag(key) === true) throw new Refusal(`${key}=on is not supported`);
}

const required = (values: Values, key: string): string => {
  const value = values.get(key);
  if (value === undefined) throw new Refusal(`Parameter '${key}' is missing`);
  return value;
};

/** Throws a Refusal in QEMU's words, without the option in front. Where it fits is looked at later: `planDimm`. */
export function parseDimm(values: Values): DimmConfig {
  const dimm: Writable<DimmConfig> = {};
  for (const [key, value] of values) {
    if (key === "driver") continue;
    if (key === "id") {
      if (!isIdentifier(value)) throw new Refusal(NOT_AN_IDENTIFIER);
      dimm.id = value;
    } else if (key === "memdev") dimm.memdev = value;
    else if (key === "addr") dimm.address = integer(key, value, 0, 2 ** 64, "uint64_t");
    else if (key === "slot") dimm.slot = integer(key, value, -(2 ** 31), 2 ** 31, "int32_t");
    else if (key === "node") dimm.node = integer(key, value, 0, 2 ** 32, "uint32_t");
    else if (key === "size") throw new Refusal("Property 'pc-dimm.size' is not writable");
    else if (key === "bus") throw new Refusal(`Bus '${value}' not found`);
    else throw new Refusal(`Property 'pc-dimm.${key}' not found`);
  }
  return dimm;
}

/** Decimal or 0x…, in [least, end). */
function integer(key: string, text: string, least: number, end: number, type: string): number {
  if (!/^-?(?:0x[0-9a-f]+|\d+)$/i.test(text)) throw new Refusal(`Parameter '${key}' expects integer`);
  const value = text.startsWith("-") ? -Number(text.slice(1)) : Number(text);
  if (value < least || value >= end) throw new Refusal(`Parameter '${key}' expects ${type}`);
  return value;
}

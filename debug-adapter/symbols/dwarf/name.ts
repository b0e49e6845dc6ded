/**
 * Names of entries with the namespaces and classes around them.
 */
import { demangle } from "../demangle/index.ts";
import { AT, LANG, TAG } from "./constants.ts";
import { type Entry, NAMESPACES } from "./entry.ts";

const DEPTH_MAX = 32;
// C, in all its years, and assembly: names have no parents there, and a structure's is used with its keyword.
const PLAIN: ReadonlySet<number> = new Set([0x01, 0x02, 0x0c, 0x1d, 0x2c, LANG.Mips_Assembler, 0x0031]);
const RUST: ReadonlySet<number> = new Set([LANG.Rust, LANG.Rust_old]);

export const isPlain = (entry: Entry): boolean => PLAIN.has(entry.unit.language);

/** `outer::inner` for an entry called `inner`; undefined if the entry has no name. */
export function qualifiedName(entry: Entry): string | undefined {
  const named = entry.withAttribute(AT.name);
  const name = named?.name;
  if (!named || name === undefined || isPlain(entry)) return name;
  // The namespace is where the declaration is, at the end of the chain of references.
  let scope: Entry | undefined = named;
  for (let hops = 0; scope && hops < 4; hops++) {
    const further: Entry | undefined = scope.origin;
    if (!further) break;
    scope = further;
  }
  const parts = [name];
  for (let parent = scope?.parent, depth = 0; parent && depth < DEPTH_MAX; parent = parent.parent, depth++) {
    if (parent.tag === TAG.subprogram) {
      const outer = parent.withAttribute(AT.name)?.name;
      if (outer !== undefined) parts.push(outer);
    } else if (NAMESPACES.has(parent.tag)) {
      if (parent.tag === TAG.enumeration_type) continue;
      parts.push(parent.name ?? (parent.tag === TAG.namespace ? "(anonymous namespace)" : "{anonymous}"));
    }
  }
  return parts.reverse().join("::");
}

/** What the linker calls a function or variable; undefined if that is just its name. */
export function linkageName(entry: Entry): string | undefined {
  const carrier = entry.withAttribute(AT.linkage_name) ?? entry.withAttribute(AT.MIPS_linkage_name);
  return carrier?.string(AT.linkage_name) ?? carrier?.string(AT.MIPS_linkage_name);
}

export interface FunctionNames {
  readonly name: string;
  readonly linkageName: string;
  readonly signature: string;
}

/** `symbol` names the function's code in the ELF symbol table: functions local to a unit have no linkage name but that. */
export function functionNames(entry: Entry, symbol: () => string | undefined): FunctionNames {
  const linkage = linkageName(entry) ?? (isPlain(entry) ? undefined : symbol());
  const demangled = linkage === undefined ? null : demangle(linkage);
  // Rust's own path (`<T as Trait>::method`) says more than the namespaces of its debug information (`{impl#3}`).
  const name =
    RUST.has(entry.unit.language) && demangled
      ? demangled.name
      : (qualifiedName(entry) ?? demangled?.name ?? linkage ?? "");
  return { name, linkageName: linkage ?? name, signature: demangled?.signature ?? name };
}

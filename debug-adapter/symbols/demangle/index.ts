/**
 * Names as the linker sees them, turned back into what was written: C++ (Itanium ABI) and Rust (legacy and v0).
 */
import { demangleItanium } from "./itanium.ts";
import { demangleRust } from "./rust.ts";

export interface Demangled {
  /** Without parameters, return type and qualifiers behind the parameters: `net::Socket::open`. */
  readonly name: string;
  /** With parameters, as `c++filt` prints it; for Rust equal to `name`. */
  readonly signature: string;
}

/** Null if `symbol` is no mangled name. Never throws, whatever it is. */
export function demangle(symbol: string): Demangled | null {
  if (symbol.length > 10_000 || !/^_?_?(?:Z|R)/.test(symbol)) return null;
  const rust = demangleRust(symbol);
  if (rust !== null) return { name: rust, signature: rust };
  return demangleItanium(symbol);
}

/**
 * Stores to a page that holds code, but not where they go: in emitted code, without a tag.
 *
 * Invariant: an entry of the page cache says `besideCode` only while CODE_GRANULES has every granule of that page that holds code, or another page's: the
 * memory model voids what it lent when a granule is added.
 * Elsewhere: who marks granules (`traces.ts`, `translator/`), who lends the frame (`page-cache.ts`).
 */
import { FunctionBuilder, get, i32, load, op, ret, when } from "../../wasm/index.ts";
import type { FunctionBody, Node } from "../../wasm/index.ts";
import { CODE_GRANULE_BYTES } from "../../memory/guest-memory.ts";
import { CODE_GRANULES, PAGE_CACHE } from "../layout.ts";

/** besideCode(page cache word, guest-physical page, offset in it, bytes): the host address if the store may be made, else 0. */
export function besideCodeFunction(): FunctionBody {
  const f = new FunctionBuilder("besideCode", { params: ["i32", "i32", "i32", "i32"], result: "i32" });
  const [word, page, offset, bytes] = f.params.map(get) as [Node, Node, Node, Node];
  const number = op("i32.and", page, i32(CODE_GRANULES.entries - 1));
  const entry = f.let(op("i32.shl", number, i32(Math.log2(CODE_GRANULES.entryBytes))));
  const at = (field: number) => load("i32.load", entry, CODE_GRANULES.base + field);
  const other = op("i32.ne", at(CODE_GRANULES.page), page);
  const refused = op("i32.eqz", op("i32.and", word, i32(PAGE_CACHE.besideCode)));
  f.emit(when(op("i32.or", other, refused), [ret(i32(0))]));
  // No access is longer than a granule, so the first and the last byte's are all.
  const granule = (byte: Node) => op("i32.shr_u", byte, i32(Math.log2(CODE_GRANULE_BYTES)));
  const hasCode = (byte: Node) => op("i32.shr_u", at(CODE_GRANULES.granules), granule(byte));
  const last = op("i32.sub", op("i32.add", offset, bytes), i32(1));
  f.emit(when(op("i32.and", op("i32.or", hasCode(offset), hasCode(last)), i32(1)), [ret(i32(0))]));
  f.emit(op("i32.or", op("i32.and", word, i32(-4096)), offset));
  return f.finish();
}

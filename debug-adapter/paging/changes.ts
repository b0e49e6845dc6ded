/** Entries that are different since the last stop, with what they said before. */
import type { TableChange } from "../../media/protocol.ts";
import { BIT, flagNames, KIND, kindOf, targetOf, valueOf, type EntryFormat } from "./entry.ts";
import { hex, hexLinear, hexPage } from "./mode.ts";
import type { PageTree } from "./tree.ts";
import type { View } from "./view.ts";

interface Half {
  readonly lo: number;
  readonly hi: number;
}
interface Decoded extends Half {
  readonly kind: number;
  readonly target: number;
  readonly flags: readonly string[];
}

function decoded(format: EntryFormat, { lo, hi }: Half): Decoded {
  const kind = kindOf(format, lo, hi);
  const isPage = kind === KIND.page;
  return { lo, hi, kind, target: targetOf(format, lo, hi, isPage), flags: flagNames(format, lo, hi, isPage) };
}

/** In the order of linear addresses. A page that is a table at several levels is told once, at the level nearest to the root. */
export function changes(view: View, withAccessed: boolean): readonly TableChange[] {
  const { tree, before } = view;
  const { shape } = tree.paging;
  const found: { readonly linear: number; readonly change: TableChange }[] = [];
  for (const [page, old] of before) {
    const words = tree.words(page);
    if (words === null) continue;
    for (let height = shape.top; height >= 1; height--) {
      const base = tree.placeOf(page, height);
      if (base === null) continue;
      const { entries, pages } = tree.level(height);
      for (let index = 0; index < entries; index++) {
        const was = tree.entry(old, height, index);
        const is = tree.entry(words, height, index);
        if (was.lo === is.lo && was.hi === is.hi) continue;
        const linear = base + index * pages;
        const change = tell(tree, page, height, index, linear, was, is);
        if (change !== null && (withAccessed || change.kind !== "accessed")) found.push({ linear, change });
      }
      break;
    }
  }
  return found.toSorted((a, b) => a.linear - b.linear).map(({ change }) => change);
}

/** Null: neither before nor now was anything there. */
function tell(tree: PageTree, page: number, height: number, index: number, linear: number, was: Half, is: Half): TableChange | null {
  const format = tree.format(height);
  const { name, pages } = tree.level(height);
  const { shape } = tree.paging;
  const before = decoded(format, was);
  const after = decoded(format, is);
  if (before.kind === KIND.absent && after.kind === KIND.absent) return null;
  const differs = [
    ...before.flags.filter((flag) => !after.flags.includes(flag)),
    ...after.flags.filter((flag) => !before.flags.includes(flag)),
  ].filter((flag, i, all) => all.indexOf(flag) === i);
  const moved = before.kind !== KIND.absent && after.kind !== KIND.absent && before.target !== after.target;
  if (moved) differs.push("address");
  // A table's entry has no D; there the bit is software's.
  const quiet = ~(after.kind === KIND.page && before.kind === KIND.page ? BIT.A | BIT.D : BIT.A);
  const isAccessed = was.hi === is.hi && ((was.lo ^ is.lo) & quiet) === 0;
  const kind = before.kind === KIND.absent ? "added" : after.kind === KIND.absent ? "removed" : isAccessed ? "accessed" : "changed";
  return {
    kind,
    level: name,
    address: hex(tree.entryAddress(page, height, index)),
    linear: hexLinear(shape, linear),
    last: hexLinear(shape, linear + pages - 1, 4095),
    before: side(before),
    after: side(after),
    differs,
    text: sentence(kind, before, after, moved),
  };
} // oxfmt-ignore

const side = ({ lo, hi, kind, target, flags }: Decoded): TableChange["before"] => ({
  value: hex(valueOf(lo, hi)),
  flags,
  target: kind === KIND.absent ? null : hexPage(target),
});

const GAINED: readonly (readonly [flag: string, gained: string, lost: string])[] = [
  ["R/W", "writable now", "read-only now"],
  ["U/S", "open to user code now", "the supervisor's now"],
  ["XD", "no longer executable", "executable now"],
  ["PS", "one large page now", "a table of smaller pages now"],
  ["PCD", "uncached now", "cached now"],
  ["G", "global now", "no longer global"],
  ["D", "written to", "marked clean"],
  ["A", "used", "marked unused"],
];

function sentence(kind: TableChange["kind"], before: Decoded, after: Decoded, moved: boolean): string {
  const what = (entry: Decoded): string => (entry.kind === KIND.table ? "the table" : "the page");
  if (kind === "added") return `Maps ${what(after)} at ${hexPage(after.target)} now.`;
  if (kind === "removed") return `No longer maps ${what(before)} at ${hexPage(before.target)}.`;
  const words: string[] = [];
  if (moved) words.push(`points to ${hexPage(after.target)} instead of ${hexPage(before.target)}`);
  if (after.kind === KIND.malformed && before.kind !== KIND.malformed) words.push("malformed now");
  for (const [flag, gained, lost] of GAINED) {
    const had = before.flags.includes(flag);
    const has = after.flags.includes(flag);
    if (had !== has) words.push(has ? gained : lost);
  }
  const text = words.length === 0 ? "bits that software owns are different" : words.join(", ");
  return `${text[0]!.toUpperCase()}${text.slice(1)}.`;
}

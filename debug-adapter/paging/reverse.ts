/**
 * From a physical page to every linear page that maps it.
 *
 * Invariant: a table in which the page is not mapped is left out by what its summary says, or by having been looked through once.
 */
import type { PageTablesReverseBody } from "../../media/protocol.ts";
import { ALL_RIGHTS, effective, KIND, kindOf, rightsOf, targetOf } from "./entry.ts";
import { hex, hexLinear, linearAddress } from "./mode.ts";
import { describeAddress, type Naming } from "./name.ts";
import type { View } from "./view.ts";

type Mapping = PageTablesReverseBody["mappings"][number];

/** `physical` is an address. */
export function reverse(view: View, naming: Naming, physical: number, limit: number): PageTablesReverseBody {
  const { tree } = view;
  const { shape, controls, root } = tree.paging;
  const wanted = Math.floor(physical / 4096);
  const offset = physical % 4096;
  const mappings: Mapping[] = [];
  const counts = new Map<number, number>();

  /** How often a table maps the page. */
  const count = (page: number, height: number): number => {
    const { lowest, highest } = tree.summary(page, height);
    if (wanted < lowest || wanted > highest) return 0;
    const key = page * 8 + height;
    const known = counts.get(key);
    if (known !== undefined) return known;
    let found = 0;
    each(page, height, (kind, target) => {
      if (kind === KIND.page) found += wanted >= target && wanted < target + tree.level(height).pages ? 1 : 0;
      else found += count(target, height - 1);
    });
    counts.set(key, found);
    return found;
  };

  const each = (
    page: number,
    height: number,
    visit: (kind: number, target: number, index: number, rights: number) => void,
  ): void => {
    const words = tree.words(page);
    if (words === null) return;
    const format = tree.format(height);
    for (let index = 0; index < tree.level(height).entries; index++) {
      const { lo, hi } = tree.entry(words, height, index);
      const kind = kindOf(format, lo, hi);
      if (kind !== KIND.page && kind !== KIND.table) continue;
      visit(kind, targetOf(format, lo, hi, kind === KIND.page), index, rightsOf(format, lo, hi));
    }
  };

  const list = (page: number, height: number, base: number, rights: number): void => {
    if (mappings.length >= limit || count(page, height) === 0) return;
    const { name, pages } = tree.level(height);
    each(page, height, (kind, target, index, own) => {
      if (mappings.length >= limit) return;
      const linear = base + index * pages;
      if (kind === KIND.table) {
        list(target, height - 1, linear, rights & own);
        return;
      }
      if (wanted < target || wanted >= target + pages) return;
      const at = linear + wanted - target;
      mappings.push({
        linear: hexLinear(shape, at, offset),
        level: name,
        pageBytes: pages * 4096,
        entry: hex(tree.entryAddress(page, height, index)),
        effective: effective(rights & own, controls),
        name: describeAddress(view, naming, at, linearAddress(shape, at, offset)),
      });
    });
  };

  const total = count(root, shape.top);
  list(root, shape.top, 0, ALL_RIGHTS);
  return { physical: hex(physical), mappings, total };
}

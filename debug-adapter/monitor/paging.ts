/** `page` and `pages`, which QEMU has not: one address with every step, and what is mapped with the X bit and names. */
import type { Core, Machine } from "../../emulator/index.ts";
import type { RangeFilter } from "../../media/protocol.ts";
import { badMonitorCommand } from "../errors.ts";
import {
  FILTER_NAMES,
  isFilter,
  linearPage,
  NO_NAMES,
  PageTables,
  pagingOf,
  rangesText,
  translate,
  translateText,
} from "../paging/index.ts";

const MOST_LINES = 5000;

/** The machine that is looked at, and its tables if somebody follows them already. */
export interface PagingHost {
  readonly machine: Machine;
  readonly core: Core;
  readonly isRunning?: boolean;
  readonly pageTables?: PageTables;
}

const tablesOf = ({ machine, pageTables }: PagingHost): PageTables =>
  pageTables ?? new PageTables(machine, () => NO_NAMES);

export function page(host: PagingHost, linear: bigint): string {
  const tables = tablesOf(host);
  const paging = pagingOf(host.core);
  const view = paging === null ? null : tables.view(paging, host.isRunning === true);
  return translateText(translate(view, tables, BigInt.asUintN(64, linear), host.core));
}

/** `words`: filters, and what the name must have in it, or an address that a range must have. */
export function pages(host: PagingHost, words: string, value: (text: string) => bigint): string {
  const paging = pagingOf(host.core);
  if (paging === null) return "Paging is off: linear addresses are physical ones.\n";
  const filters: RangeFilter[] = [];
  const rest: string[] = [];
  for (const word of words.split(/[\s,]+/).filter((each) => each !== ""))
    if (isFilter(word)) filters.push(word);
    else rest.push(word);
  const [search] = rest;
  const isAddress = search !== undefined && /^(?:0x[0-9a-f]+|[$&(].*)$/i.test(search);
  if (rest.length > 1)
    throw badMonitorCommand(`"${rest[1]!}" is no filter; they are ${FILTER_NAMES.join(", ")}`);
  const at = isAddress ? linearPage(paging.shape, BigInt.asUintN(64, value(search))) : null;
  const rows = tablesOf(host).view(paging, host.isRunning === true).rows;
  const answer = rows.answer({
    filters,
    limit: MOST_LINES,
    ...(isAddress ? { page: at ?? -1 } : search === undefined ? {} : { name: search }),
  });
  return rangesText(answer);
}

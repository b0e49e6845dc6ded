/** Requests of the Page Tables panel: `redzone/pageTables…` (`media/protocol/paging.ts`). */
import type { Core } from "../../emulator/index.ts";
import type {
  PageTablesArguments,
  PageTablesRangesArguments,
  RangeFilter,
  TableLevel,
} from "../../media/protocol.ts";
import { badPageTables } from "../errors.ts";
import {
  changes,
  FILTER_NAMES,
  isFilter,
  isTableMode,
  linearPage,
  overview,
  type PageTables,
  pagingOf,
  reverse,
  tableEntries,
  translate,
  translateText,
  type Paging,
  type RowsWanted,
} from "../paging/index.ts";
import { withWriter, type WriterSource } from "../paging/writer.ts";
import type { State } from "./state.ts";
import type { Handlers } from "./table.ts";

const DEFAULT_CHANGES = 1000;
const DEFAULT_MAPPINGS = 1000;

export function paging(state: State): Handlers {
  const tables = (): PageTables => state.launched().pageTables;

  const writers = (): WriterSource => {
    const target = state.launched();
    return { machine: target.machine, describe: (address) => target.describe(address) };
  };

  const coreOf = ({ cpu }: PageTablesArguments): Core => {
    if (cpu === undefined) return state.focus;
    const core = state.launched().cpus[cpu];
    if (core === undefined) throw badPageTables(`There is no CPU ${cpu}.`);
    return core;
  };

  /** Null: the CPU has no paging, and no root was given. */
  const pagingFor = (args: PageTablesArguments): Paging | null => {
    const { root, mode } = args;
    if (mode !== undefined && !isTableMode(mode))
      throw badPageTables(
        `"${String(mode)}" is no paging mode: they are "32-bit paging", "PAE", "4-level" and "5-level".`,
      );
    return pagingOf(coreOf(args), root === undefined ? undefined : number(root, "root"), mode);
  };
  const needed = (args: PageTablesArguments): Paging => {
    const found = pagingFor(args);
    if (found === null)
      throw badPageTables(
        "Paging is off: linear addresses are physical ones. Name a root table to look at tables that are being built.",
      );
    return found;
  };
  const view = (args: PageTablesArguments) => tables().view(needed(args), state.isRunning);
  /** Throws errors of 3xxx for expressions. */
  const value = (expression: string): bigint => state.monitor?.value(expression) ?? 0n;

  return {
    "redzone/pageTables"(args) {
      const target = state.launched();
      // Whoever looks at the tables wants to know who changes them from now on.
      target.machine.debug.recordsTables = true;
      const found = pagingFor(args);
      const looked = found === null ? null : tables().view(found, state.isRunning);
      return overview(target.naming, coreOf(args), looked, target.cpus);
    },
    "redzone/pageTablesEntries"(args) {
      const looked = view(args);
      const { tree } = looked;
      const { shape } = tree.paging;
      const height = args.level === undefined ? shape.top : heightOf(tree.paging, args.level);
      const linear = args.linear === undefined ? 0 : pageOf(tree.paging, number(args.linear, "linear"));
      const { index, count = 1, absent = false } = args;
      const found = tableEntries(looked, linear, height, {
        absent,
        ...(index === undefined ? {} : { only: { index, count } }),
      });
      if (found === null)
        throw badPageTables(
          `There is no table of ${args.level ?? tree.level(height).name} entries for ${args.linear ?? "0x0"}: a level above does not lead to one.`,
        );
      return { ...found, entries: found.entries.map((entry) => withWriter(writers(), entry.address, entry)) };
    },
    "redzone/pageTablesRanges": (args) => {
      const looked = view(args);
      return looked.rows.answer(rowsWanted(args, looked.tree.paging, value));
    },
    "redzone/pageTablesTranslate"(args) {
      const core = coreOf(args);
      const found = pagingFor(args);
      const linear = BigInt.asUintN(64, value(args.address));
      const body = translate(
        found === null ? null : tables().view(found, state.isRunning),
        tables(),
        linear,
        args.root === undefined && args.mode === undefined ? core : null,
      );
      const steps = body.steps.map((step) => withWriter(writers(), step.entry, step));
      return { ...body, steps, text: translateText(body) };
    },
    "redzone/pageTablesReverse"(args) {
      const physical = value(args.address);
      if (physical < 0n || physical >> 52n !== 0n)
        throw badPageTables(`0x${BigInt.asUintN(64, physical).toString(16)} is no physical address: they have 52 bits.`);
      return reverse(view(args), tables().naming, Number(physical), args.limit ?? DEFAULT_MAPPINGS);
    },
    "redzone/pageTablesChanges"(args) {
      const all = changes(view(args), args.accessed === true);
      const offset = args.offset ?? 0;
      return {
        changes: all
          .slice(offset, offset + (args.limit ?? DEFAULT_CHANGES))
          .map((change) => withWriter(writers(), change.address, change)),
        total: all.length,
        since: tables().since(state.isRunning),
      };
    },
  };
} // oxfmt-ignore

/** A number of an argument. Throws `badPageTables`. */
function number(text: string, property: string): bigint {
  if (!/^(?:0x[0-9a-f]+|\d+)$/i.test(text))
    throw badPageTables(`"${property}" must be a number such as 0x1000.`);
  return BigInt.asUintN(64, BigInt(text));
}

function heightOf({ shape }: Paging, name: TableLevel): number {
  const height = shape.levels.findIndex((level) => level?.name === name);
  if (height < 0) throw badPageTables(`${shape.mode} has no level "${name}".`);
  return height;
}

function pageOf({ shape }: Paging, linear: bigint): number {
  const page = linearPage(shape, linear);
  if (page === null)
    throw badPageTables(`0x${linear.toString(16)} is not a canonical address with ${shape.mode}.`);
  return page;
}

/** A boundary that is not canonical stands for the edge of the hole. */
function boundary({ shape }: Paging, text: string, property: string, end: "from" | "to"): number {
  const address = number(text, property);
  const page = linearPage(shape, address);
  if (page !== null) return page;
  if (shape.linearBits === 32) return Number.POSITIVE_INFINITY;
  const half = 2 ** (shape.linearBits - 13);
  return end === "from" ? half : half - 1;
}

/** What a client wants of the merged view. Throws `badPageTables`. */
function rowsWanted(
  args: PageTablesRangesArguments,
  paging: Paging,
  value: (text: string) => bigint,
): RowsWanted {
  const { filters = [], from, to, search, offset, limit } = args;
  for (const name of filters)
    if (!isFilter(name))
      throw badPageTables(`"${String(name)}" is no filter: they are ${FILTER_NAMES.join(", ")}.`);
  const wanted: RowsWanted = {
    filters: filters as readonly RangeFilter[],
    ...(from === undefined ? {} : { from: boundary(paging, from, "from", "from") }),
    ...(to === undefined ? {} : { to: boundary(paging, to, "to", "to") }),
    ...(offset === undefined ? {} : { offset }),
    ...(limit === undefined ? {} : { limit }),
  };
  if (search === undefined || search.trim() === "") return wanted;
  if (!/^(?:0x[0-9a-f]+|\d+|[$&(].*)$/i.test(search.trim())) return { ...wanted, name: search.trim() };
  const page = linearPage(paging.shape, BigInt.asUintN(64, value(search)));
  return { ...wanted, page: page ?? -1 };
}

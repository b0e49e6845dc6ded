/** What there is before anything is opened: mode, root, control bits, other roots worth looking at, regions, and how much is mapped. */
import type { Core } from "../../emulator/index.ts";
import type { PageTablesBody, PageTablesRoot, PagingControl } from "../../media/protocol.ts";
import { changes } from "./changes.ts";
import { XD } from "./entry.ts";
import {
  controlsOf,
  hex,
  hexPage,
  linearPage,
  pagingOf,
  tableMode,
  type Controls,
  type Paging,
} from "./mode.ts";
import { pageCounts, type PageTree } from "./tree.ts";
import type { Naming } from "./name.ts";
import type { View } from "./view.ts";
import { walk } from "./walk.ts";

/** `view` null: paging is off. */
export function overview(
  naming: Naming,
  core: Core,
  view: View | null,
  cpus: readonly Core[],
): PageTablesBody {
  const controls = controlList(controlsOf(core));
  const common = { cpu: core.index, cr3: hex(core.cr3), controls };
  if (view === null)
    return {
      ...common,
      mode: null,
      root: "0x0",
      levels: [],
      linearBits: 0,
      roots: rootsOf(naming, cpus, null),
      regions: [],
      tables: 0,
      pages: [],
      mappedBytes: 0,
      malformed: 0,
      changes: 0,
      version: 0,
    };
  const { tree } = view;
  const { shape, root, rootOffset } = tree.paging;
  return {
    ...common,
    mode: shape.mode,
    root: hexPage(root, rootOffset),
    levels: shape.levels.flatMap((level) => (level === undefined ? [] : [level.name])).toReversed(),
    linearBits: shape.linearBits,
    roots: rootsOf(naming, cpus, tree),
    regions: view.shown,
    tables: tree.tableCount,
    pages: pageCounts(tree, tree.whole.pages),
    mappedBytes: tree.whole.mapped * 4096,
    malformed: tree.malformed,
    changes: changes(view, false).length,
    version: view.version,
  };
}

function controlList(controls: Controls): PagingControl[] {
  const row = (name: string, set: boolean, yes: string, no: string): PagingControl => ({ name, set, means: set ? yes : no });
  return [
    row("CR0.WP", controls.wp, "The kernel, too, faults when it writes to a read-only page.", "The kernel may write to read-only pages."),
    row("EFER.NXE", controls.nxe, "XD (bit 63) forbids execution.", "XD (bit 63) is reserved; everything that is mapped can be executed."),
    row("CR4.SMEP", controls.smep, "The kernel faults when it executes a user page.", "The kernel may execute user pages."),
    row("CR4.SMAP", controls.smap, "The kernel faults when it reads or writes a user page while RFLAGS.AC is clear.", "The kernel may read and write user pages."),
    row("RFLAGS.AC", controls.ac, "SMAP is lifted just now.", "SMAP is in force where CR4.SMAP is set."),
    row("CR4.PGE", controls.pge, "Global pages stay in the TLB when CR3 is loaded.", "G (bit 8) is without effect."),
    row("CR4.PCIDE", controls.pcide, "TLB entries belong to the PCID in CR3 (bits 11:0).", "Loading CR3 empties the TLB of what is not global."),
    row("CR4.PSE", controls.pse, "32-bit paging has 4 MiB pages.", "32-bit paging has no large pages."),
  ];
} // oxfmt-ignore

/** CPUs' tables, and of Linux those of the kernel alone and the other half of KPTI. */
function rootsOf(naming: Naming, cpus: readonly Core[], tree: PageTree | null): PageTablesRoot[] {
  const roots: PageTablesRoot[] = [];
  const add = (paging: Paging, label: string, cpu: number | null): void => {
    const root = hexPage(paging.root, paging.rootOffset);
    const known = roots.findIndex((other) => other.root === root && other.mode === paging.shape.mode);
    if (known < 0) roots.push({ root, mode: paging.shape.mode, label, cpu });
    // Idle CPUs share the kernel's.
    else if (cpu !== null) roots[known] = { ...roots[known]!, label: `${roots[known]!.label}, ${label}` };
  };
  for (const core of cpus) {
    const paging = tableMode(core) === null ? null : pagingOf(core);
    if (paging !== null) add(paging, `CPU ${core.index}`, core.index);
  }
  const { isLinux, symbols } = naming;
  if (!isLinux || tree === null || tree.paging.shape.top < 4) return roots;
  for (const core of cpus) {
    const paging = tableMode(core) === null ? null : pagingOf(core);
    const other =
      paging === null || paging.shape.top < 4 ? null : { ...paging, root: (paging.root ^ 1) >>> 0 };
    if (paging !== null && other !== null && isOtherHalf(tree, paging.root, other.root))
      add(other, `${(other.root & 1) === 1 ? "user" : "kernel"} half (KPTI) of CPU ${core.index}`, null);
  }
  const address = symbols?.symbolsNamed("init_top_pgt").at(-1)?.address;
  const page = address === undefined ? null : linearPage(tree.paging.shape, address);
  const found = page === null ? null : walk(tree, page);
  if (found !== null && found.physical >= 0)
    add({ ...tree.paging, root: found.physical }, "swapper_pg_dir", null);
  return roots;
}

/** Whether two root tables are a kernel's and a user's half of the same process: with KPTI they lie side by side and agree on user memory, but for XD. */
function isOtherHalf(tree: PageTree, root: number, other: number): boolean {
  const a = tree.words(root);
  const b = tree.words(other);
  if (a === null || b === null) return false;
  let users = 0;
  for (let i = 0; i < 512; i += 2) {
    if (a[i] !== b[i] || ((a[i + 1]! ^ b[i + 1]!) & ~XD) !== 0) return false;
    if ((a[i]! & 1) !== 0) users++;
  }
  return users > 0;
}

/**
 * The walk for one linear address under any root, and what it allows: for each access by each privilege whether it faults, and by which bit of which level.
 *
 * Invariant: for the tables that a CPU uses, the verdicts are the processor's own (`explainWalk` of the emulator): a test compares them on tables of every kind.
 */
import { PAGE_FAULT } from "../../emulator/index.ts";
import type { AccessKind, AccessVerdict, TableLevel } from "../../media/protocol.ts";
import { ALL_RIGHTS, KIND, kindOf, reservedBits, RIGHT, rightsOf, targetOf } from "./entry.ts";
import { hex, type Controls } from "./mode.ts";
import type { PageTree } from "./tree.ts";

export interface Step {
  readonly height: number;
  /** Physical page of the table, and the index in it. */
  readonly table: number;
  readonly index: number;
  /** Physical address of the entry. */
  readonly address: number;
  readonly lo: number;
  readonly hi: number;
  readonly kind: number;
  /** Physical page it points to. */
  readonly target: number;
  /** Rights of this and the levels above. */
  readonly rights: number;
  /** Its own. */
  readonly own: number;
}

export interface Walk {
  readonly linear: number;
  readonly steps: readonly Step[];
  /** Physical 4 KiB page, or −1: the walk does not arrive. */
  readonly physical: number;
  /** 4 KiB pages of the page it is part of. */
  readonly pages: number;
  readonly rights: number;
  /** Why it does not arrive. */
  readonly failure: "absent" | "malformed" | "outside-ram" | null;
}

/** Walks to a page of the linear address space. */
export function walk(tree: PageTree, linear: number): Walk {
  const steps: Step[] = [];
  let table = tree.paging.root;
  let rights = ALL_RIGHTS;
  const failed = (failure: Walk["failure"]): Walk => ({
    linear,
    steps,
    physical: -1,
    pages: 0,
    rights,
    failure,
  });
  for (let height = tree.paging.shape.top; ; height--) {
    const words = tree.words(table);
    if (words === null) return failed("outside-ram");
    const index = tree.indexOf(linear, height);
    const { lo, hi } = tree.entry(words, height, index);
    const format = tree.format(height);
    const kind = kindOf(format, lo, hi);
    const target = targetOf(format, lo, hi, kind === KIND.page);
    const own = rightsOf(format, lo, hi);
    if (kind === KIND.table || kind === KIND.page) rights &= own;
    const address = tree.entryAddress(table, height, index);
    steps.push({ height, table, index, address, lo, hi, kind, target, rights, own });
    if (kind === KIND.absent) return failed("absent");
    if (kind === KIND.malformed) return failed("malformed");
    if (kind === KIND.page) {
      const { pages } = tree.level(height);
      return { linear, steps, physical: target + (linear % pages), pages, rights, failure: null };
    }
    table = target;
  }
}

export const ACCESSES: readonly AccessKind[] = ["read", "write", "execute"];
export const PRIVILEGES = ["user", "supervisor"] as const;

/** All six, reads by a user first. */
export function verdicts(tree: PageTree, found: Walk, linear: bigint): AccessVerdict[] {
  return PRIVILEGES.flatMap((by) => ACCESSES.map((access) => verdict(tree, found, linear, access, by)));
}

/** "A read at CPL 3", "A write by the kernel" */
const subject = (access: AccessKind, by: "user" | "supervisor"): string =>
  `${access === "execute" ? "An instruction fetch" : access === "read" ? "A read" : "A write"} ${by === "user" ? "by user code (CPL 3)" : "by supervisor code (CPL 0…2)"}`;

export function verdict(
  tree: PageTree,
  found: Walk,
  linear: bigint,
  access: AccessKind,
  by: "user" | "supervisor",
): AccessVerdict {
  const { controls, shape } = tree.paging;
  const nameOf = (height: number): TableLevel => tree.level(height).name;
  const refuse = (
    cause: string,
    code: number,
    level: TableLevel | null,
    bit: string | null,
  ): AccessVerdict => {
    const errorCode = code | errorBits(controls, shape.entryBytes === 8, access, by);
    const why = `${subject(access, by)} faults: ${cause} Page fault, error code ${hex(errorCode)} (${errorText(errorCode)}).`;
    return { access, by, allowed: false, errorCode, level, bit, why, cause };
  };
  const last = found.steps.at(-1);
  if (last === undefined || found.failure === "outside-ram") {
    const which = last === undefined ? "CR3" : `the ${nameOf(last.height)} at ${hex(last.address)}`;
    const text = `${which} points to a table at ${hex((last?.target ?? tree.paging.root) * 4096)}, where there is no memory.`;
    const level = last === undefined ? null : nameOf(last.height);
    // Nothing answers, so the entry reads as all ones; with 4-byte entries those are a page.
    if (shape.entryBytes === 4)
      return { access, by, allowed: false, errorCode: null, level, bit: "address", why: `${subject(access, by)} cannot be translated: ${text}`, cause: text };
    return refuse(`${text} The entry reads as all ones, and reserved bits are among them.`, PAGE_FAULT.present | PAGE_FAULT.reserved, level, "address");
  } // oxfmt-ignore
  const where = `the ${nameOf(last.height)} at ${hex(last.address)} (${entryText(last)})`;
  if (found.failure === "absent")
    return refuse(
      `nothing is mapped at ${hex(linear)}, because ${where} has P (bit 0) clear.`,
      0,
      nameOf(last.height),
      "P",
    );
  if (found.failure === "malformed")
    return refuse(
      `${where} has ${reservedBits(tree.format(last.height), last.lo, last.hi)} set, which must be zero.`,
      PAGE_FAULT.present | PAGE_FAULT.reserved,
      nameOf(last.height),
      "reserved",
    );
  const denied = forbidden(found.rights, controls, access, by);
  if (denied === null)
    return {
      access,
      by,
      allowed: true,
      errorCode: null,
      level: null,
      bit: null,
      cause: "",
      why: `${subject(access, by)} is allowed${allowance(found.rights, controls, access, by)}.`,
    };
  const { bit, isSet, right, why } = denied;
  // The right is gone from the first level on that lacks it.
  const guilty = found.steps.filter((step) => (step.own & right) === 0);
  const [first] = isSet ? [last] : guilty;
  const level = first ?? last;
  const others = isSet ? [] : guilty.slice(1);
  const also =
    others.length === 0
      ? ""
      : ` ${capital(listed(others.map((step) => `the ${nameOf(step.height)}`)))} would forbid it, too.`;
  return refuse(
    `${why(`the ${nameOf(level.height)} at ${hex(level.address)} (${entryText(level)})`)}${also}`,
    PAGE_FAULT.present,
    nameOf(level.height),
    bit,
  );
}

const entryText = ({ lo, hi }: Step): string => hex((BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0));

interface Denial {
  readonly bit: string;
  /** The bit forbids by being set in all levels (a user page), rather than by being clear in one. */
  readonly isSet: boolean;
  readonly right: number;
  readonly why: (entry: string) => string;
}

/** "the PDE, the PTE and CR3" */
const listed = (words: readonly string[]): string =>
  words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)!}`;
const capital = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1);

/** SDM 3A 4.6.1. */
function forbidden(
  rights: number,
  controls: Controls,
  access: AccessKind,
  by: "user" | "supervisor",
): Denial | null {
  const isUser = (rights & RIGHT.user) !== 0;
  if (by === "user" && !isUser)
    return {
      bit: "U/S",
      isSet: false,
      right: RIGHT.user,
      why: (entry) => `the page belongs to the supervisor, because ${entry} has U/S (bit 2) clear.`,
    };
  if (by === "supervisor" && access === "execute" && isUser && controls.smep)
    return {
      bit: "U/S",
      isSet: true,
      right: RIGHT.user,
      why: (entry) =>
        `CR4.SMEP is set, and the page is a user's: U/S (bit 2) is set at every level, in ${entry} last.`,
    };
  if (by === "supervisor" && access !== "execute" && isUser && controls.smap && !controls.ac)
    return {
      bit: "U/S",
      isSet: true,
      right: RIGHT.user,
      why: (entry) =>
        `CR4.SMAP is set, RFLAGS.AC is clear, and the page is a user's: U/S (bit 2) is set at every level, in ${entry} last. STAC would allow it.`,
    };
  if (access === "write" && (rights & RIGHT.write) === 0 && (by === "user" || controls.wp))
    return {
      bit: "R/W",
      isSet: false,
      right: RIGHT.write,
      why: (entry) =>
        `the page is read-only, because ${entry} has R/W (bit 1) clear${by === "user" ? "" : " and CR0.WP is set"}.`,
    };
  if (access === "execute" && (rights & RIGHT.execute) === 0)
    return {
      bit: "XD",
      isSet: false,
      right: RIGHT.execute,
      why: (entry) => `code must not run there, because ${entry} has XD (bit 63) set.`,
    };
  return null;
}

/** Why an access that the entries alone would forbid is allowed. */
function allowance(
  rights: number,
  { wp, smap, ac }: Controls,
  access: AccessKind,
  by: "user" | "supervisor",
): string {
  if (by === "user") return "";
  if (access === "write" && (rights & RIGHT.write) === 0 && !wp)
    return ", although the page is read-only: CR0.WP is clear";
  if (access !== "execute" && (rights & RIGHT.user) !== 0 && smap && ac)
    return ", although CR4.SMAP is set: RFLAGS.AC is set, too";
  return "";
}

function errorBits(
  { nxe, smep }: Controls,
  isWide: boolean,
  access: AccessKind,
  by: "user" | "supervisor",
): number {
  return (
    (access === "write" ? PAGE_FAULT.write : 0) |
    (by === "user" ? PAGE_FAULT.user : 0) |
    (access === "execute" && ((nxe && isWide) || smep) ? PAGE_FAULT.fetch : 0)
  );
}

/** "present, user, write" */
export function errorText(code: number): string {
  const words = [(code & PAGE_FAULT.present) !== 0 ? "present" : "not present"];
  words.push((code & PAGE_FAULT.fetch) !== 0 ? "fetch" : (code & PAGE_FAULT.write) !== 0 ? "write" : "read");
  words.push((code & PAGE_FAULT.user) !== 0 ? "user" : "supervisor");
  if ((code & PAGE_FAULT.reserved) !== 0) words.push("reserved bit");
  return words.join(", ");
}

/**
 * A kernel nobody here wrote, through the Debug Adapter Protocol: stops in GNU Mach show the call stack, the lines and the values that gdb shows
 * of the same stops in QEMU, and the kernel goes on to its last message.
 *
 * Its C files are not there: breakpoints name them by the end of their path. Values are compared as numbers, since each debugger has words of its own
 * for strings and symbols; what one calls optimised out the other must not give a value.
 */
import { spawnSync } from "node:child_process";
import type { DebugProtocol } from "@vscode/debugprotocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Client } from "../adapter/client.ts";
import { redzone } from "../cli/host.ts";
import { fetchGnuMach } from "../guests-boot/gnumach.mjs";
import { stopsInQemu, type OracleFrame, type OracleStop } from "./oracle.ts";

const APPEND = "console=com0";
const PANIC = "No bootstrap code loaded with the kernel!";
/** Of QEMU's 128 MiB its BIOS keeps 128 KiB at the top for ACPI tables; without them the kernel finds the same memory here. */
const MEMORY = `${128 * 1024 - 128}k`;

/** `gdb` is null where gdb would stop elsewhere in the same function; it is given our address. */
type Place = { readonly gdb: string | null } & (
  | { readonly function: string }
  | { readonly source: string; readonly line: number }
);

/** In the order in which the kernel meets them. */
const PLACES: readonly Place[] = [
  { gdb: "setup_main", function: "setup_main" },
  // Inlined into its only caller. GDB 13 stops at the lowest of its addresses, we at the one that the compiler says is its entry.
  { gdb: null, function: "vm_page_seg_init" },
  { gdb: "vm_page.c:441", source: "vm/vm_page.c", line: 441 },
  // Sixteen frames deep, half of them inlined.
  { gdb: "vm_page_seg_alloc_from_buddy", function: "vm_page_seg_alloc_from_buddy" },
  { gdb: "vm_map_enter", function: "vm_map_enter" },
  { gdb: "bootstrap.c:181", source: "kern/bootstrap.c", line: 181 },
  { gdb: "Panic", function: "Panic" },
];

/** Not assigned yet, though its place in memory is known: it shows what CPUID left on the stack, and the processors differ. */
const UNASSIGNED: ReadonlySet<string> = new Set(["setup_main startup_thread"]);

const has = (command: string): boolean => spawnSync(command, ["--version"]).status === 0;
const isCi = process.env["CI"] !== undefined;
const hasOracle = isCi || (has("gdb") && has("qemu-system-i386"));
if (!hasOracle) console.log("gdb or qemu-system-i386 is missing: GNU Mach's stops are not compared");

const kernel = ((): string | null => {
  try {
    return fetchGnuMach();
  } catch {
    console.log("GNU Mach could not be fetched: no apt, no network or no package; its tests are skipped");
    return null;
  }
})();

interface OurFrame extends DebugProtocol.StackFrame {
  readonly variables: ReadonlyMap<string, string>;
}
interface OurStop {
  readonly reason: string;
  readonly pc: number;
  readonly frames: readonly OurFrame[];
}

describe.skipIf(kernel === null)("GNU Mach", () => {
  const client = new Client();
  const stops: OurStop[] = [];

  beforeAll(async () => {
    await client.launchToEntry({ kernel, append: APPEND, memory: MEMORY, icount: "shift=5" });
    for (const place of PLACES) {
      const [bound] = await set(client, place);
      expect(bound, JSON.stringify(bound)).toMatchObject({ verified: true });
      const { reason } = await client.go();
      stops.push({ reason, ...(await stackOf(client)) });
      await clear(client, place);
    }
  });
  afterAll(() => client.end());

  it("stops at functions and at lines of files that are not there", () => {
    for (const [n, place] of PLACES.entries()) {
      const { reason, frames } = stops[n]!;
      const [top] = frames;
      expect(reason).toBe("function" in place ? "function breakpoint" : "breakpoint");
      if ("function" in place) expect(top!.name.replace(" [inlined]", "")).toBe(place.function);
      else
        expect([top!.source?.path, top!.line]).toEqual([
          expect.stringMatching(`${place.source}$`),
          place.line,
        ]);
    }
  });

  describe.skipIf(!hasOracle)("as gdb shows it on QEMU", () => {
    let theirs: readonly OracleStop[] = [];
    beforeAll(() => {
      theirs = stopsInQemu(
        kernel!,
        APPEND,
        PLACES.map(({ gdb }, n) => gdb ?? `*${stops[n]!.pc}`),
      );
      expect(theirs).toHaveLength(PLACES.length);
    });

    it.each(PLACES.map(({ gdb }, n) => ({ gdb: gdb ?? "an inlined function", n })))(
      "$gdb: the call stack, its lines and its values",
      ({ n }) => {
        const [our, their] = [stops[n]!, theirs[n]!];
        expect(our.pc.toString(16)).toBe(their.pc.toString(16));
        expect(our.frames.map(position)).toEqual(their.frames.map(oraclePosition));
        for (const [index, frame] of their.frames.entries()) {
          const { variables, name } = our.frames[index]!;
          const expected = numbers(frame);
          expect(values(expected, variables), `${index} ${name}`).toEqual(expected);
        }
      },
    );

    it("values of which some are known, some are optimised out, some are in location lists", () => {
      const all = theirs.flatMap(({ frames }) => frames.flatMap(({ variables }) => Object.values(variables)));
      expect(all.filter((value) => value === "optimized out").length).toBeGreaterThan(20);
      expect(all.filter((value) => value !== null && /^-?\d+$/.test(value)).length).toBeGreaterThan(20);
      expect(Math.max(...theirs.map(({ frames }) => frames.length))).toBeGreaterThan(15);
    });
  });

  it("boots to its last message", async () => {
    await client.request("continue", { threadId: 1 });
    await until(() => client.output().includes("db> "));
    expect(client.output()).toContain(`panic ../kern/bootstrap.c:181: bootstrap_create: ${PANIC}`);
  });

  it("boots to its last message from the command line", async () => {
    const words = `-kernel ${kernel} -append ${APPEND} -m ${MEMORY} -icount shift=5 --until-serial`;
    const { status, out } = await redzone(`${words} '${PANIC}'`);
    expect([status, out.endsWith(PANIC)]).toEqual([0, true]);
  });
});

async function set(client: Client, place: Place): Promise<readonly DebugProtocol.Breakpoint[]> {
  const { breakpoints } =
    "function" in place
      ? await client.request("setFunctionBreakpoints", { breakpoints: [{ name: place.function }] })
      : await client.request("setBreakpoints", {
          source: { path: place.source },
          breakpoints: [{ line: place.line }],
        });
  return breakpoints;
}

async function clear(client: Client, place: Place): Promise<void> {
  if ("function" in place) await client.request("setFunctionBreakpoints", { breakpoints: [] });
  else await client.request("setBreakpoints", { source: { path: place.source }, breakpoints: [] });
}

/** The stack with the locals of every frame. */
async function stackOf(
  client: Client,
): Promise<{ readonly pc: number; readonly frames: readonly OurFrame[] }> {
  const frames: OurFrame[] = [];
  for (const frame of await client.frames()) {
    const { scopes } = await client.request("scopes", { frameId: frame.id });
    const locals = scopes.find(({ name }) => name === "Locals");
    const list = locals === undefined ? [] : await client.children(locals.variablesReference);
    const variables = new Map<string, string>();
    // Of two with one name the inner one comes first.
    for (const { name, value } of list) if (!variables.has(name)) variables.set(name, value);
    frames.push({ ...frame, variables });
  }
  return { pc: Number(frames[0]!.instructionPointerReference!.replace(/^v:/, "")), frames };
}

const nameOf = (name: string): string => name.replace(/ \[inlined\]$/, "").replace(/\+0x[0-9a-f]+$/, "");
const position = (frame: DebugProtocol.StackFrame): string =>
  `${frame.name.endsWith(" [inlined]") ? "inlined " : ""}${nameOf(frame.name)} ${frame.source?.name ?? "?"}:${frame.line}`;
const oraclePosition = ({ name, file, line, isInlined }: OracleFrame): string =>
  `${isInlined ? "inlined " : ""}${name} ${file?.replace(/^.*\//, "") ?? "?"}:${line}`;

/** Those of gdb's values that are comparable. */
const numbers = ({ name: fun, variables }: OracleFrame): Record<string, string> =>
  Object.fromEntries(
    Object.entries(variables).filter(
      (entry): entry is [string, string] => entry[1] !== null && !UNASSIGNED.has(`${fun} ${entry[0]}`),
    ),
  );

/** Ours for the same names, in the same words. */
const values = (theirs: Record<string, string>, ours: ReadonlyMap<string, string>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(theirs).map(([name, value]) => [name, number(ours.get(name) ?? "<optimized out>", value)]),
  );

/** "0xc1000000 <_start>", "97 'a'", "-1", "true", "<optimised out>" as gdb's number. */
function number(text: string, theirs: string): string {
  if (/^<optimi[sz]ed out>/.test(text)) return "optimized out";
  if (text === "true" || text === "false") return text === "true" ? "1" : "0";
  const [, digits] = /^(-?\d+|0x[0-9a-f]+)(?![\w.])/.exec(text) ?? /\((-?\d+)\)$/.exec(text) ?? [];
  return digits === undefined ? `${text} (gdb: ${theirs})` : BigInt(digits).toString();
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) {
    await new Promise((resolve) => {
      setTimeout(resolve, 20);
    });
  }
}

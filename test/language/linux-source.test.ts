/**
 * Whole trees of sources: no false error, and references to what assembly and linker scripts define are resolved, in the file where a second opinion has it.
 *
 * The normal run takes every assembly file and script of this repository; REDZONE_LONG=1 takes `arch/x86` of Debian's linux-source-6.1 as well (139 MB to fetch).
 * Times and memory are printed, not bounded.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { DiagnosticSeverity } from "vscode-languageserver-types";
import { diagnostics } from "../../extension/language/server/features/diagnostics.ts";
import { fetchDebian } from "../support/debian.mjs";
import { isJudged, readTree, secondOpinion, sourcesIn, uriOf, type Tree } from "./source-tree.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const isLong = process.env["REDZONE_LONG"] === "1";
/** Fetching 139 MB and unpacking takes most of it. */
const PATIENCE = 1_500_000;

/** What is said of the files, as "file:line: message"; what is no error is printed. */
function complaints({ world, sources }: Tree, folder: string): readonly string[] {
  const errors: string[] = [];
  const remarks: string[] = [];
  for (const file of sources) {
    for (const found of diagnostics(world, uriOf(file))) {
      if (found) {
        const message = typeof found.message === "string" ? found.message : found.message.value;
        const text = `${path.relative(folder, file)}:${found.range.start.line + 1}: ${message}`;
        (found.severity === DiagnosticSeverity.Error ? errors : remarks).push(text);
      }
    }
  }
  if (remarks.length > 0) {
    console.log([`${remarks.length} remarks that are no errors:`, ...remarks.slice(0, 20)].join("\n"));
  }
  return errors;
}

interface Count {
  right: number;
  /** Found, but elsewhere than the second opinion says. */
  readonly wrong: string[];
  readonly missing: string[];
  numeric: number;
  readonly missingNumeric: string[];
}

function resolve(tree: Tree, includeFolders: readonly string[], folder: string): Count {
  const opinion = secondOpinion(tree, includeFolders);
  const count: Count = { right: 0, wrong: [], missing: [], numeric: 0, missingNumeric: [] };
  for (const file of tree.sources) {
    const uri = uriOf(file);
    for (const [line, { references }] of (tree.world.file(uri)?.lines ?? []).entries()) {
      for (const reference of references) {
        const found = tree.world.names.definitionsOf({
          kind: "reference",
          uri,
          line,
          token: reference.token,
          reference,
        });
        const where = `${path.relative(folder, file)}:${line + 1} ${reference.token.text}`;
        if (reference.direction !== undefined) {
          count.numeric += 1;
          if (found.length === 0) count.missingNumeric.push(where);
        } else if (isJudged(reference)) {
          const expected = new Set([...opinion.filesOf(file, reference.name)].map(uriOf));
          if (expected.size > 0 && found.length === 0) count.missing.push(where);
          else if (expected.size > 0 && !found.some((each) => expected.has(each.uri)))
            count.wrong.push(where);
          else if (expected.size > 0) count.right += 1;
        }
      }
    }
  }
  return count;
}

function report(name: string, tree: Tree, count: Count): void {
  const { right, wrong, missing, numeric, missingNumeric } = count;
  const all = right + wrong.length + missing.length;
  const megabytes = process.memoryUsage().heapUsed / 1_000_000;
  console.log(
    `${name}: ${tree.sources.length} files and ${tree.headers.size} headers with ${tree.lineCount} lines indexed in ${tree.milliseconds.toFixed(0)} ms (${tree.busyMilliseconds.toFixed(0)} of processor time), ` +
      `${megabytes.toFixed(0)} MB of heap in use; ${right} of ${all} references to what assembly and scripts define resolved (${((100 * right) / all).toFixed(2)} %), ` +
      `${wrong.length} elsewhere, ${missing.length} not found; ${numeric - missingNumeric.length} of ${numeric} numeric ones`,
  );
  const examples = [...missing, ...wrong, ...missingNumeric].slice(0, 12);
  if (examples.length > 0) console.log(examples.join("\n"));
}

function expectResolved({ right, wrong, missing, numeric, missingNumeric }: Count): void {
  const unresolved = [...wrong, ...missing];
  expect(unresolved.length, unresolved.slice(0, 20).join("\n")).toBeLessThan(
    (right + unresolved.length) / 100,
  );
  expect(missingNumeric.length, missingNumeric.slice(0, 20).join("\n")).toBeLessThanOrEqual(numeric / 100);
}

test("the sources of this repository", { timeout: 120_000 }, () => {
  const sources = sourcesIn(root, /node_modules|[\\/]\.|[\\/](?:dist|build|faulty)(?:[\\/]|$)/);
  const tree = readTree(sources, [path.join(root, "test/guests")]);
  const count = resolve(tree, [], root);
  report("this repository", tree, count);
  expect(sources.length).toBeGreaterThan(40);
  expect(complaints(tree, root)).toEqual([]);
  expectResolved(count);
});

test.runIf(isLong)("arch/x86 of Linux", { timeout: PATIENCE }, async () => {
  const linux = await unpackLinux();
  const folders = ["arch/x86/include", "arch/x86/include/uapi", "include", "include/uapi"].map((folder) =>
    path.join(linux, folder),
  );
  const sources = sourcesIn(path.join(linux, "arch/x86"), /\.git/);
  const tree = readTree(sources, folders);
  const count = resolve(tree, folders, linux);
  report("arch/x86", tree, count);
  expect(sources.length).toBeGreaterThan(140);
  expect(complaints(tree, linux)).toEqual([]);
  expectResolved(count);
});

/** What is read of the sources, unpacked once. */
async function unpackLinux(): Promise<string> {
  const folder = path.join(root, ".cache/linux-source");
  if (existsSync(folder)) return folder;
  const sources = path.join(await fetchDebian("linux-source-6.1"), "usr/src");
  const archive = readdirSync(sources).find((name) => name.endsWith(".tar.xz"));
  expect(archive, "an archive in the package").toBeDefined();
  const part = `${folder}-${process.pid}`;
  rmSync(part, { recursive: true, force: true });
  mkdirSync(part);
  const wanted = ["arch/x86", "include/linux", "include/asm-generic", "include/uapi"].map(
    (name) => `*/${name}/*`,
  );
  execFileSync(
    "tar",
    ["-xJf", path.join(sources, archive ?? ""), "--strip-components=1", "--wildcards", ...wanted],
    {
      cwd: part,
      timeout: PATIENCE,
    },
  );
  renameSync(part, folder);
  return folder;
}

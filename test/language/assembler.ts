/**
 * The installed assemblers as oracles: bytes of each of many statements.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Width } from "../../extension/language/server/knowledge/instructions.ts";

export type { Width };
export type Dialect = "att" | "nasm";

/** Hexadecimal digits by statement; undefined where there is an error. */
type Bytes = readonly (string | undefined)[];

export function assembled(statements: readonly string[], dialect: Dialect, bits: Width): Bytes {
  const folder = mkdtempSync(path.join(tmpdir(), "redzone-"));
  try {
    const source = path.join(folder, "source");
    const head = dialect === "att" ? `.code${bits}` : `bits ${bits}`;
    writeFileSync(source, `${[head, ...statements].join("\n")}\n`);
    const run = () =>
      dialect === "att"
        ? spawnSync("as", ["-o", `${source}.o`, "-aln", "--listing-lhs-width=8", source], {
            encoding: "utf8",
          })
        : spawnSync("nasm", ["-f", "bin", "-o", `${source}.o`, "-l", `${source}.lst`, source], {
            encoding: "utf8",
          });
    // Lines with errors are left out and the rest is assembled again: a listing has only what went through.
    let lines = [...statements];
    for (let round = 0; round < 6; round += 1) {
      const { stderr, stdout } = run();
      const wrong = new Set(
        [...stderr.matchAll(/source:(\d+): (?:[Ee]rror|[Ff]atal)/g)].map((match) => Number(match[1]) - 2),
      );
      if (wrong.size === 0) {
        const listing = dialect === "att" ? stdout : readFileSync(`${source}.lst`, "utf8");
        return bytesIn(listing, lines, dialect);
      }
      lines = lines.map((line, number) => (wrong.has(number) ? "" : line));
      writeFileSync(source, `${[head, ...lines].join("\n")}\n`);
    }
    throw new Error("lines with errors do not end");
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function bytesIn(listing: string, lines: readonly string[], dialect: Dialect): Bytes {
  const found: string[] = [];
  const pattern =
    dialect === "att" ? /^ *(\d+) [\da-f?]{4} ([\dA-F ]+?)\s*(?:\t|$)/ : /^ *(\d+) [\dA-F]{8} ([\dA-F]+)-? /;
  for (const line of listing.split("\n")) {
    const [, number, bytes = ""] = pattern.exec(line) ?? [];
    if (number !== undefined) {
      const at = Number(number) - 2;
      found[at] = (found[at] ?? "") + bytes.replaceAll(" ", "").toLowerCase();
    }
  }
  return lines.map((line, number) => (line === "" ? undefined : found[number]));
}

export const hasTool = (name: string): boolean => spawnSync(name, ["--version"]).status === 0;

/**
 * What the benchmark needs besides Node: looked for, installed where that is possible, named where it is missing.
 *
 * Debian's packages are installed by root only; npm's go into the cache and are nobody's dependencies.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";

export interface Tool {
  /** A command on the path, or a file. */
  readonly needs: string;
  /** Debian's packages. */
  readonly packages: string;
  /** What is left out without it. */
  readonly without: string;
}

export const TOOLS = {
  qemu: { needs: "qemu-system-x86_64", packages: "qemu-system-x86", without: "comparisons with QEMU" },
  gcc: { needs: "gcc", packages: "gcc libc6-dev", without: "the kernel of works" },
  objcopy: { needs: "objcopy", packages: "binutils", without: "the kernel of works" },
  bochs: { needs: "bochs", packages: "bochs bochs-term bochsbios vgabios", without: "Bochs" },
  grub: { needs: "grub-mkrescue", packages: "grub-common", without: "Bochs" },
  grubImage: { needs: "/usr/lib/grub/i386-pc/cdboot.img", packages: "grub-pc-bin", without: "Bochs" },
  xorriso: { needs: "xorriso", packages: "xorriso", without: "Bochs" },
  mtools: { needs: "mformat", packages: "mtools", without: "Bochs" },
} as const satisfies { readonly [name: string]: Tool };
export type ToolName = keyof typeof TOOLS;

export interface Tools {
  readonly has: (...names: readonly ToolName[]) => boolean;
  /** The folder of npm's package; null without it. */
  readonly v86: string | null;
  /** A newer Node than the oldest that is supported, as VS Code has it; null without it. */
  readonly node: string | null;
  /** A sentence for each that is missing. */
  readonly missing: readonly string[];
}

const NODE_MAJOR = 24;

export function isThere(needs: string, searchPath = process.env["PATH"] ?? ""): boolean {
  if (path.isAbsolute(needs)) return existsSync(needs);
  return searchPath.split(path.delimiter).some((folder) => existsSync(path.join(folder, needs)));
}

/** One sentence per tool that is missing: what it is called, where it comes from, what is left out. */
export const sentences = (tools: readonly Tool[]): readonly string[] =>
  tools.map(
    ({ needs, packages, without }) => `missing: ${needs} (Debian: ${packages}); left out: ${without}`,
  );

/** `cache`: a folder of ours. `wanted` says what this run will use. */
export function prepareTools(
  cache: string,
  wanted: { readonly tools: readonly ToolName[]; readonly v86: boolean; readonly node: boolean },
): Tools {
  const lacking = (): readonly Tool[] =>
    wanted.tools.map((name): Tool => TOOLS[name]).filter(({ needs }) => !isThere(needs));
  if (lacking().length > 0 && process.getuid?.() === 0 && existsSync("/etc/debian_version")) {
    const packages = [...new Set(lacking().flatMap((tool) => tool.packages.split(" ")))];
    console.log(`installing ${packages.join(", ")}`);
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    spawnSync("apt-get", ["update", "-q"], { env, stdio: "ignore" });
    spawnSync("apt-get", ["install", "-q", "-y", "--no-install-recommends", ...packages], {
      env,
      stdio: "ignore",
    });
  }
  const missing = [...sentences(lacking())];
  const v86 = wanted.v86 ? npmPackage(cache, "v86", "v86") : null;
  if (wanted.v86 && v86 === null) missing.push("missing: npm's package v86; left out: comparisons with v86");
  const platform = `node-${process.platform}-${process.arch}`;
  const packaged = wanted.node ? npmPackage(cache, platform, `${platform}@${NODE_MAJOR}`) : null;
  const node = packaged === null ? null : path.join(packaged, "bin/node");
  if (wanted.node && node === null)
    missing.push(`missing: npm's package ${platform}; left out: runs on Node ${NODE_MAJOR}`);
  return { has: (...names) => names.every((name) => isThere(TOOLS[name].needs)), v86, node, missing };
}

/** The folder of a package, installed into the cache if it is not there; null if it cannot be had. */
function npmPackage(cache: string, name: string, wanted: string): string | null {
  const folder = path.join(cache, "node_modules", name);
  if (existsSync(folder)) return folder;
  mkdirSync(cache, { recursive: true });
  const manifest = path.join(cache, "package.json");
  if (!existsSync(manifest)) writeFileSync(manifest, '{ "private": true }\n');
  console.log(`installing ${wanted} from npm`);
  // The platform's package of Node holds the program itself; no install script is needed for it.
  spawnSync("npm", ["install", "--no-audit", "--no-fund", "--ignore-scripts", wanted], {
    cwd: cache,
    stdio: "ignore",
  });
  return existsSync(folder) ? folder : null;
}

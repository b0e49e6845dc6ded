/**
 * Fetches GNU Mach with debug information from Debian, into `.cache/gnumach/`: `node test/guests-boot/gnumach.mjs` prints the path of the kernel.
 *
 * The package is for i386; apt gets lists, cache and architecture of its own for it, so that nothing of the system is changed. The mirror is the one the
 * system itself uses for its `main`.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const PACKAGE = "gnumach-image-1.8-486-dbg";
const FOLDER = fileURLToPath(new URL("../../.cache/gnumach", import.meta.url));
/** For apt to fetch lists or one package, and for what works on files alone. */
const FETCH_MS = 200_000;
const LOCAL_MS = 60_000;
export const GNUMACH = join(FOLDER, "gnumach-1.8-486-dbg");

/** Site and release of the system's own `main`. */
function mirror() {
  const targets = execFileSync("apt-get", ["indextargets", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT) $(CREATED_BY)"], { encoding: "utf8", timeout: LOCAL_MS }); // oxfmt-ignore
  const line = targets.split("\n").find((text) => /^\S+ [a-z]+ main Packages$/.test(text));
  if (line === undefined) throw new Error("apt knows no release with a component main");
  const [uri, release] = line.split(" ");
  return { uri, release };
}

/** Downloads and unpacks the kernel if it is not there yet. Throws if there is no apt, no network or no such package. */
export function fetchGnuMach() {
  if (existsSync(GNUMACH)) return GNUMACH;
  const apt = join(FOLDER, "apt");
  for (const folder of ["lists/partial", "cache/archives/partial", "package"])
    mkdirSync(join(apt, folder), { recursive: true });
  const { uri, release } = mirror();
  writeFileSync(join(apt, "sources.list"), `deb [arch=i386] ${uri} ${release} main\n`);
  writeFileSync(join(apt, "status"), "");
  const options = [
    `Dir::Etc::sourcelist=${join(apt, "sources.list")}`, "Dir::Etc::sourceparts=-", `Dir::State::lists=${join(apt, "lists")}`,
    `Dir::State::status=${join(apt, "status")}`, `Dir::Cache=${join(apt, "cache")}`, "APT::Architecture=i386", "APT::Architectures=i386",
    "Acquire::Languages=none", "APT::Sandbox::User=", "APT::Get::List-Cleanup=0", "Acquire::http::Timeout=30", "Acquire::https::Timeout=30",
  ].flatMap((option) => ["-o", option]); // oxfmt-ignore
  const quiet = { cwd: join(apt, "package"), stdio: ["ignore", "ignore", "inherit"], timeout: FETCH_MS };
  execFileSync("apt-get", [...options, "-qq", "update"], quiet);
  execFileSync("apt-get", [...options, "-qq", "download", PACKAGE], quiet);
  const [archive] = readdirSync(join(apt, "package")).filter((name) => name.endsWith(".deb"));
  if (archive === undefined) throw new Error(`${PACKAGE} was not downloaded`);
  execFileSync("dpkg-deb", ["--extract", archive, "."], quiet);
  renameSync(findKernel(join(apt, "package")), GNUMACH);
  rmSync(apt, { recursive: true });
  return GNUMACH;
}

/** The one large ELF file of the package, packed or not. */
function findKernel(folder) {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /gnumach/.test(entry.name) && !entry.name.endsWith(".deb"))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name));
  const packed = files.find((path) => path.endsWith(".gz") && /boot/.test(path));
  if (packed !== undefined) {
    execFileSync("gunzip", [packed], { timeout: LOCAL_MS });
    return packed.replace(/\.gz$/, "");
  }
  const found = files.find((path) => /boot/.test(path));
  if (found === undefined) throw new Error(`no kernel among ${files.join(", ")}`);
  return found;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) console.log(fetchGnuMach());

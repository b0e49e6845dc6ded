/**
 * Files of Debian's packages, for tests that need what other people made: `fetchDebian("busybox-static")` gives a folder under `.cache/debian/` with the
 * package unpacked. Nothing of the system is changed: apt gets lists and a cache of its own, the mirror is the one the system uses for its `main`.
 *
 *     node test/support/debian.mjs PACKAGE…     fetches them and prints their folders
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath, pathToFileURL } from "node:url";

const CACHE = fileURLToPath(new URL("../../.cache/debian", import.meta.url));
const APT = join(CACHE, "apt");
const LOCK_PATIENCE_MS = 300_000;
/** For apt to fetch lists or one package, and for what works on files alone. */
const FETCH_MS = 200_000;
const LOCAL_MS = 60_000;
const PATIENT = ["Acquire::http::Timeout=30", "Acquire::https::Timeout=30", "Acquire::Retries=2"].flatMap(
  (option) => ["-o", option],
);

/** Of a kernel's package only /boot and the modules for disks, display and mouse are unpacked: all of them are ten times as large. What one kernel has built in, tar does not find. */
const KERNEL = /^linux-image-[0-9]/;
const KERNEL_FILES = ["./boot/*", "*/kernel/drivers/virtio/*", "*/kernel/drivers/block/virtio_blk*", "*/kernel/drivers/char/virtio*",
  "*/kernel/drivers/char/hw_random/*", "*/kernel/drivers/ata/*", "*/kernel/drivers/scsi/s[dcr]*", "*/kernel/drivers/cdrom/*", "*/kernel/fs/ext4/*", "*/kernel/fs/jbd2/*",
  "*/kernel/fs/mbcache*", "*/kernel/fs/isofs/*", "*/kernel/lib/crc*", "*/kernel/lib/libcrc*", "*/kernel/crypto/crc*", "*/kernel/arch/x86/crypto/crc*",
  "*/kernel/block/t10*", "*/kernel/crypto/crct10*", "*/kernel/drivers/gpu/drm/drm*", "*/kernel/drivers/gpu/drm/ttm/*", "*/kernel/drivers/gpu/drm/tiny/bochs*",
  "*/kernel/drivers/input/mouse/psmouse*"]; // oxfmt-ignore
/** Part of the name of a kernel's folder: one that was unpacked with another list is none of ours. */
const KERNEL_FILES_VERSION = 2;

/** Sites and releases of the system's own `main`, security updates included. */
function mirrors() {
  const format = "$(REPO_URI) $(RELEASE) $(COMPONENT) $(CREATED_BY)";
  const targets = execFileSync("apt-get", ["indextargets", "--format", format], {
    encoding: "utf8",
    timeout: LOCAL_MS,
  });
  const lines = targets.split("\n").filter((text) => /^\S+ \S+ main Packages$/.test(text));
  if (lines.length === 0) throw new Error("apt knows no release with a component main");
  return [...new Set(lines.map((line) => line.split(" ").slice(0, 2).join(" ")))];
}

function options() {
  return [
    `Dir::Etc::sourcelist=${join(APT, "sources.list")}`, "Dir::Etc::sourceparts=-", `Dir::State::lists=${join(APT, "lists")}`,
    `Dir::State::status=${join(APT, "status")}`, `Dir::Cache=${join(APT, "cache")}`, "APT::Architecture=amd64", "APT::Architectures=amd64",
    "Acquire::Languages=none", "APT::Sandbox::User=", "APT::Get::List-Cleanup=0",
  ].flatMap((option) => ["-o", option]); // oxfmt-ignore
}

function prepare() {
  if (existsSync(join(APT, "ready"))) return;
  for (const folder of ["lists/partial", "cache/archives/partial"])
    mkdirSync(join(APT, folder), { recursive: true });
  writeFileSync(
    join(APT, "sources.list"),
    mirrors()
      .map((mirror) => `deb [arch=amd64] ${mirror} main\n`)
      .join(""),
  );
  writeFileSync(join(APT, "status"), "");
  execFileSync("apt-get", [...options(), ...PATIENT, "-qq", "update"], {
    stdio: ["ignore", "ignore", "inherit"],
    timeout: FETCH_MS,
  });
  writeFileSync(join(APT, "ready"), "");
}

/** The package that a metapackage stands for: the one it depends on that matches. */
function resolve(name) {
  const text = execFileSync("apt-cache", [...options(), "depends", name], {
    encoding: "utf8",
    timeout: LOCAL_MS,
  });
  const found = /Depends: (linux-image-[0-9]\S+)/.exec(text);
  return found?.[1] ?? name;
}

/** True if the process that made the lock is alive; a lock without a process is being made. */
function isHeld(lock) {
  try {
    process.kill(Number(readFileSync(join(lock, "process"), "utf8")), 0);
    return true;
  } catch (error) {
    return error.code !== "ESRCH";
  }
}

/** One test process at a time: two may want the same package at once. */
async function locked(work) {
  mkdirSync(CACHE, { recursive: true });
  const lock = join(CACHE, "lock");
  for (const started = Date.now(); ;) {
    try {
      mkdirSync(lock);
      break;
    } catch {
      if (!isHeld(lock)) rmSync(lock, { recursive: true, force: true });
      else if (Date.now() - started > LOCK_PATIENCE_MS)
        throw new Error(`${lock} has been there for ${LOCK_PATIENCE_MS} ms: remove it`);
      else await sleep(500);
    }
  }
  try {
    writeFileSync(join(lock, "process"), String(process.pid));
    return work();
  } finally {
    rmSync(lock, { recursive: true, force: true });
  }
}

/** Downloads and unpacks a package if it is not there yet, and gives its folder. Throws if there is no apt, no network or no such package. */
export async function fetchDebian(name) {
  const folder = join(CACHE, name.startsWith("linux-image-") ? `${name}.${KERNEL_FILES_VERSION}` : name);
  if (existsSync(folder)) return folder;
  return locked(() => {
    if (existsSync(folder)) return folder;
    prepare();
    const partial = join(CACHE, `partial-${name}`);
    rmSync(partial, { recursive: true, force: true });
    mkdirSync(partial);
    const quiet = { cwd: partial, stdio: ["ignore", "ignore", "inherit"], timeout: FETCH_MS };
    const real = resolve(name);
    execFileSync("apt-get", [...options(), ...PATIENT, "-qq", "download", real], quiet);
    const [archive] = readdirSync(partial).filter((file) => file.endsWith(".deb"));
    if (archive === undefined) throw new Error(`${real} was not downloaded`);
    const [command, ...words] = KERNEL.test(real)
      ? [
          "sh",
          "-c",
          `dpkg-deb --fsys-tarfile '${archive}' | tar x --wildcards ${KERNEL_FILES.map((file) => `'${file}'`).join(" ")} 2> /dev/null || [ $? -eq 2 ]`,
        ]
      : ["dpkg-deb", "--extract", archive, "."];
    execFileSync(command, words, quiet);
    rmSync(join(partial, archive));
    renameSync(partial, folder);
    return folder;
  });
}

/** The kernel image of a Linux metapackage, such as linux-image-cloud-amd64. */
export async function fetchLinux(name) {
  const boot = join(await fetchDebian(name), "boot");
  const image = readdirSync(boot).find((file) => file.startsWith("vmlinuz"));
  if (image === undefined) throw new Error(`${name} has no kernel`);
  return join(boot, image);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  for (const name of process.argv.slice(2)) console.log(await fetchDebian(name));
}

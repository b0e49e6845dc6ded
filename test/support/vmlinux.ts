/** The vmlinux of a Debian kernel, from its debug package: 283 MB to fetch, and of them one file of 590 MB unpacked. For long tests. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const FETCH_MILLISECONDS = 1_200_000;
const FOLDER = fileURLToPath(new URL("../../.cache/vmlinux", import.meta.url));

/** Path of the file; `kernel` is that of its bzImage, "…/vmlinuz-RELEASE". */
export function fetchVmlinux(kernel: string): string {
  const release = path.basename(kernel).replace("vmlinuz-", "");
  const member = `./usr/lib/debug/boot/vmlinux-${release}`;
  const file = path.join(FOLDER, member);
  if (existsSync(file)) return file;
  mkdirSync(FOLDER, { recursive: true });
  execFileSync("apt-get", ["download", `linux-image-${release}-dbg`], {
    cwd: FOLDER,
    stdio: ["ignore", "inherit", "inherit"],
    timeout: FETCH_MILLISECONDS,
  });
  const archive = readdirSync(FOLDER).find((name) => name.endsWith(".deb"))!;
  // Half a file must not be taken for one.
  const part = "part";
  mkdirSync(path.join(FOLDER, part), { recursive: true });
  execFileSync("sh", ["-c", `dpkg-deb --fsys-tarfile ${archive} | tar -x -C ${part} ${member}`], {
    cwd: FOLDER,
    timeout: FETCH_MILLISECONDS,
  });
  mkdirSync(path.dirname(file), { recursive: true });
  execFileSync("mv", [path.join(FOLDER, part, member), file]);
  rmSync(path.join(FOLDER, part), { recursive: true });
  rmSync(path.join(FOLDER, archive));
  return file;
}

/** An ext4 file system on a disk of each kind: Linux mounts it as it would, writes to it, and e2fsck finds nothing wrong with what it leaves. All kinds but one are in the long form. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";
import { type BlockImage, openImage } from "../../emulator/index.ts";
import { MemoryStore } from "../block/memory-store.ts";
import { Console } from "./console.ts";
import { linuxSystem, type LinuxSystem } from "./system.ts";

const OUT = fileURLToPath(new URL("../../.cache/linux/", import.meta.url));
const MIB = 2 ** 20;
const TOOL_MILLISECONDS = 120_000;
const LONG = 900_000;

const hasTools = spawnSync("mkfs.ext4", ["-V"]).status === 0;
if (!hasTools && process.env["CI"] === undefined)
  console.log("mkfs.ext4 is missing (Debian: e2fsprogs): disks with ext4 are not tried");

/** An image with an empty ext4 in it, as raw bytes or as qcow2. */
function makeDisk(name: string, format: "raw" | "qcow2"): MemoryStore {
  mkdirSync(OUT, { recursive: true });
  const raw = path.join(OUT, `${name}.img`);
  writeFileSync(raw, new Uint8Array(48 * MIB));
  execFileSync("mkfs.ext4", ["-q", "-F", "-U", "00000000-0000-0000-0000-000000000001", raw], {
    timeout: TOOL_MILLISECONDS,
  });
  if (format === "raw") return new MemoryStore(readFileSync(raw), { name: raw });
  const packed = path.join(OUT, `${name}.qcow2`);
  execFileSync("qemu-img", ["convert", "-f", "raw", "-O", "qcow2", raw, packed], {
    timeout: TOOL_MILLISECONDS,
  });
  return new MemoryStore(readFileSync(packed), { name: packed });
}

function check(image: BlockImage, name: string): { readonly output: string; readonly status: number | null } {
  const file = path.join(OUT, `${name}-after.img`);
  writeFileSync(file, image.read(0, image.sizeBytes));
  const { stdout, stderr, status } = spawnSync("e2fsck", ["-fn", file], {
    encoding: "utf8",
    timeout: TOOL_MILLISECONDS,
  });
  return { output: stdout + stderr, status };
}

const DISKS = [
  { attach: "virtio", format: "raw", device: "vda" },
  { attach: "ide", format: "qcow2", device: "sda" },
] as const;
const isLong = process.env["REDZONE_LONG"] === "1";

describe.skipIf(!hasTools)("ext4", () => {
  let system: LinuxSystem;
  beforeAll(async () => {
    system = await linuxSystem("cloud", ["virtio_blk", "virtio_pci", "ext4", "ata_piix", "sd_mod"]);
  }, LONG);

  test.each(isLong ? DISKS : DISKS.slice(0, 1))(
    "on $format by $attach",
    { timeout: LONG },
    ({ attach, format, device }) => {
      const store = makeDisk(`${attach}-${format}`, format);
      const image = openImage(store, format);
      // The host is late now and then; the machine waits and the guest does not notice.
      store.late = (offset) => offset % 3072 === 0;
      const drive = {
        id: "d0",
        attach,
        index: 0,
        media: "disk",
        readOnly: false,
        writeThrough: true,
      } as const;
      const guest = new Console(system, {
        append: "console=ttyS0 cryptomgr.notests",
        config: { drives: [drive] },
        host: { images: new Map([["d0", image]]) },
      });
      guest.waitFor("/ # ");
      expect(guest.command(`mount -t ext4 /dev/${device} /mnt && echo mounted`)).toContain("mounted\n");
      guest.command(
        "for i in 1 2 3 4 5 6 7 8; do dd if=/bin/busybox of=/mnt/copy$i bs=64k 2>/dev/null; done",
      );
      guest.command("mkdir /mnt/folder; seq 1 20000 > /mnt/folder/numbers; rm /mnt/copy3; sync");
      expect(guest.command("md5sum /bin/busybox /mnt/copy8 | cut -c1-32 | uniq | wc -l").trim()).toBe("1");
      guest.command("echo 3 > /proc/sys/vm/drop_caches");
      expect(guest.command("cmp /bin/busybox /mnt/copy7 && tail -n1 /mnt/folder/numbers").trim()).toBe(
        "20000",
      );
      expect(guest.command("umount /mnt && echo unmounted")).toContain("unmounted\n");
      expect(guest.leave("poweroff -f")).toEqual({ kind: "power-off" });

      store.late = () => false;
      const checked = check(image, attach);
      expect(checked.output).not.toMatch(/error|corrupt/i);
      expect(checked.status).toBe(0);
      expect(checked.output).toMatch(/: 20\/\d+ files/);
    },
  );
});

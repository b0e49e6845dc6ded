/** IDE: the PIIX3's controller, ATA disks, ATAPI drives. Everything other folders may use of it. */
import type { BlockImage } from "../../block/index.ts";
import { AtapiDrive } from "./cdrom.ts";
import type { MakeDrive } from "./controller.ts";
import { AtaDisk } from "./disk.ts";

export { AtaDisk } from "./disk.ts";
export { AtapiDrive } from "./cdrom.ts";
export { IdeController, type MakeDrive } from "./controller.ts";

export interface IdePlug {
  readonly media: "disk" | "cdrom";
  /** Null: an empty tray; a disk needs one. */
  readonly image: BlockImage | null;
  /** Default QM00001 … QM00004 by position, as QEMU. */
  readonly serial?: string;
}

/** The drive that a position of the controller gets, 0 primary master … 3 secondary slave. */
export function makeDrive(position: number, plug: IdePlug | null): MakeDrive {
  if (plug === null) return null;
  const serial = plug.serial ?? `QM${String(position + 1).padStart(5, "0")}`;
  const { image } = plug;
  if (plug.media === "cdrom") return (host) => new AtapiDrive(host, image, serial);
  return image === null ? null : (host) => new AtaDisk(host, image, serial);
}

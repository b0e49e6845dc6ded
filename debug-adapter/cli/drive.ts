/**
 * Disks, CDs and floppies as QEMU's options name them (`-drive`, `-blockdev`, `-hda`, `-cdrom`, `-fda`, `-device …,drive=`), and where each is plugged in.
 *
 * Invariant: two drives never have one id or one place. Writes stay in the machine unless `snapshot=off` is said: that is the one difference in the
 * meaning of these words, because a state that can be gone back to must own what it wrote.
 * Elsewhere: opening the images (`debug-adapter/drives.ts`), the other options (`options.ts`).
 */
import type { DriveConfig } from "../../emulator/index.ts";
import { onOff, Refusal, wholeNumber } from "./refusal.ts";
import { keyValues } from "./words.ts";

export type ImageFormat = "probe" | "raw" | "qcow2";

export interface DriveOption {
  readonly config: DriveConfig;
  /** As it was given; null: an empty tray. */
  readonly path: string | null;
  readonly format: ImageFormat;
}

type Interface = DriveConfig["attach"] | "none";

interface Drive {
  readonly id: string | null;
  readonly interface: Interface;
  readonly index: number | null;
  readonly media: DriveConfig["media"];
  readonly path: string | null;
  readonly format: ImageFormat;
  readonly readOnly: boolean;
  /** Null: not said. */
  readonly snapshot: boolean | null;
  readonly serial: string | null;
}

/** Of -drive and -blockdev: how the host works, which no guest can see. */
const UNSEEN =
  /^(?:cache(?:\..+)?|aio|discard|detect-zeroes|werror|rerror|copy-on-read|auto-read-only|throttling\..+|(?:iops|bps)(?:[_-].+)?|locking|file\.(?:cache\..+|aio|locking|discard|auto-read-only))$/;
/** Of -device: how QEMU works inside, or how it divides work. */
const UNSEEN_DEVICE =
  /^(?:iothread|ioeventfd|num-queues|queue-size|event_idx|indirect_desc|write-cache|share-rw|disable-(?:legacy|modern)|request-merging|rerror|werror|page-per-vq)$/;
const PLACES = { ide: 4, floppy: 2, virtio: 24 } as const;
const DRIVERS: {
  readonly [driver: string]: { readonly attach: DriveConfig["attach"]; readonly media: DriveConfig["media"] };
} = {
  "ide-hd": { attach: "ide", media: "disk" },
  "ide-cd": { attach: "ide", media: "cdrom" },
  floppy: { attach: "floppy", media: "disk" },
  "virtio-blk-pci": { attach: "virtio", media: "disk" },
  "virtio-blk-pci-non-transitional": { attach: "virtio", media: "disk" },
  "virtio-blk-pci-transitional": { attach: "virtio", media: "disk" },
  "virtio-blk": { attach: "virtio", media: "disk" },
};
/** QEMU's letters for `-boot`. */
const LETTERS = { floppy: "a", disk: "c", cdrom: "d" } as const;

export class DriveTable {
  readonly #notes: string[];
  readonly #drives: Drive[] = [];
  /** -blockdev by node name. */
  readonly #nodes = new Map<string, Pick<Drive, "path" | "format" | "readOnly">>();
  readonly #places = new Set<string>();
  readonly #bootOrder: { readonly index: number; readonly letter: string }[] = [];

  /** What has no effect is added to `notes`. */
  constructor(notes: string[]) {
    this.#notes = notes;
  }

  /** `-hda FILE`, `-cdrom FILE`, `-fda FILE` … */
  plain(option: string, path: string): void {
    const letter = option.at(-1)!;
    const isFloppy = option.startsWith("-fd");
    const isCd = option === "-cdrom";
    this.#add(option, {
      id: null,
      interface: isFloppy ? "floppy" : "ide",
      index: isCd ? 2 : letter.charCodeAt(0) - "a".charCodeAt(0),
      media: isCd ? "cdrom" : "disk",
      path: path === "" ? null : path,
      format: "probe",
      readOnly: isCd,
      snapshot: null,
      serial: null,
    });
  }

  /** `-drive file=…,if=…` */
  drive(text: string): void {
    const option = "-drive";
    const values = keyValues(text, "file");
    const take = taker(values);
    const place = take("if") ?? "ide";
    if (place !== "ide" && place !== "virtio" && place !== "floppy" && place !== "none")
      throw new Refusal(`-drive if=${place} is not supported: use ide, virtio, floppy or none`);
    const media = take("media") ?? "disk";
    if (media !== "disk" && media !== "cdrom")
      throw new Refusal(`-drive media=${media} is not supported: use disk or cdrom`);
    const bus = take("bus");
    const unit = take("unit");
    const index = take("index");
    if (index !== null && (bus !== null || unit !== null))
      throw new Refusal("-drive: index= cannot be used together with bus= and unit=");
    const perBus = place === "ide" ? 2 : place === "floppy" ? 2 : 1;
    const at =
      index !== null
        ? wholeNumber("-drive index=", index)
        : bus === null && unit === null
          ? null
          : wholeNumber("-drive bus=", bus ?? "0") * perBus + wholeNumber("-drive unit=", unit ?? "0");
    const driver = take("file.driver");
    if (driver !== null && driver !== "file")
      throw new Refusal(`-drive file.driver=${driver} is not supported: use file`);
    const path = take("file") ?? take("file.filename");
    const format = imageFormat(option, take("format") ?? take("driver"));
    const readOnly = onOff("-drive readonly=", take("readonly") ?? take("read-only") ?? "off");
    const snapshot = take("snapshot");
    const drive: Drive = {
      id: take("id"),
      interface: place,
      index: at,
      media,
      path: path === "" ? null : path,
      format,
      readOnly: media === "cdrom" || readOnly,
      snapshot: snapshot === null ? null : onOff("-drive snapshot=", snapshot),
      serial: take("serial"),
    };
    this.#rest(option, values, UNSEEN);
    this.#add(option, drive);
  }

  /** `-blockdev driver=qcow2,node-name=…,file.filename=…`, or a node that names another as its `file`. */
  blockdev(text: string): void {
    if (text.startsWith("{"))
      throw new Refusal("-blockdev with JSON is not supported: use driver=…,node-name=…");
    const values = keyValues(text, "driver");
    const take = taker(values);
    const driver = take("driver") ?? "";
    const name = take("node-name");
    if (name === null) throw new Refusal(`-blockdev ${text}: there is no node-name=`);
    const isReadOnly = onOff("-blockdev read-only=", take("read-only") ?? "off");
    const fileDriver = take("file.driver");
    if (fileDriver !== null && fileDriver !== "file")
      throw new Refusal(`-blockdev file.driver=${fileDriver} is not supported: use file`);
    const file = take("file");
    const below = file === null ? undefined : this.#nodes.get(file);
    if (file !== null && below === undefined)
      throw new Refusal(`-blockdev ${text}: there is no -blockdev with the node-name "${file}" before it`);
    const path = take("filename") ?? take("file.filename") ?? below?.path ?? null;
    if (path === null) throw new Refusal(`-blockdev ${text}: there is no file`);
    this.#rest("-blockdev", values, UNSEEN);
    const format = driver === "file" ? "raw" : imageFormat("-blockdev", driver);
    this.#nodes.set(name, { path, format, readOnly: isReadOnly || below?.readOnly === true });
  }

  knows(driver: string): boolean {
    return Object.hasOwn(DRIVERS, driver);
  }

  /** `-device ide-hd,drive=ID …`, for a driver that `knows` takes. */
  device(driver: string, values: Map<string, string>): void {
    const option = `-device ${driver}`;
    const { attach, media } = DRIVERS[driver]!;
    const take = taker(values);
    take("driver");
    const name = take("drive");
    const id = take("id");
    const serial = take("serial");
    const bootIndex = take("bootindex");
    const bus = take("bus");
    const unit = take("unit");
    const address = take("addr");
    if (address !== null)
      this.#notes.push(
        `${option},addr=${address} has no effect: PCI slots are given in the order of the options`,
      );
    for (const key of ["logical_block_size", "physical_block_size"]) {
      const size = take(key);
      if (size !== null && size !== "512")
        throw new Refusal(`${option},${key}=${size} is not supported: blocks have 512 bytes`);
    }
    this.#rest(option, values, UNSEEN_DEVICE);

    let drive: Drive;
    if (name === null) {
      if (media !== "cdrom") throw new Refusal(`${option}: there is no drive=`);
      drive = {
        id,
        interface: attach,
        index: null,
        media,
        path: null,
        format: "raw",
        readOnly: true,
        snapshot: null,
        serial,
      };
    } else {
      const at = this.#drives.findIndex(
        (candidate) => candidate.id === name && candidate.interface === "none",
      );
      const node = this.#nodes.get(name);
      if (at < 0 && node === undefined)
        throw new Refusal(`${option}: there is no -drive if=none with the id "${name}" before it`);
      const [found] = at < 0 ? [undefined] : this.#drives.splice(at, 1);
      if (node !== undefined) this.#nodes.delete(name);
      drive = {
        id: name,
        interface: attach,
        index: null,
        media,
        path: found?.path ?? node?.path ?? null,
        format: found?.format ?? node?.format ?? "probe",
        readOnly: media === "cdrom" || (found?.readOnly ?? node?.readOnly ?? false),
        snapshot: found?.snapshot ?? null,
        serial: serial ?? found?.serial ?? null,
      };
    }
    const index = attach === "virtio" ? null : placeOf(option, attach, bus, unit);
    this.#add(option, { ...drive, index });
    if (bootIndex !== null) {
      const letter = LETTERS[attach === "floppy" ? "floppy" : media];
      this.#bootOrder.push({ index: wholeNumber(`${option},bootindex=`, bootIndex), letter });
    }
  }

  /** Letters in the order of `bootindex=`; null if there was none. */
  get bootOrder(): string | null {
    if (this.#bootOrder.length === 0) return null;
    const sorted = this.#bootOrder.toSorted((a, b) => a.index - b.index).map(({ letter }) => letter);
    return [...new Set(sorted)].join("");
  }

  /** All drives with their places. `isSnapshot`: `-snapshot` was given. */
  resolve(isSnapshot: boolean): readonly DriveOption[] {
    const unused = this.#drives.find((drive) => drive.interface === "none");
    if (unused !== undefined)
      this.#notes.push(`-drive id=${unused.id ?? ""} is not used: no -device has it as its drive=`);
    const kept: string[] = [];
    const options: DriveOption[] = [];
    const ids = new Set<string>();
    for (const drive of this.#drives) {
      if (drive.interface === "none") continue;
      const attach = drive.interface;
      const index = drive.index ?? this.#free(attach);
      this.#places.add(`${attach} ${index}`);
      const id = drive.id ?? nameOf(attach, drive.media, index);
      if (ids.has(id)) throw new Refusal(`-drive id=${id} is there twice`);
      ids.add(id);
      const isWritten = !drive.readOnly && drive.path !== null;
      const writeThrough = isWritten && drive.snapshot === false;
      if (isWritten && drive.snapshot === null && !isSnapshot) kept.push(drive.path);
      const { media, readOnly, serial } = drive;
      const config: DriveConfig = {
        id,
        attach,
        index,
        media,
        readOnly,
        ...(serial === null ? {} : { serial }),
        ...(writeThrough ? { writeThrough } : {}),
      };
      options.push({ config, path: drive.path, format: drive.format });
    }
    if (kept.length > 0)
      this.#notes.push(
        `what the guest writes to ${kept.join(", ")} is gone at the end; with snapshot=off it goes to the file`,
      );
    return options;
  }

  #add(option: string, drive: Drive): void {
    const { interface: attach, index, id } = drive;
    if (id !== null && this.#drives.some((other) => other.id === id))
      throw new Refusal(`${option} id=${id} is there twice`);
    if (attach !== "none" && index !== null) {
      if (index >= PLACES[attach])
        throw new Refusal(
          `${option} index=${index} is not supported: ${attach} has 0 to ${PLACES[attach] - 1}`,
        );
      const place = `${attach} ${index}`;
      if (this.#places.has(place))
        throw new Refusal(`${option}: there is another drive at if=${attach},index=${index}`);
      this.#places.add(place);
    }
    this.#drives.push(drive);
  }

  #free(attach: DriveConfig["attach"]): number {
    for (let index = 0; index < PLACES[attach]; index++)
      if (!this.#places.has(`${attach} ${index}`)) return index;
    throw new Refusal(`too many drives: ${attach} has room for ${PLACES[attach]}`);
  }

  /** Refuses what has not been taken and what a guest could see the lack of. */
  #rest(option: string, values: ReadonlyMap<string, string>, unseen: RegExp): void {
    for (const [key, value] of values) {
      if (!unseen.test(key))
        throw new Refusal(`${option}${option.startsWith("-device") ? "," : " "}${key}= is not supported`);
      this.#notes.push(`${option} ${key}=${value} has no effect: the guest sees none of it`);
    }
  }
}

/** Takes values out of a list, so that what is left over can be named. */
const taker =
  (values: Map<string, string>) =>
  (key: string): string | null => {
    const value = values.get(key) ?? null;
    values.delete(key);
    return value;
  };

/** QEMU's names of drives that were given none. */
function nameOf(attach: DriveConfig["attach"], media: DriveConfig["media"], index: number): string {
  if (attach !== "ide") return `${attach}${index}`;
  return `ide${Math.floor(index / 2)}-${media === "cdrom" ? "cd" : "hd"}${index % 2}`;
}

/** `bus=ide.1,unit=0` */
function placeOf(
  option: string,
  attach: "ide" | "floppy",
  bus: string | null,
  unit: string | null,
): number | null {
  if (bus === null && unit === null) return null;
  const match =
    attach === "ide" ? /^ide\.([01])$/.exec(bus ?? "ide.0") : /^(?:floppy-bus|fdc)\.0$/.exec(bus ?? "fdc.0");
  if (match === null) throw new Refusal(`${option},bus=${bus} is not supported: use ide.0 or ide.1`);
  const low = wholeNumber(`${option},unit=`, unit ?? "0");
  if (low > 1) throw new Refusal(`${option},unit=${low} is not supported: a bus has units 0 and 1`);
  return attach === "ide" ? Number(match[1]) * 2 + low : low;
}

function imageFormat(option: string, name: string | null): ImageFormat {
  if (name === null) return "probe";
  if (name === "raw" || name === "qcow2") return name;
  throw new Refusal(`${option} format=${name} is not supported: images are raw or qcow2`);
}

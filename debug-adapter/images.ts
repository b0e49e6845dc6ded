/**
 * The symbols of a session: an image for every file the boot loaded and every file the configuration names, each where the guest will have it.
 *
 * A kernel whose segments are loaded at other physical addresses than they are linked at is there twice: code before paging runs at the former, later
 * code at the latter. Separate debug files are looked for as gdb does (beside the image, in .debug/, below /usr/lib/debug).
 * Invariant: a file without usable symbols is a note for the user and stops nothing.
 */
import type { LoadedImage } from "../emulator/index.ts";
import type { Booted } from "./boot.ts";
import { badSymbols } from "./errors.ts";
import { directoryOf, type Files } from "./files.ts";
import type { SymbolFile } from "./launch.ts";
import { findVmlinux, KernelFile, kernelRelease } from "./linux/index.ts";
import {
  memoryReader,
  openImage,
  SymbolError,
  SymbolTable,
  type FileReader,
  type SymbolImage,
} from "./symbols/index.ts";

/** An image as DAP's modules show it. */
export interface Module {
  readonly id: number;
  readonly name: string;
  readonly path: string | null;
  readonly image: SymbolImage | null;
  /** Why there are no symbols. */
  readonly problem: string | null;
  readonly role: string;
}

export interface LoadedSymbols {
  readonly table: SymbolTable;
  readonly modules: Module[];
  /** The file of the Linux kernel that boots; its symbols are not in the table, because they move (`linux/kernel.ts`). */
  readonly kernel: KernelFile | null;
  readonly notes: readonly string[];
}

/** Loaders of bzImage, whose kernel decompresses itself. */
const COMPRESSED: ReadonlySet<string> = new Set(["linux", "linux32", "linux16"]);
const DEBUG_DIRECTORY = "/usr/lib/debug";

/** Opens everything; reads no more than headers. */
export function loadSymbols(
  booted: Booted,
  extra: readonly SymbolFile[],
  vmlinux: string | null,
  cwd: string,
  files: Files,
): LoadedSymbols {
  const table = new SymbolTable();
  const modules: Module[] = [];
  const notes: string[] = [];
  const isCompressed = booted.plan !== null && COMPRESSED.has(booted.plan.loader);
  const add = (
    name: string,
    path: string | null,
    role: string,
    reader: () => FileReader,
    offsets: readonly bigint[],
    required: boolean,
  ): void => {
    const image = attempt(() => openWithDebug(name, path, reader(), offsets[0] ?? 0n, files, notes));
    const id = modules.length + 1;
    if (image instanceof Error) {
      if (required) notes.push(badSymbols(path ?? name, image).message);
      modules.push({ id, name, path, image: null, problem: image.message, role });
      return;
    }
    // The place it is linked at is added last and so answers first.
    for (const offset of offsets.slice(1)) table.add(image.at(offset));
    table.add(image);
    modules.push({ id, name, path, image, problem: null, role });
  };
  for (const file of booted.plan?.images ?? []) {
    const path = booted.paths.get(file.name) ?? null;
    // A compressed Linux kernel has no symbols of its own.
    const isCode = !isCompressed && (file.role !== "module" || file.segments.length > 0);
    add(
      file.name,
      path,
      file.role,
      () => memoryReader(file.bytes),
      [file.loadBias, ...physicalOffsets(file)],
      isCode,
    );
  }
  let kernel: KernelFile | null = null;
  for (const { path: given, loadOffset } of extra) {
    const path = files.resolve(cwd, given);
    add(given, path, "symbols", () => files.open(path), [loadOffset], true);
    const image = modules.at(-1)?.image ?? null;
    if (!isCompressed || vmlinux !== null || image === null || loadOffset !== 0n) continue;
    // The kernel's own file among the symbols: it is moved to where the kernel runs.
    kernel ??= KernelFile.of(image);
    if (kernel?.image === image) table.remove(image);
  }
  const found = vmlinux ?? (isCompressed && kernel === null ? besideKernel(booted, files) : null);
  if (found !== null) {
    const path = files.resolve(cwd, found);
    add(found, path, "vmlinux", () => files.open(path), [0n], true);
    const image = modules.at(-1)?.image ?? null;
    kernel = image === null ? null : KernelFile.of(image);
    if (kernel !== null) table.remove(kernel.image);
    else if (image !== null)
      notes.push(
        `${found} is not the vmlinux of a 64-bit Linux kernel with a build id; its symbols are where it is linked.`,
      );
  }
  return { table, modules, kernel, notes };
}

function besideKernel({ plan, mainPath }: Booted, files: Files): string | null {
  const bytes = plan?.images.find(({ role }) => role === "kernel")?.bytes;
  return bytes === undefined ? null : findVmlinux(mainPath, kernelRelease(bytes), files);
}

/** What must be added to linked addresses to get physical ones, where the two differ. */
function physicalOffsets({ segments, loadBias }: LoadedImage): bigint[] {
  const offsets = new Set<bigint>();
  for (const { executable, virtualAddress, physicalAddress } of segments) {
    const delta = BigInt(physicalAddress) - virtualAddress;
    if (executable && delta !== 0n) offsets.add(loadBias + delta);
  }
  return [...offsets];
}

function attempt<T>(action: () => T | SymbolError): T | Error {
  try {
    return action();
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

function openWithDebug(
  name: string,
  path: string | null,
  reader: FileReader,
  loadOffset: bigint,
  files: Files,
  notes: string[],
): SymbolImage | SymbolError {
  const { decompress } = files;
  const image = openImage(reader, { name, loadOffset, decompress });
  if (image instanceof SymbolError) return image;
  const separate = image.separateDebug;
  if (separate === null) return image;
  const directory = path === null ? "" : directoryOf(path);
  const found = debugPaths(separate.buildId, separate.debugLink, directory).find(
    (candidate) => candidate !== path && files.exists(candidate),
  );
  const shared =
    separate.supplementary === null ? undefined : files.resolve(directory, separate.supplementary);
  const supplementary =
    shared !== undefined && files.exists(shared) ? { name: shared, reader: files.open(shared) } : undefined;
  if (found === undefined && supplementary === undefined) return image;
  const debug = found === undefined ? undefined : { name: found, reader: files.open(found) };
  const whole = openImage(reader, { name, loadOffset, decompress, debug, supplementary });
  if (!(whole instanceof SymbolError)) return whole;
  notes.push(badSymbols(found ?? name, whole).message);
  return image;
}

function debugPaths(buildId: string | null, link: string | null, directory: string): string[] {
  const paths: string[] = [];
  if (buildId !== null && buildId.length > 2)
    paths.push(`${DEBUG_DIRECTORY}/.build-id/${buildId.slice(0, 2)}/${buildId.slice(2)}.debug`);
  if (link !== null)
    paths.push(
      `${directory}/${link}`,
      `${directory}/.debug/${link}`,
      `${DEBUG_DIRECTORY}${directory}/${link}`,
    );
  return paths;
}

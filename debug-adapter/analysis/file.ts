/**
 * A whole file analysed: a kernel, an object file, or an archive of them.
 *
 * In steps, so that a caller can show how far it is and stop it. Damage of one member or one function is a sentence in `problems` and ends nothing else.
 */
import type { FileAnalysisBody, FileFunctionBody, UnitBody } from "../../media/protocol.ts";
import { cannotReadFile } from "../errors.ts";
import { baseName, directoryOf, type Files } from "../files.ts";
import { Sources } from "../sources.ts";
import {
  ET,
  openImage,
  SymbolError,
  type FileReader,
  type SourcePosition,
  type SymbolImage,
} from "../symbols/index.ts";
import { archiveMembers, isArchive } from "./archive.ts";
import { stackBody } from "./body.ts";
import { memberOf, parseLinkMap, type LinkMap } from "./link-map.ts";
import { ArchiveCode } from "./member.ts";
import { Program, type ProgramFunction } from "./program.ts";
import { unitsOf } from "./unit.ts";

export interface FileOptions {
  /** Directories that sources are looked for in, beside the file's own. */
  readonly roots?: readonly string[];
  /** From directories that compilers recorded to those of this machine. */
  readonly sourceMap?: ReadonlyMap<string, string>;
  /** Archives that may have been linked in, for a kernel without a linker's map. */
  readonly archives?: readonly string[];
}

/** Of files with more functions only those with a red zone are told with their lines: reading the line tables of a distribution's kernel takes five times as long as analysing it. */
const LINES_MAX = 20_000;
const MAP_MAX_BYTES = 256 << 20;

/** Analyses the file at a path; each value is the fraction done. Throws `cannotReadFile`. */
export function* analyseFile(
  path: string,
  files: Files,
  options: FileOptions = {},
): Generator<number, FileAnalysisBody> {
  const reader = open(path, files);
  const roots = [directoryOf(path), ...(options.roots ?? [])];
  const work = new Work(path, files, new Sources(files, options.sourceMap ?? new Map(), roots));
  const name = baseName(path);
  if (isArchive(reader)) {
    try {
      for (const member of archiveMembers(reader, name)) {
        const inside = member.reader ?? beside(path, member.name, files);
        if (inside === null) work.problems.push(`${member.name} is not beside the thin archive ${name}.`);
        else yield* work.add(inside, member.name, { member: member.name, isLoose: true });
      }
    } catch (error) {
      if (!(error instanceof SymbolError)) throw error;
      work.problems.push(error.message);
    }
    return work.body("archive");
  }
  const image = openImage(reader, { name, decompress: files.decompress });
  if (image instanceof SymbolError) throw cannotReadFile("program", path, image);
  const kind = image.file.elf.type === ET.REL ? "object" : "kernel";
  const archives = kind === "kernel" ? work.archives(options.archives ?? []) : [];
  const map = kind === "kernel" ? mapBeside(path, files) : null;
  yield* work.addImage(withDebug(image, path, reader, files), {
    member: null,
    isLoose: false,
    map,
    archives,
  });
  return work.body(kind);
}

interface Origin {
  /** The archive's member, if an archive is analysed. */
  readonly member: string | null;
  /** What is no object file is no problem, either. */
  readonly isLoose: boolean;
  readonly map?: LinkMap | null;
  readonly archives?: readonly ArchiveCode[];
}

class Work {
  readonly problems: string[] = [];
  readonly #path: string;
  readonly #files: Files;
  readonly #sources: Sources;
  readonly #functions: FileFunctionBody[] = [];
  readonly #units = new Map<string, UnitBody>();
  #count = 0;
  #incomplete = 0;

  constructor(path: string, files: Files, sources: Sources) {
    this.#path = path;
    this.#files = files;
    this.#sources = sources;
  }

  archives(paths: readonly string[]): ArchiveCode[] {
    return paths.flatMap((path) => {
      try {
        return [new ArchiveCode(this.#files.open(path), baseName(path))];
      } catch (error) {
        this.problems.push(cannotReadFile("archive", path, error).message);
        return [];
      }
    });
  }

  *add(reader: FileReader, name: string, origin: Origin): Generator<number> {
    const image = openImage(reader, { name, decompress: this.#files.decompress });
    if (!(image instanceof SymbolError)) yield* this.addImage(image, origin);
    else if (!origin.isLoose || /\.(?:o|obj)$/i.test(name)) this.problems.push(image.message);
  }

  *addImage(image: SymbolImage, origin: Origin): Generator<number> {
    const program = new Program(image);
    const { functions } = program;
    /** Units with a function that uses the red zone: whatever their compiler recorded, it was allowed to. */
    const using = new Set<string | null>();
    this.#count += functions.length;
    for (const [i, bounds] of functions.entries()) {
      if (i % 64 === 0) yield i / functions.length;
      const row = this.#row(bounds, program, origin, functions.length <= LINES_MAX);
      if (!row.isComplete) this.#incomplete++;
      this.#functions.push(row);
      if (row.redZoneBytes > 0) using.add(image.unitAt(bounds.entry));
    }
    if (program.bits === 64) {
      for (const { file, producer, redZone: recorded } of unitsOf(image)) {
        const redZone = recorded === "unknown" && using.has(file) ? "yes" : recorded;
        const key = `${file}\0${redZone}`;
        if (!this.#units.has(key))
          this.#units.set(key, { name: file, path: this.#sources.find(file), producer, redZone });
      }
    }
    for (const problem of image.problems.slice(0, 5)) this.problems.push(problem.message);
  }

  body(kind: FileAnalysisBody["kind"]): FileAnalysisBody {
    return {
      file: this.#path,
      kind,
      functionCount: this.#count,
      incompleteCount: this.#incomplete,
      functions: this.#functions,
      units: [...this.#units.values()],
      problems: this.problems,
    };
  }

  #row(bounds: ProgramFunction, program: Program, origin: Origin, withLines: boolean): FileFunctionBody {
    const { image } = program;
    const stack = program.analyse(bounds);
    const place = withLines || stack.redZoneBytes > 0 ? placeOf(bounds, image) : null;
    return {
      ...stackBody(stack, (address) => lineOf(address, image)),
      file: place?.file ?? null,
      path: place === null ? null : this.#sources.find(place.file),
      line: place?.line ?? null,
      member: origin.member ?? (stack.redZoneBytes > 0 ? broughtBy(bounds, program, origin) : null),
      isLabel: bounds.isLabel,
    };
  }
}

/** Where a function is written: as its debug information says, or where its first instruction is from. */
function placeOf({ entry }: ProgramFunction, image: SymbolImage): SourcePosition | null {
  const found = image.functionAt(entry);
  const place = (found?.low === entry ? found.declaration : null) ?? image.lineAt(entry);
  return place === null || place.line === 0 ? null : place;
}

/** The line of the function itself; what was inlined there may be of another file. */
function lineOf(address: bigint, image: SymbolImage): number | null {
  return image.framesAt(address).at(-1)?.position?.line ?? image.lineAt(address)?.line ?? null;
}

/** The archive's member that a function of a kernel is from. */
function broughtBy(bounds: ProgramFunction, program: Program, { map, archives }: Origin): string | null {
  const file = map?.at(bounds.entry) ?? null;
  if (file !== null) return memberOf(file);
  for (const archive of archives ?? []) {
    const member = archive.memberOf(bounds, program);
    if (member !== null) return member;
  }
  return null;
}

function open(path: string, files: Files): FileReader {
  try {
    return files.open(path);
  } catch (error) {
    throw cannotReadFile("program", path, error);
  }
}

/** A member of a thin archive is a file; its name is relative to the archive. */
function beside(archive: string, name: string, files: Files): FileReader | null {
  const path = files.resolve(directoryOf(archive), name);
  return files.exists(path) ? files.open(path) : null;
}

/** The linker's map, where build files put it: `kernel.map` or `kernel.elf.map` beside `kernel.elf`. */
function mapBeside(path: string, files: Files): LinkMap | null {
  for (const candidate of [`${path}.map`, `${path.replace(/\.[^./\\]+$/, "")}.map`]) {
    if (candidate === path || !files.exists(candidate)) continue;
    const reader = files.open(candidate);
    if (reader.size > MAP_MAX_BYTES) continue;
    const map = parseLinkMap(new TextDecoder().decode(reader.read(0, reader.size)));
    if (map !== null) return map;
  }
  return null;
}

/** With its separate debug file, if that is beside it. */
function withDebug(image: SymbolImage, path: string, reader: FileReader, files: Files): SymbolImage {
  const link = image.separateDebug?.debugLink;
  if (link === null || link === undefined) return image;
  for (const candidate of [`${directoryOf(path)}/${link}`, `${directoryOf(path)}/.debug/${link}`]) {
    if (candidate === path || !files.exists(candidate)) continue;
    const debug = { name: candidate, reader: files.open(candidate) };
    const whole = openImage(reader, { name: image.name, decompress: files.decompress, debug });
    if (!(whole instanceof SymbolError)) return whole;
  }
  return image;
}

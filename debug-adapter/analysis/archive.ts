/**
 * An archive of object files (`ar`), as a list of its members.
 *
 * Two ways to write names longer than 15 bytes are about: GNU's, in a member "//" that others point into ("/123"), and BSD's, before the contents ("#1/20").
 * A thin archive holds no contents: its members are files beside it, which the caller opens.
 */
import { SymbolError, type FileReader } from "../symbols/index.ts";

export interface ArchiveMember {
  readonly name: string;
  /** Null in a thin archive. */
  readonly reader: FileReader | null;
}

const MAGIC = "!<arch>\n";
const THIN_MAGIC = "!<thin>\n";
const HEADER_BYTES = 60;
const NAMES_MAX_BYTES = 64 << 20;

export function isArchive(reader: FileReader): boolean {
  const magic = text(reader, 0, Math.min(MAGIC.length, reader.size));
  return magic === MAGIC || magic === THIN_MAGIC;
}

/** The members that may be object files, in their order. @throws SymbolError if the archive is damaged */
export function* archiveMembers(reader: FileReader, name: string): Generator<ArchiveMember> {
  const isThin = text(reader, 0, MAGIC.length) === THIN_MAGIC;
  let longNames = "";
  for (let at = MAGIC.length; at + HEADER_BYTES <= reader.size;) {
    // ar(5): name 16, date 12, owner 6, group 6, mode 8, size 10 in decimal, "`\n".
    const header = text(reader, at, HEADER_BYTES);
    if (header.slice(58) !== "`\n") throw new SymbolError(name, at, "no archive member begins here");
    const size = Number(header.slice(48, 58).trim());
    const start = at + HEADER_BYTES;
    const given = header.slice(0, 16).trimEnd();
    const isIndex = given === "/" || given === "/SYM64/" || given === "//";
    const inside = !isThin || isIndex;
    if (!Number.isSafeInteger(size) || size < 0 || (inside && start + size > reader.size))
      throw new SymbolError(
        name,
        at,
        `a member of ${header.slice(48, 58).trim()} bytes does not fit the archive`,
      );
    at = start + (inside ? size + (size & 1) : 0);
    if (given === "//") {
      if (size > NAMES_MAX_BYTES) throw new SymbolError(name, start, "the table of names is too long");
      longNames = text(reader, start, size);
      continue;
    }
    if (isIndex || given.startsWith("__.SYMDEF")) continue;
    let member = given.replace(/\/$/, "");
    let offset = 0;
    const gnu = /^\/(\d+)$/.exec(given);
    const bsd = /^#1\/(\d+)$/.exec(given);
    if (gnu !== null) {
      const from = Number(gnu[1]);
      const end = longNames.indexOf("\n", from);
      member = longNames.slice(from, end < 0 ? undefined : end).replace(/\/$/, "");
    } else if (bsd !== null) {
      offset = Math.min(Number(bsd[1]), size);
      member = text(reader, start, offset).replace(/\0+$/, "");
      if (member.startsWith("__.SYMDEF")) continue;
    }
    yield { name: member, reader: isThin ? null : part(reader, start + offset, size - offset) };
  }
}

const part = (reader: FileReader, start: number, size: number): FileReader => ({
  size,
  read: (offset, length) => reader.read(start + offset, length),
});

function text(reader: FileReader, offset: number, length: number): string {
  return new TextDecoder("latin1").decode(reader.read(offset, length));
}

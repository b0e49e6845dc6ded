/**
 * Which member of an archive a function of a linked image is, by its code: for images without a linker's map.
 *
 * Two functions are the same if they have one name and one length, and the same bytes wherever the linker had nothing to fill in.
 */
import { openImage, SymbolError, type FileReader } from "../symbols/index.ts";
import { archiveMembers } from "./archive.ts";
import { Program, type ProgramFunction } from "./program.ts";

interface Candidate {
  readonly member: string;
  readonly bytes: Uint8Array;
  /** Bit set: the byte counts. */
  readonly isFixed: Uint8Array;
}

export class ArchiveCode {
  readonly #byName = new Map<string, Candidate[]>();

  /** @param name of the archive, as it is shown. @throws SymbolError if the archive is damaged */
  constructor(reader: FileReader, name: string) {
    for (const member of archiveMembers(reader, name)) {
      if (member.reader === null) continue;
      const image = openImage(member.reader, { name: member.name });
      if (image instanceof SymbolError) continue;
      const program = new Program(image);
      for (const bounds of program.functions) {
        const [range] = bounds.ranges;
        const length = Number(range!.high - range!.low);
        const bytes = program.read(range!.low, length);
        if (bytes === null || bytes.length !== length) continue;
        const candidate = {
          member: `${name}(${member.name})`,
          bytes,
          isFixed: program.fixedBytes(range!.low, length),
        };
        const list = this.#byName.get(bounds.name);
        if (list === undefined) this.#byName.set(bounds.name, [candidate]);
        else list.push(candidate);
      }
    }
  }

  /** "libgcc.a(_udivmodti4.o)"; null if none is like it, or several are. */
  memberOf(bounds: ProgramFunction, program: Program): string | null {
    const candidates = this.#byName.get(bounds.name);
    const [range] = bounds.ranges;
    if (candidates === undefined || range === undefined) return null;
    const bytes = program.read(range.low, Number(range.high - range.low));
    if (bytes === null) return null;
    const same = candidates.filter(
      (each) =>
        each.bytes.length === bytes.length &&
        bytes.every((byte, i) => each.isFixed[i] === 0 || byte === each.bytes[i]),
    );
    const members = new Set(same.map(({ member }) => member));
    const [only] = members;
    return members.size === 1 ? only! : null;
  }
}

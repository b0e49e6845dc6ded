/** The plan of a region that begins with some code on a page of halts, all of which has been run a thousand times. */
import { Decoder } from "../../emulator/cpu/decode.ts";
import { MODE } from "../../emulator/cpu/layout.ts";
import { plan, type CodeView, type Plan } from "../../emulator/cpu/translator/index.ts";
import { assemble } from "../support/processor.ts";

const PAGE = 4096;
const ENTRY = 0x100;
const HALT = 0xf4;

/** @param source for the assembler; with "bits 64" in it in 64-bit mode, else in 32-bit mode */
export function planned(source: string): Plan {
  const code = assemble(source);
  const bytes = new Uint8Array(2 * PAGE).fill(HALT);
  bytes.set(code, PAGE + ENTRY);
  const wide = source.includes("bits 64");
  const mode = MODE.flat | MODE.protected | MODE.stack32 | (wide ? 2 | MODE.long : 1);
  const view: CodeView = {
    decoder: new Decoder(new Set()),
    bytes,
    frame: (page) => page * PAGE,
    entries: () => 1000,
    page: () => -1,
    breaks: () => false,
  };
  const limits = { blocks: 48, instructions: 300, pages: 4, inlined: 160 };
  const made = plan({ physical: PAGE + ENTRY, mode, entries: 1000 }, view, limits);
  if (made === null) throw new Error("nothing to translate");
  return made;
}

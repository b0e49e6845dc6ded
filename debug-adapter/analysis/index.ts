/**
 * Static analysis of the stack: what each function takes of it, what it keeps in the red zone below RSP, and where that is alive. This file is the folder's boundary.
 *
 * Knows no machine and no DAP: bytes and symbols come in, facts go out.
 *
 *     const analysis = new GuestAnalysis(symbols, (address, length) => …);   // a session's, from guest memory
 *     analysis.functionAt(rip)?.redZoneBytes;                                // 40
 *     analysis.liveBelow(rip);                                               // [{ from: -40, to: -8 }]: offsets from RSP; [] nothing; null unknown
 *     analysis.functionAt(rip)?.depthAt(rip);                                // 24: bytes from RSP up to the return address
 *
 *     for (const bounds of program.functions) program.analyse(bounds);       // a whole file's
 */
export { RED_ZONE_BYTES } from "./access.ts";
export {
  analyseFunction,
  type FunctionBounds,
  type FunctionContext,
  type FunctionStack,
  type Gap,
  type RedZoneAccess,
} from "./function.ts";
export { GuestAnalysis } from "./guest.ts";
export type { Bits } from "./step.ts";
export type { ByteRange } from "./liveness.ts";
export { Program, type ProgramFunction } from "./program.ts";
export { stackBody } from "./body.ts";
export { analyseFile, type FileOptions } from "./file.ts";
export { analysisText, listed, summary, usesRedZone } from "./text.ts";
export { archiveMembers, isArchive, type ArchiveMember } from "./archive.ts";

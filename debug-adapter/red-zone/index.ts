/**
 * Red-zone clobbers for people: which bytes are live, what was found, what it means. This file is the folder's boundary.
 *
 * Elsewhere: finding them (`emulator/machine/red-zone.ts`), which bytes of a function are live (`analysis/`), stopping there (`exceptions/filter.ts`).
 */
export { causeText, explainClobber, functionText } from "./explain.ts";
export { Liveness } from "./live.ts";
export { ClobberLog, type Counts, type Group } from "./log.ts";
export { infoRedZone } from "./monitor.ts";
export { findOwnPushes } from "./own.ts";

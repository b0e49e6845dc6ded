/**
 * The interpreter's WebAssembly as bytes. Here they are emitted when asked for, as tests want it; `build.mjs` puts the finished bytes in the place of
 * this file, so that a launch emits nothing.
 */
import { interpreterModule } from "./loop.ts";

export const interpreterBytes = (): Uint8Array => interpreterModule();

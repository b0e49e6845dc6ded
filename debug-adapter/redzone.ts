#!/usr/bin/env node
/**
 * What `redzone` begins with: Node keeps what it compiles of the program (`command-line.ts`) for the next time, in the folder for temporary files. Compiling
 * is a third of what a start costs. NODE_DISABLE_COMPILE_CACHE=1 forbids it; Node 20 cannot do it. What was kept once is not added to, so what runs nothing keeps nothing.
 */
import * as nodeModule from "node:module";
import { runsNothing } from "./cli/nothing.ts";

interface CompileCache {
  readonly enableCompileCache?: () => unknown;
}
if (!runsNothing) (nodeModule as typeof nodeModule & CompileCache).enableCompileCache?.();
void import("./command-line.ts");

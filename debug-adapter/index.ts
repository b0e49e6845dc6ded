/**
 * The debug adapter: DAP on one side, a machine on the other. This file is the layer's boundary.
 *
 * Elsewhere: the command line (`command-line.ts`), which is an entry point of its own.
 */
export { capabilities } from "./capabilities.ts";
export { AdapterError } from "./errors.ts";
export { autopsy, stopText } from "./exceptions/autopsy.ts";
export type { Explainer } from "./exceptions/explain.ts";
export type { Files } from "./files.ts";
export { launchAttributes, parseLaunch, type LaunchConfiguration } from "./launch.ts";
export { Monitor, monitorCommands, type MonitorHost } from "./monitor/index.ts";
export { nodeFiles } from "./node-files.ts";
export { prepare } from "./preparation.ts";
export { RedzoneSession, type SessionOptions } from "./session.ts";
export { runStdio, startInline, startWorker } from "./transport.ts";

/** WebAssembly as nodes and bytes. */
export * from "./node.ts";
export * from "./encode.ts";
export * from "./builder.ts";

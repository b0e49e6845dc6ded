/** WebAssembly as nodes, bytes and text. */
export * from "./node.ts";
export * from "./encode.ts";
export * from "./builder.ts";

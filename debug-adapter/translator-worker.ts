/** The entry of the thread that makes code of what is hot: each message is the port of a machine, at which orders come in and products go out. */
import { setFlagsFromString } from "node:v8";
import { parentPort, type MessagePort } from "node:worker_threads";
import { Maker, type Order } from "../emulator/index.ts";
import type { Answer } from "./workshop.ts";

// Branch hints are part of WebAssembly, and V8 reads them unasked from 13.7 on. Before that only Node is asked to: an editor's flags may be frozen.
const [major = 0, minor = 0] = process.versions.v8.split(".").map(Number);
if (process.versions["electron"] === undefined && (major < 13 || (major === 13 && minor < 7)))
  setFlagsFromString("--experimental-wasm-branch-hinting");

const maker = new Maker(() => performance.now());

parentPort!.on("message", (port: MessagePort) => {
  const answer = (message: Answer): void => port.postMessage(message);
  port.on("message", (order: Order) => answer(maker.make(order)));
  answer("ready");
});

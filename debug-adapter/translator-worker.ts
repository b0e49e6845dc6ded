/** The entry of the thread that makes code of what is hot: each message is the port of a machine, at which orders come in and products go out. */
import { parentPort, type MessagePort } from "node:worker_threads";
import { Maker, type Order } from "../emulator/index.ts";
import type { Answer } from "./workshop.ts";

const maker = new Maker(() => performance.now());

parentPort!.on("message", (port: MessagePort) => {
  const answer = (message: Answer): void => port.postMessage(message);
  port.on("message", (order: Order) => answer(maker.make(order)));
  answer("ready");
});

/** The server as a worker of Node: messages go through its port, as they are. */
import { parentPort } from "node:worker_threads";
import { createConnection, PortMessageReader, PortMessageWriter } from "vscode-languageserver/node";
import { startServer } from "./server.ts";

if (!parentPort) {
  throw new Error("the language server runs in a worker");
}
startServer(createConnection(new PortMessageReader(parentPort), new PortMessageWriter(parentPort)));

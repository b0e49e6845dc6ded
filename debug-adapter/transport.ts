/** Where sessions get their messages: standard input and output, a worker's port, or another part of the same program. */
import type { MessagePort } from "node:worker_threads";
import type { DebugProtocol } from "@vscode/debugprotocol";
import { nodeFiles } from "./node-files.ts";
import { RedzoneSession, type SessionOptions } from "./session.ts";

/** `redzone dap`: one session over stdio; resolves when the client has gone. */
export function runStdio(): Promise<void> {
  return new Promise((resolve) => {
    const session = new RedzoneSession({ files: nodeFiles, onEnd: resolve });
    process.stdin.on("end", () => session.shutdown());
    session.start(process.stdin, process.stdout);
  });
}

/** A session at the other end of a port; messages are DAP's JSON as objects. */
export function startWorker(port: Pick<MessagePort, "on" | "postMessage">): RedzoneSession {
  const session = new RedzoneSession({ files: nodeFiles });
  session.onDidSendMessage((message) => port.postMessage(message));
  port.on("message", (message: DebugProtocol.ProtocolMessage) => session.handleMessage(message));
  return session;
}

/** A session in this thread. What it sends goes to `receive` as a copy, as it would arrive elsewhere. */
export function startInline(
  options: SessionOptions,
  receive: (message: DebugProtocol.ProtocolMessage) => void,
): { readonly session: RedzoneSession; readonly send: (message: DebugProtocol.ProtocolMessage) => void } {
  const session = new RedzoneSession(options);
  session.onDidSendMessage((message) =>
    receive(JSON.parse(JSON.stringify(message)) as DebugProtocol.ProtocolMessage),
  );
  return {
    session,
    send: (message) =>
      session.handleMessage(JSON.parse(JSON.stringify(message)) as DebugProtocol.ProtocolMessage),
  };
}

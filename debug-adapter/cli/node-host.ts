/** The command line's surroundings in Node. */
import { closeSync, openSync, writeSync } from "node:fs";
import { createServer } from "node:net";
import { cwd } from "node:process";
import { nodeFiles } from "../node-files.ts";
import type { Connection, Host, Keyboard } from "./host.ts";

function nodeKeyboard(): Keyboard {
  const input = process.stdin;
  const keyboard: Keyboard = {
    isTerminal: input.isTTY,
    setRaw: (raw) => {
      if (input.isTTY) input.setRawMode(raw);
    },
    onBytes: () => {},
    onEnd: () => {},
    close: () => {
      if (input.isTTY) input.setRawMode(false);
      input.removeAllListeners();
      input.destroy();
    },
  };
  input.on("data", (chunk: Buffer) => keyboard.onBytes(new Uint8Array(chunk)));
  input.on("end", () => keyboard.onEnd());
  // A closed standard input (`<&-`) is one at its end.
  input.on("error", () => keyboard.onEnd());
  return keyboard;
}

export function nodeHost(): Host {
  let keyboard: Keyboard | null = null;
  return {
    files: nodeFiles,
    directory: cwd(),
    // Listening to standard input begins when somebody asks for it.
    get keyboard() {
      keyboard ??= nodeKeyboard();
      return keyboard;
    },
    stdout: (bytes) => {
      process.stdout.write(bytes);
    },
    stderr: (text) => {
      process.stderr.write(text);
    },
    openOutput: (path) => {
      closeSync(openSync(path, "w"));
      const file = openSync(path, "a");
      return (bytes) => {
        writeSync(file, bytes);
      };
    },
    milliseconds: () => performance.now(),
    breathe: () => new Promise((resolve) => setImmediate(resolve)),
    sleep: (milliseconds) => {
      let wake = () => {};
      const done = new Promise<void>((resolve) => {
        // setTimeout takes a 32-bit number; for ever is a timer that is only ever woken.
        const timer = setTimeout(resolve, Math.min(milliseconds, 2 ** 31 - 1));
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      return { done, wake };
    },
    listen: (host, port, onConnection) =>
      new Promise((resolve, reject) => {
        const server = createServer((socket) => {
          socket.setNoDelay(true);
          const connection: Connection = {
            send: (bytes) => {
              socket.write(bytes);
            },
            close: () => socket.end(),
            onBytes: () => {},
            onClose: () => {},
          };
          socket.on("data", (chunk: Buffer) => connection.onBytes(new Uint8Array(chunk)));
          socket.on("error", () => socket.destroy());
          socket.on("close", () => connection.onClose());
          onConnection(connection);
        });
        server.on("error", reject);
        server.listen(port, host, () => {
          const address = server.address();
          const actual = typeof address === "object" && address !== null ? address.port : port;
          resolve({ port: actual, close: () => server.close() });
        });
      }),
  };
}

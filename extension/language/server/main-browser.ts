/**
 * The server as a worker of a browser.
 *
 * Invariant: nothing is loaded from anywhere. The first message brings the disassembler's WebAssembly module, which is in the package once and which the client can read
 * wherever the extension is kept; the server's program is run when it is there.
 */
import { BrowserMessageReader, BrowserMessageWriter, createConnection } from "vscode-languageserver/browser";

/** What of a worker's global object is used here. */
interface Scope {
  onmessage: ((event: { readonly data: unknown }) => void) | null;
  postMessage(message: unknown): void;
  /** Read by the bundle's part that stands for `iced-x86`'s loader. */
  disassemblerModule?: Uint8Array;
}
const scope = globalThis as unknown as Scope;

scope.onmessage = ({ data }) => {
  if (!(data instanceof Uint8Array)) {
    throw new TypeError("the first message to the language server is the disassembler's module");
  }
  scope.onmessage = null;
  scope.disassemblerModule = data;
  const port = scope as unknown as ConstructorParameters<typeof BrowserMessageReader>[0];
  const connection = createConnection(new BrowserMessageReader(port), new BrowserMessageWriter(port));
  // Tables of mnemonics are made when their modules are loaded, and ask the disassembler.
  void import("./server.ts").then(({ startServer }) => {
    startServer(connection);
    scope.postMessage("ready");
  });
};

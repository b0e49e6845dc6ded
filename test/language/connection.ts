/**
 * A server at the other end of real streams, and a client as small as a test wants it: files come from a table, everything else is the protocol.
 *
 * Every wait is for a message.
 */
import { PassThrough } from "node:stream";
import {
  createConnection,
  createProtocolConnection,
  StreamMessageReader,
  StreamMessageWriter,
  type Diagnostic,
  type InitializeResult,
  type ProtocolConnection,
  type PublishDiagnosticsParams,
} from "vscode-languageserver/node";
import { methods, type IndexState, type ReadParams } from "../../extension/language/server/protocol.ts";
import { startServer } from "../../extension/language/server/server.ts";

export interface Client {
  readonly connection: ProtocolConnection;
  readonly result: InitializeResult;
  readonly open: (uri: string, languageId: string, text: string) => void;
  /** A change as an editor sends it; the version counts up. */
  readonly change: (uri: string, changes: readonly object[]) => void;
  readonly ask: <Value>(method: string, params: object) => Promise<Value>;
  /** The diagnostics of the version that was sent last, when they come. */
  readonly diagnostics: (uri: string) => Promise<readonly Diagnostic[]>;
  /** When the index has ended, which it may have done already. */
  readonly indexed: () => Promise<IndexState>;
  /** Of every change so far. */
  readonly parsedCounts: readonly number[];
  readonly log: readonly string[];
  readonly close: () => Promise<void>;
}

export interface ClientOptions {
  /** Texts of the workspace by their URIs; null for files that are not to be read. Without it the client reads no files. */
  readonly files?: ReadonlyMap<string, string | null>;
  readonly isTruncated?: boolean;
  readonly settings?: object;
  /** Called before each batch of files is given. */
  readonly beforeRead?: (connection: ProtocolConnection) => void;
}

export async function connect(options: ClientOptions = {}): Promise<Client> {
  const [up, down] = [new PassThrough(), new PassThrough()];
  const parsedCounts: number[] = [];
  startServer(createConnection(new StreamMessageReader(up), new StreamMessageWriter(down)), (count) =>
    parsedCounts.push(count),
  );
  const connection = createProtocolConnection(new StreamMessageReader(down), new StreamMessageWriter(up));
  const versions = new Map<string, number>();
  const published = new Map<string, PublishDiagnosticsParams>();
  const log: string[] = [];
  let state: IndexState | undefined;
  const listeners = new Set<() => void>();
  const changed = (): void => listeners.forEach((listener) => listener());
  const until = <Value>(look: () => Value | undefined): Promise<Value> =>
    new Promise((resolve) => {
      const listener = (): void => {
        const found = look();
        if (found !== undefined) {
          listeners.delete(listener);
          resolve(found);
        }
      };
      listeners.add(listener);
      listener();
    });

  const { files } = options;
  const isHeader = (uri: string): boolean => uri.endsWith(".h");
  connection.onRequest(methods.files, () => ({
    sources: [...(files?.keys() ?? [])].filter((uri) => !isHeader(uri)),
    headers: [...(files?.keys() ?? [])].filter(isHeader),
    isTruncated: options.isTruncated ?? false,
  }));
  connection.onRequest(methods.read, ({ uris }: ReadParams) => {
    options.beforeRead?.(connection);
    return uris.map((uri) => ({ uri, text: files?.get(uri) ?? null }));
  });
  connection.onRequest("window/workDoneProgress/create", () => null);
  connection.onRequest("client/registerCapability", () => null);
  connection.onRequest("workspace/configuration", ({ items }: { items: readonly { section: string }[] }) =>
    items.map(({ section }) => (section === "redzone.language" ? (options.settings ?? {}) : {})),
  );
  connection.onNotification(methods.index, (next: IndexState) => {
    state = next;
    changed();
  });
  connection.onNotification("window/logMessage", ({ message }: { message: string }) => {
    log.push(message);
    changed();
  });
  connection.onNotification("textDocument/publishDiagnostics", (params: PublishDiagnosticsParams) => {
    published.set(params.uri, params);
    changed();
  });
  connection.listen();

  const result = await connection.sendRequest<InitializeResult>("initialize", {
    processId: null,
    rootUri: null,
    capabilities: { workspace: { configuration: true }, window: { workDoneProgress: true } },
    initializationOptions: { readsFiles: files !== undefined },
  });
  await connection.sendNotification("initialized", {});

  return {
    connection,
    result,
    parsedCounts,
    log,
    open(uri, languageId, text) {
      versions.set(uri, 1);
      void connection.sendNotification("textDocument/didOpen", {
        textDocument: { uri, languageId, version: 1, text },
      });
    },
    change(uri, contentChanges) {
      const version = (versions.get(uri) ?? 0) + 1;
      versions.set(uri, version);
      void connection.sendNotification("textDocument/didChange", {
        textDocument: { uri, version },
        contentChanges,
      });
    },
    ask: (method, params) => connection.sendRequest(method, params),
    diagnostics: (uri) =>
      until(() => {
        const last = published.get(uri);
        return last && last.version === versions.get(uri) ? last.diagnostics : undefined;
      }),
    indexed: () => until(() => (state && !state.isRunning ? state : undefined)),
    close: async () => {
      await connection.sendRequest("shutdown");
      connection.dispose();
    },
  };
}

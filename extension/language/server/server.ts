/**
 * The language server: a connection, the workspace behind it, and who is told what when.
 *
 * Invariant: it knows neither VS Code nor Node. Messages are handled one after the other and each at once; what takes longer (reading the workspace, diagnostics) runs
 * in slices between them.
 * Elsewhere: where connections come from (`main-node.ts`, `main-browser.ts`), what is answered (`features/`).
 */
import type { Connection } from "vscode-languageserver";
import { DidChangeConfigurationNotification, FileChangeType } from "vscode-languageserver";
import { answerRequests, capabilitiesOf } from "./connection/answers.ts";
import { toLineChange } from "./connection/change.ts";
import { BuildFiles } from "./connection/build-files.ts";
import { DiagnosticsPush } from "./connection/diagnostics.ts";
import { Documents } from "./connection/documents.ts";
import { Indexer } from "./connection/indexer.ts";
import { Renewal } from "./connection/renewal.ts";
import { applyBuilt, builtNotification, type BuiltUpdate } from "./built.ts";
import { explanationOf, summaries } from "./explanation.ts";
import { features } from "./features/index.ts";
import { operandAt } from "./features/operand.ts";
import {
  methods,
  type BuildFile,
  type DocumentState,
  type FileText,
  type ReadParams,
  type IndexState,
  type OperandExpression,
  type OperandParams,
  type StateParams,
  type WorkspaceFiles,
} from "./protocol.ts";
import { Workspace } from "./workspace.ts";
import { defaultSettings, type Settings } from "./world.ts";

/** Facts of a build come in several messages. */
const REFRESH_MILLISECONDS = 200;

/** What clients that know our messages say of themselves (`initializationOptions`). */
interface Options {
  readonly readsFiles?: boolean;
}

/** @param counted told of the lines that were parsed after a change */
export function startServer(connection: Connection, counted: (parsedCount: number) => void = () => {}): void {
  const workspace = new Workspace();
  // Only who reads the workspace knows what is nowhere in it.
  workspace.isComplete = false;
  const documents = new Documents(workspace);
  let options: Options = {};
  let asksSettings = false;
  let hasFolders = false;
  let refreshes = { codeLens: false, inlayHint: false, inlineValue: false };

  const fail = (error: unknown): void =>
    connection.console.error(error instanceof Error ? (error.stack ?? error.message) : String(error));

  const diagnostics = new DiagnosticsPush({
    of: (uri) => {
      documents.tellAgain(uri);
      return documents.isKnown(uri) ? (features.diagnostics?.(workspace, uri) ?? []) : [];
    },
    openUris: () => documents.uris(),
    publish: (uri, found) =>
      void connection.sendDiagnostics({ uri, diagnostics: found, ...documents.versionOf(uri) }),
    fail,
  });

  const buildFiles = new BuildFiles(
    workspace,
    (uri, found) => void connection.sendDiagnostics({ uri, diagnostics: found }),
  );

  const renewal = new Renewal(connection, features);
  const indexer = new Indexer(workspace, {
    files: () => connection.sendRequest<WorkspaceFiles>(methods.files),
    read: (uris) => connection.sendRequest<readonly FileText[]>(methods.read, { uris } satisfies ReadParams),
    progress: (state: IndexState) => {
      void connection.sendNotification(methods.index, state);
      progress?.report(
        Math.round((100 * state.readCount) / Math.max(1, state.totalCount)),
        `${state.readCount} of ${state.totalCount} files`,
      );
    },
  });
  let progress: { report(percentage: number, message: string): void } | undefined;

  /** What was derived of something that has changed is asked for again, once where much changes. */
  let refreshing: ReturnType<typeof setTimeout> | undefined;
  function worldChanged(): void {
    diagnostics.othersChanged();
    buildFiles.worldChanged();
    clearTimeout(refreshing);
    refreshing = setTimeout(() => {
      const { languages } = connection;
      if (refreshes.codeLens) connection.sendRequest("workspace/codeLens/refresh").catch(fail);
      if (refreshes.inlayHint) languages.inlayHint.refresh().catch(fail);
      if (refreshes.inlineValue) languages.inlineValue.refresh().catch(fail);
    }, REFRESH_MILLISECONDS);
  }

  function filesRead(): void {
    worldChanged();
    renewal.renew().catch(fail);
  }

  async function readWorkspace(): Promise<void> {
    const shown = await connection.window.createWorkDoneProgress();
    shown.begin("Reading assembly and linker scripts", 0, "", true);
    shown.token.onCancellationRequested(() => indexer.stop());
    progress = shown;
    await indexer.readAll();
    progress = undefined;
    shown.done();
    filesRead();
  }

  function readIncluded(uri: string): void {
    if (options.readsFiles) {
      indexer.readIncluded(uri).then((isMore) => (isMore ? filesRead() : undefined), fail);
    }
  }

  async function readSettings(): Promise<void> {
    if (asksSettings) {
      const [own, editor]: unknown[] = await connection.workspace.getConfiguration([
        { section: "redzone.language" },
        { section: "editor" },
      ]);
      workspace.settings = settingsOf(own, editor);
    }
    worldChanged();
  }

  connection.onInitialize(({ capabilities, initializationOptions }) => {
    options = (initializationOptions ?? {}) as Options;
    asksSettings = capabilities.workspace?.configuration === true;
    hasFolders = capabilities.workspace?.workspaceFolders === true;
    refreshes = {
      codeLens: features.codeLens !== undefined && capabilities.workspace?.codeLens?.refreshSupport === true,
      inlayHint:
        features.inlayHint !== undefined && capabilities.workspace?.inlayHint?.refreshSupport === true,
      inlineValue:
        features.inlineValue !== undefined && capabilities.workspace?.inlineValue?.refreshSupport === true,
    };
    return {
      capabilities: {
        ...renewal.begin(capabilities, capabilitiesOf(features)),
        workspace: { workspaceFolders: { supported: true, changeNotifications: true } },
      },
      serverInfo: { name: "Redzone" },
    };
  });

  connection.onInitialized(() => {
    renewal.renew().catch(fail);
    if (asksSettings) {
      connection.client
        .register(DidChangeConfigurationNotification.type, { section: "redzone.language" })
        .catch(fail);
    }
    readSettings().catch(fail);
    if (options.readsFiles) {
      readWorkspace().catch(fail);
      if (hasFolders) {
        connection.workspace.onDidChangeWorkspaceFolders(() => void readWorkspace().catch(fail));
      }
    }
  });
  connection.onDidChangeConfiguration(() => void readSettings().catch(fail));
  connection.onShutdown(() => {
    indexer.stop();
    diagnostics.dispose();
    clearTimeout(refreshing);
  });

  connection.onDidOpenTextDocument(({ textDocument: { uri, languageId, version, text } }) => {
    documents.open(uri, languageId, version, text);
    diagnostics.changed(uri);
    readIncluded(uri);
  });
  connection.onDidChangeTextDocument(({ textDocument: { uri, version }, contentChanges }) => {
    for (const change of contentChanges) {
      const file = workspace.file(uri);
      counted(file ? workspace.change(uri, toLineChange(file, change)) : 0);
    }
    documents.changed(uri, version);
    diagnostics.changed(uri);
  });
  connection.onDidCloseTextDocument(({ textDocument: { uri } }) => {
    documents.close(uri);
    diagnostics.closed(uri);
    // What was not saved is as if it had not been.
    if (options.readsFiles) {
      indexer.update([uri], []).catch(fail);
    }
  });
  connection.onDidChangeWatchedFiles(({ changes }) => {
    const isGone = new Set(
      changes.filter(({ type }) => type === FileChangeType.Deleted).map(({ uri }) => uri),
    );
    const changed = changes.map(({ uri }) => uri).filter((uri) => !isGone.has(uri) && !workspace.isOpen(uri));
    indexer.update(changed, [...isGone]).then(filesRead, fail);
    // Saved: it may include what nothing has included before.
    changes.filter(({ uri }) => workspace.isOpen(uri)).forEach(({ uri }) => readIncluded(uri));
  });

  connection.onNotification(methods.stopIndexing, () => indexer.stop());
  connection.onNotification(methods.readAgain, () => void readWorkspace().catch(fail));
  connection.onNotification(builtNotification, (update: BuiltUpdate) => {
    workspace.built = applyBuilt(workspace.built, update);
    worldChanged();
  });
  connection.onNotification(methods.buildFile, ({ uri, text }: BuildFile) => buildFiles.set(uri, text));
  connection.onRequest(methods.isIncluded, (uri: string): boolean | null =>
    workspace.isComplete ? workspace.names.includersOf(uri).length > 0 : null,
  );
  connection.onRequest(methods.explanation, (code: string) => explanationOf(code));
  connection.onRequest(methods.rules, () => summaries());
  connection.onRequest(methods.operand, ({ uri, line, column }: OperandParams): OperandExpression | null =>
    documents.isKnown(uri) ? operandAt(workspace, uri, { line, column }) : null,
  );
  connection.onRequest(methods.state, ({ uri, line }: StateParams): DocumentState | null =>
    documents.stateAt(uri, line),
  );

  answerRequests(connection, features, { world: workspace, isKnown: (uri) => documents.isKnown(uri) });
  connection.listen();
}

function settingsOf(own: unknown, editor: unknown): Settings {
  const { codeLens, inlayHints } = (own ?? {}) as Readonly<Record<keyof Settings, unknown>>;
  const { tabSize } = (editor ?? {}) as Readonly<Record<keyof Settings, unknown>>;
  return {
    codeLens: typeof codeLens === "boolean" ? codeLens : defaultSettings.codeLens,
    inlayHints: typeof inlayHints === "boolean" ? inlayHints : defaultSettings.inlayHints,
    ...(typeof tabSize === "number" && { tabSize }),
  };
}

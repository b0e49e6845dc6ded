/**
 * What the editor asks for once for each version of a document, and not again because another file has become known: outline, folds and links.
 *
 * Invariant: a client that registers providers while it runs is told anew of these after files were read, and asks again; to others they are offered once.
 * The protocol has a refresh of its own for lenses and hints only.
 */
import type { ClientCapabilities, Connection, Disposable, ServerCapabilities } from "vscode-languageserver";
import { DocumentLinkRequest, DocumentSymbolRequest, FoldingRangeRequest } from "vscode-languageserver";
import type { Features } from "../features/index.ts";

export class Renewal {
  readonly #connection: Connection;
  readonly #features: Features;
  #registered: readonly Disposable[] = [];
  #isDynamic = false;
  /** One after the other: a registration must not overtake the end of the one before. */
  #last: Promise<void> = Promise.resolve();

  constructor(connection: Connection, features: Features) {
    this.#connection = connection;
    this.#features = features;
  }

  /** Of what is offered at once: without what will be registered. */
  begin({ textDocument }: ClientCapabilities, offered: ServerCapabilities): ServerCapabilities {
    const kinds = [textDocument?.documentSymbol, textDocument?.foldingRange, textDocument?.documentLink];
    this.#isDynamic = kinds.every((kind) => kind?.dynamicRegistration === true);
    if (!this.#isDynamic) {
      return offered;
    }
    const others = { ...offered };
    delete others.documentSymbolProvider;
    delete others.foldingRangeProvider;
    delete others.documentLinkProvider;
    return others;
  }

  renew(): Promise<void> {
    const before = this.#last.catch(() => undefined);
    this.#last = before.then(() => (this.#isDynamic ? this.#register() : undefined));
    return this.#last;
  }

  async #register(): Promise<void> {
    const { documentSymbol, foldingRange, documentLink } = this.#features;
    const { client } = this.#connection;
    const options = { documentSelector: null };
    this.#registered.forEach((registration) => registration.dispose());
    this.#registered = await Promise.all([
      ...(documentSymbol ? [client.register(DocumentSymbolRequest.type, options)] : []),
      ...(foldingRange ? [client.register(FoldingRangeRequest.type, options)] : []),
      ...(documentLink ? [client.register(DocumentLinkRequest.type, options)] : []),
    ]);
  }
}

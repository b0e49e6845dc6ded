/** What the Screen panel and its host in the extension post to each other: plain JSON, sent whole. */
import type { KeyArguments, ScreenBody } from "../../protocol.ts";

export type ToScreenPanel =
  /** No machine has run since the panel's host was made. */
  | { readonly kind: "none" }
  /** A session's screen, sent when it changed; `state` "ended" for the last picture of a session that is over. */
  | {
      readonly kind: "screen";
      readonly screen: ScreenBody;
      readonly machine: string;
      readonly state: "running" | "stopped" | "ended";
    };

export type FromScreenPanel =
  /** The panel has loaded and wants the current state. */
  | { readonly kind: "ready" }
  | { readonly kind: "key"; readonly key: KeyArguments }
  | { readonly kind: "debugSample" }
  | { readonly kind: "ctrlAltDel" };

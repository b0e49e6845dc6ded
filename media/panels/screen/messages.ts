/** What the Screen panel and its host in the extension post to each other: plain JSON, sent whole. */
import type { KeyArguments, ScreenBody } from "../../protocol.ts";

export type ToScreenPanel =
  /** The session's screen; sent when it changed. */
  | {
      readonly kind: "screen";
      readonly screen: ScreenBody;
      readonly machine: string;
      readonly running: boolean;
    }
  /** There is no session, or it has ended: the last picture stays, greyed, if there was one. */
  | { readonly kind: "none" };

export type FromScreenPanel =
  /** The panel has loaded and wants the current state. */
  | { readonly kind: "ready" }
  | { readonly kind: "key"; readonly key: KeyArguments }
  | { readonly kind: "debugSample" }
  | { readonly kind: "ctrlAltDel" };

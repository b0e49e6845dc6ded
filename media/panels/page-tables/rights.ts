/**
 * Rights as colours, letters and words. A colour never says it alone: letters stand beside it where there is room, and each kind has a
 * pattern of its own (`page-tables.css`).
 */
import { html, type TemplateResult } from "lit";
import type { EffectiveRights } from "../../protocol/paging.ts";

export type RightsKind = "none" | "read" | "write" | "execute" | "both";

export interface Rights {
  readonly kind: RightsKind;
  readonly user: boolean;
}

export const KINDS: readonly { readonly kind: RightsKind; readonly label: string; readonly hint: string }[] =
  [
    { kind: "read", label: "r", hint: "can only be read" },
    { kind: "write", label: "w", hint: "can be written, not executed" },
    { kind: "execute", label: "x", hint: "can be executed, not written" },
    { kind: "both", label: "wx", hint: "can be written and executed" },
  ];

export function rightsOf({ user, supervisor }: EffectiveRights): Rights {
  const letters = user + supervisor;
  const writable = letters.includes("w");
  const executable = letters.includes("x");
  const kind = writable
    ? executable
      ? "both"
      : "write"
    : executable
      ? "execute"
      : letters.includes("r")
        ? "read"
        : "none";
  return { kind, user: user.includes("r") || user.includes("w") || user.includes("x") };
}

export const rightsClass = ({ kind, user }: Rights): string => `rights-${kind}${user ? " rights-user" : ""}`;

/** "rwx", and with "u" what the user may where that is something. */
export const rightsText = ({ user, supervisor }: EffectiveRights): string =>
  user === "---" ? supervisor : `${supervisor} u:${user}`;

const LETTERS = { r: "read", w: "write", x: "execute" } as const;

/** "supervisor may read and write, user may not access it" */
export function rightsWords({ user, supervisor }: EffectiveRights): string {
  const may = (letters: string): string => {
    const words = (["r", "w", "x"] as const)
      .filter((letter) => letters.includes(letter))
      .map((l) => LETTERS[l]);
    return words.length === 0
      ? "may not access it"
      : `may ${words.length === 1 ? words[0]! : `${words.slice(0, -1).join(", ")} and ${words.at(-1)!}`}`;
  };
  return `supervisor ${may(supervisor)}, user ${may(user)}`;
}

/** Letters on the colour that means them. */
export const rightsTag = (effective: EffectiveRights): TemplateResult =>
  html`<span class="rights ${rightsClass(rightsOf(effective))}" title=${rightsWords(effective)}
    >${rightsText(effective)}</span
  >`;

/** Rights that entries below a table may still give: of whom they are is for those to say, so there is no colour. */
export function limitTag({ user, supervisor }: EffectiveRights): TemplateResult {
  const letters = (["r", "w", "x"] as const)
    .map((each) => ((user + supervisor).includes(each) ? each : "-"))
    .join("");
  const hasUser = user !== "---";
  const words = `Entries below may give at most ${letters}${hasUser ? ", to the user, too" : ", and nothing to the user"}`;
  return html`<span class="rights limit" title=${words}>≤ ${letters}${hasUser ? " u" : ""}</span>`;
}

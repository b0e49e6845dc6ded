/** A row of tabs (ARIA's tablist): one is chosen with the mouse or the arrow keys, and it alone is reached with the Tab key. */
import { html, type TemplateResult } from "lit";

export interface Tabs<Name extends string> {
  /** Of the row, for those who do not see it. */
  readonly label: string;
  /** In their order, with their titles. */
  readonly titles: Readonly<Record<Name, string>>;
  readonly chosen: Name;
  /** Id of the element that a tab shows. */
  readonly page: (name: Name) => string;
  readonly choose: (name: Name) => void;
}

const idOf = (name: string): string => `tab-${name}`;

export function tabs<Name extends string>({
  label,
  titles,
  chosen,
  page,
  choose,
}: Tabs<Name>): TemplateResult {
  const names = Object.keys(titles) as Name[];
  const move = (event: KeyboardEvent): void => {
    const step = Number(event.key === "ArrowRight") - Number(event.key === "ArrowLeft");
    if (step === 0) return;
    event.preventDefault();
    const next = names[(names.indexOf(chosen) + step + names.length) % names.length]!;
    choose(next);
    document.getElementById(idOf(next))?.focus();
  };
  return html`<div class="tabs" role="tablist" aria-label=${label} @keydown=${move}>
    ${names.map(
      (each) =>
        html`<button
          id=${idOf(each)}
          role="tab"
          aria-selected=${each === chosen}
          aria-controls=${page(each)}
          tabindex=${each === chosen ? 0 : -1}
          @click=${() => choose(each)}
        >
          ${titles[each]}
        </button>`,
    )}
  </div>`;
}

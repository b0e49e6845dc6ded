/** An element of a panel's page, which its host has written; it is of the kind that `type` says. */
export function element(id: string): HTMLElement;
export function element<Kind extends HTMLElement>(id: string, type: new () => Kind): Kind;
export function element(id: string, type: new () => HTMLElement = HTMLElement): HTMLElement {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new Error(`the panel has no ${type.name} #${id}`);
  return found;
}

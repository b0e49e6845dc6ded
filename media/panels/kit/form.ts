/** Fields of forms. */

/** What is in a field of the form that an event is about, without blanks around it; "" if there is no such field. */
export function fieldOf({ target }: Event, name: string): string {
  const value = target instanceof HTMLFormElement ? new FormData(target).get(name) : null;
  return typeof value === "string" ? value.trim() : "";
}

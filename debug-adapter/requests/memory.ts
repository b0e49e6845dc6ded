/** Requests that read and write bytes of memory. */
import { LARGEST, parseReference, type Address } from "../memory/space.ts";
import { badReference, unmapped } from "../errors.ts";
import { base64, fromBase64 } from "./run.ts";
import type { State } from "./state.ts";
import type { Handlers } from "./table.ts";

/** A client that asks for more gets this much, and may go on. */
const MOST_BYTES = 4 << 20;
const PAGE = 4096n;

export function memory(state: State): Handlers {
  const addressOf = (reference: string, offset: number | undefined): Address => {
    const base = parseReference(reference);
    const at = base.offset + BigInt(Math.trunc(offset ?? 0));
    if (at < 0n || at > LARGEST[base.space]) throw badReference(`${reference} + ${offset ?? 0}`);
    return { space: base.space, offset: at };
  };

  return {
    readMemory({ memoryReference, offset, count }) {
      const target = state.launched();
      const space = target.space(state.focus);
      const at = addressOf(memoryReference, offset);
      const wanted = Math.max(0, Math.min(Math.trunc(count), MOST_BYTES));
      const { bytes } = space.readUpTo(at, wanted);
      state.memoryShown(at, bytes);
      const address = `0x${at.offset.toString(16)}`;
      if (bytes.length === wanted) return { address, data: base64(bytes) };
      // How far the hole goes, page by page.
      const hole = at.offset + BigInt(bytes.length);
      const end = at.offset + BigInt(wanted);
      let next = (hole / PAGE + 1n) * PAGE;
      while (
        next < end &&
        next <= LARGEST[at.space] &&
        space.readUpTo({ space: at.space, offset: next }, 1).why !== null
      )
        next += PAGE;
      const unreadableBytes = Number((next < end ? next : end) - hole);
      return { address, unreadableBytes, ...(bytes.length === 0 ? {} : { data: base64(bytes) }) };
    },
    writeMemory({ memoryReference, offset, data, allowPartial }) {
      const target = state.stopped();
      const space = target.space(state.focus);
      const at = addressOf(memoryReference, offset);
      const bytes = fromBase64(data);
      let count = bytes.length;
      if (allowPartial === true) {
        count = space.readUpTo(at, bytes.length).bytes.length;
        if (count === 0 && bytes.length > 0) throw unmapped(at.space, at.offset, "no memory answers there");
      }
      space.write(at, bytes.subarray(0, count));
      state.memoryChanged(at, count);
      // The bytes may be a variable, a page table or the stack.
      state.forget();
      state.invalidate(["all"]);
      return { bytesWritten: count };
    },
  };
}

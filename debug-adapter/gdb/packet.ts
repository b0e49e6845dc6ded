/**
 * Packets of GDB's remote serial protocol (GDB manual, appendix E): `$data#checksum`, acknowledged with "+", asked for again with "-"; a lone
 * 0x03 is Ctrl-C.
 *
 * Data is handled as strings of characters 0 … 255.
 */
export type Received =
  | { readonly kind: "packet"; readonly data: string }
  | { readonly kind: "interrupt" }
  /** The other side wants the last packet again. */
  | { readonly kind: "again" }
  /** A packet with a wrong checksum. */
  | { readonly kind: "damaged" };

const START = 0x24;
const END = 0x23;
const ESCAPE = 0x7d;
const INTERRUPT = 0x03;
const AGAIN = 0x2d;
/** Longer packets than we announce are dropped. */
const LENGTH_MAX = 0x20000;

export class PacketReader {
  #bytes: number[] | null = null;
  #sum: string | null = null;

  *read(bytes: Uint8Array): Generator<Received> {
    for (const byte of bytes) {
      if (this.#sum !== null) {
        this.#sum += String.fromCharCode(byte);
        if (this.#sum.length < 2) continue;
        const data = this.#bytes!;
        const good = checksum(data) === Number.parseInt(this.#sum, 16);
        this.#bytes = null;
        this.#sum = null;
        yield good ? { kind: "packet", data: unescape(data) } : { kind: "damaged" };
      } else if (this.#bytes !== null) {
        if (byte === END) this.#sum = "";
        else if (byte === START) this.#bytes = [];
        else if (this.#bytes.length < LENGTH_MAX) this.#bytes.push(byte);
      } else if (byte === START) this.#bytes = [];
      else if (byte === INTERRUPT) yield { kind: "interrupt" };
      else if (byte === AGAIN) yield { kind: "again" };
    }
  }
}

/** A packet around `data`, in which `#`, `$`, `}` and `*` are escaped. */
export function packet(data: string): Uint8Array {
  const bytes = [START];
  for (const c of data) {
    if ("#$}*".includes(c)) bytes.push(ESCAPE, c.charCodeAt(0) ^ 0x20);
    else bytes.push(c.charCodeAt(0));
  }
  const sum = checksum(bytes.slice(1));
  const digits = sum.toString(16).padStart(2, "0");
  return Uint8Array.from([...bytes, END, digits.charCodeAt(0), digits.charCodeAt(1)]);
}

const checksum = (bytes: readonly number[]): number => bytes.reduce((sum, byte) => (sum + byte) & 0xff, 0);

function unescape(bytes: readonly number[]): string {
  let data = "";
  for (let i = 0; i < bytes.length; i++) {
    data += String.fromCharCode(bytes[i] === ESCAPE ? (bytes[++i] ?? 0) ^ 0x20 : bytes[i]!);
  }
  return data;
}

export const toHex = (bytes: Iterable<number>): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

/** Null unless it is an even number of hexadecimal digits. */
export function fromHex(text: string): Uint8Array | null {
  if (text.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(text)) return null;
  return Uint8Array.from({ length: text.length / 2 }, (_, i) =>
    Number.parseInt(text.slice(2 * i, 2 * i + 2), 16),
  );
}

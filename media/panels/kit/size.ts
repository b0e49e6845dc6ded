/** Sizes and addresses as people read them. */

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"] as const;

/** "2 MiB", "1.5 GiB", "4 KiB": at most two digits behind the point, and "≈" before what they do not say. */
export function size(bytes: number | bigint): string {
  let unit = 0;
  let scale = 1n;
  const exact = BigInt(bytes);
  while (unit + 1 < UNITS.length && exact >= scale * 1024n) {
    scale *= 1024n;
    unit++;
  }
  const hundredths = (exact * 100n) / scale;
  const isExact = hundredths * scale === exact * 100n;
  const whole = hundredths / 100n;
  const rest = (hundredths % 100n).toString().padStart(2, "0").replace(/0+$/u, "");
  return `${isExact ? "" : "≈"}${whole}${rest === "" ? "" : `.${rest}`} ${UNITS[unit]}`;
}

/** "1,234" */
export const count = (value: number): string => value.toLocaleString("en-US");

/** "1 table", "5 tables" */
export const plural = (value: number, one: string, many = `${one}s`): string =>
  `${count(value)} ${value === 1 ? one : many}`;

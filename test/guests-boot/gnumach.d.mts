/** Path of GNU Mach's kernel file once it is fetched. */
export const GNUMACH: string;
/** Downloads and unpacks the kernel if it is not there yet. Throws if there is no apt, no network or no such package. */
export function fetchGnuMach(): string;

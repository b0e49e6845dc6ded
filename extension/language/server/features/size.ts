/** Sizes as lenses have them: whole KiB and MiB as such, everything else in bytes. */
export function sizeText(size: number): string {
  const kibibytes = size / 1024;
  const mebibytes = kibibytes / 1024;
  if (mebibytes >= 1 && Number.isInteger(mebibytes)) {
    return `${mebibytes} MiB`;
  }
  return kibibytes >= 4 && Number.isInteger(kibibytes) ? `${kibibytes} KiB` : `${size} B`;
}

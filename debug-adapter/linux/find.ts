/** Where the file with a Linux kernel's symbols may be: beside the kernel, in its build tree, or where distributions put it. */
import { directoryOf, type Files } from "../files.ts";

/** Offset of the setup header's pointer to the version text, which is 0x200 bytes further on (Documentation/arch/x86/boot.rst). */
const KERNEL_VERSION = 0x20e;
const HEADER = 0x202;
const HDRS = 0x53726448;

/** "6.1.0-56-cloud-amd64", from a bzImage; null if it is none. */
export function kernelRelease(bytes: Uint8Array): string | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 0x264 || view.getUint32(HEADER, true) !== HDRS) return null;
  const at = view.getUint16(KERNEL_VERSION, true);
  if (at === 0 || at + 0x200 >= bytes.length) return null;
  const text = new TextDecoder("latin1").decode(bytes.subarray(at + 0x200, at + 0x200 + 256));
  return /^[^\s\0]+/.exec(text)?.[0] ?? null;
}

/** The first that exists. */
export function findVmlinux(kernelPath: string, release: string | null, files: Files): string | null {
  const directory = directoryOf(kernelPath);
  const candidates = [
    ...(release === null
      ? []
      : [
          `${directory}/vmlinux-${release}`,
          `/usr/lib/debug/boot/vmlinux-${release}`,
          `/usr/lib/debug/lib/modules/${release}/vmlinux`,
          `/lib/modules/${release}/build/vmlinux`,
        ]),
    // arch/x86/boot/bzImage of a build.
    ...(/[/\\]arch[/\\]x86[/\\]boot$/.test(directory) ? [files.resolve(directory, "../../../vmlinux")] : []),
    files.resolve(directory, "vmlinux"),
  ];
  return candidates.find((path) => path !== kernelPath && files.exists(path)) ?? null;
}

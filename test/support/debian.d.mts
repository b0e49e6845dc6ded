/** Downloads and unpacks a package of Debian's if it is not there yet, and gives its folder. */
export function fetchDebian(name: string): Promise<string>;
/** Path of the kernel image that a Linux metapackage stands for. */
export function fetchLinux(name: string): Promise<string>;

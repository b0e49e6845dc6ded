/** virtio devices on PCI. Everything other folders may use of them. */
export { VirtioBlock } from "./block.ts";
export { VirtioConsole } from "./console.ts";
export { VirtioEntropy, type EntropySource } from "./entropy.ts";
export { VirtioPci } from "./pci.ts";

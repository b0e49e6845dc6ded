export function demangleItanium(_s: string): { name: string; signature: string } | null {
  return null;
}

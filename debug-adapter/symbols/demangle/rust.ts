export function demangleRust(_s: string): string | null {
  return null;
}

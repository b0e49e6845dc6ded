export const root: string;
export const cache: string;
export function installServer(log?: (text: string) => void): void;
export function freePort(preferred?: number): Promise<number>;
export function installExtension(vsix: string, dataDirectory: string): void;
export function writeSettings(dataDirectory: string, settings: Readonly<Record<string, unknown>>): void;
export interface Server {
  readonly url: string;
  output(): string;
  stop(): Promise<void>;
}
export function startServer(dataDirectory: string, port: number): Promise<Server>;
export const quietSettings: Readonly<Record<string, unknown>>;

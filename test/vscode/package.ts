/** The VSIX, packaged once for a test run. */
import { execFileSync } from "node:child_process";
import path from "node:path";
import { root } from "./server.mjs";

let built: string | null = null;

/** Its path; packages it on the first call. */
export function vsix(): string {
  if (built === null) execFileSync("npm", ["run", "--silent", "package"], { cwd: root, stdio: "pipe" });
  built = path.join(root, "redzone.vsix");
  return built;
}

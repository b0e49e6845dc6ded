/** The VSIX, packaged once for a test run. */
import { execFileSync } from "node:child_process";
import path from "node:path";
import { root } from "./server.mjs";

const PACKAGE_MILLISECONDS = 180_000;

/** REDZONE_VSIX names a package that is to be tested as it is. */
let built: string | null = process.env["REDZONE_VSIX"] ?? null;

/** Its path; packages it on the first call. */
export function vsix(): string {
  if (built === null) {
    execFileSync("npm", ["run", "--silent", "package"], {
      cwd: root,
      stdio: "pipe",
      timeout: PACKAGE_MILLISECONDS,
    });
    built = path.join(root, "redzone.vsix");
  }
  return built;
}

import { defineConfig } from "vitest/config";
import { Progress } from "../support/progress.ts";

/** The editor in a browser: one window after the other, with time for a server to start. */
export default defineConfig({
  test: {
    include: ["test/vscode/**/*.e2e.ts"],
    globalSetup: ["test/vscode/setup.ts"],
    setupFiles: ["test/support/stall.ts"],
    reporters: ["default", new Progress()],
    testTimeout: 120_000,
    hookTimeout: 300_000,
    // On a shared machine the editor takes the focus away from a key now and then: what fails twice has failed.
    retry: 1,
    fileParallelism: false,
    expect: { poll: { timeout: 30_000 } },
  },
});

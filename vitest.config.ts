import { defineConfig } from "vitest/config";
import { Progress } from "./test/support/progress.ts";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    setupFiles: ["test/support/stall.ts"],
    reporters: ["default", new Progress()],
    testTimeout: 180_000,
    maxWorkers: 2,
  },
});

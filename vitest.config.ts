import { defineConfig } from "vitest/config";
import { SlowFirst } from "./test/support/order.ts";
import { Progress } from "./test/support/progress.ts";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    setupFiles: ["test/support/stall.ts"],
    reporters: ["default", new Progress()],
    sequence: { sequencer: SlowFirst },
    testTimeout: 180_000,
    // Hooks start browsers, build programs and boot kernels, too.
    hookTimeout: 180_000,
    maxWorkers: 2,
  },
});

import { defineConfig } from "vitest/config";
import { emittedInterpreter } from "./test/support/interpreter.ts";
import { SlowFirst } from "./test/support/order.ts";
import { Progress } from "./test/support/progress.ts";

export default defineConfig({
  plugins: [emittedInterpreter],
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

/** The `redzone` command: boots kernels without an editor, or serves the adapter over standard input and output. */
import "./cli/early.ts";
import { parseCommand } from "./cli/command.ts";
import { analyse } from "./cli/analyse.ts";
import { STATUS } from "./cli/ending.ts";
import { nodeHost } from "./cli/node-host.ts";
import { favourThisThread } from "./cli/priority.ts";
import { run } from "./cli/run.ts";
import { runStdio } from "./index.ts";

/** Of the package, written in by the build (`build.mjs`). */
declare const REDZONE_VERSION: string;

const command = parseCommand(process.argv.slice(2));
switch (command.kind) {
  case "help":
    process.stdout.write(command.text);
    break;
  case "version":
    process.stdout.write(`redzone ${REDZONE_VERSION}\n`);
    break;
  case "error":
    process.stderr.write(`redzone: ${command.text}\n`);
    process.exitCode = STATUS.usage;
    break;
  case "run": {
    favourThisThread();
    void run(command, nodeHost()).then((status) => (process.exitCode = status));
    break;
  }
  case "analyse":
    process.exitCode = analyse(command, nodeHost());
    break;
  case "dap":
    favourThisThread();
    void runStdio();
    break;
}

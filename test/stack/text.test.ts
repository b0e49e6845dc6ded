/** `info stack` and `info stacks` on the command line, where no session is. */
import { expect, test } from "vitest";
import { SAMPLE } from "../adapter/client.ts";
import { redzone } from "../cli/host.ts";

test("redzone --at-stop shows the stack with symbols, and every stack", async () => {
  const { status, out } = await redzone(
    `-kernel ${SAMPLE} --until-serial "tick 2" --at-stop 'info stack 3' --at-stop 'info stacks'`,
  );
  expect(status).toBe(0);
  const [, text] = out.split("tick 2");
  expect(text).toMatch(
    /CPU 0: RSP 0x[0-9a-f]+ in stack \(0x[0-9a-f]+-0x[0-9a-f]+, 16384 bytes\): \d+ bytes used/,
  );
  expect(text).toMatch(/^#0 outb\+0x[0-9a-f]+ at \S*kernel\.h:\d+ /m);
  expect(text).toMatch(/^ {2}0x[0-9a-f]+ +value \(uint8_t\) +\d+/m);
  expect(text).toMatch(/IST 1, for #DF/);
  expect(text).toMatch(/guard page: the PTE is not present/);
}, 60_000);

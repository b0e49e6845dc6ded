/** What something costs where others use the machine, too. */

/** Processor time of this process so far, in milliseconds: of all its threads, V8's among them. */
export function cpuMilliseconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

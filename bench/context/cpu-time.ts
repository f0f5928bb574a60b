/** Processor time of some work, in this process alone: what its threads and the kernel for it took, in microseconds. */
export async function cpuMicrosOf(work: () => void | Promise<void>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

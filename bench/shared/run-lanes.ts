/**
 * Makes calls for `durationMs` milliseconds, in lanes that know nothing of each other: each makes its next call when
 * the one before has ended, so there are at most as many under way as lanes. Resolves when the last call has ended.
 *
 * A call that fails ends all lanes, and the run with its error.
 *
 * @param call is given the number of its lane, from 0 on
 */
export async function runLanes(
  lanes: number,
  durationMs: number,
  call: (lane: number) => Promise<unknown>,
): Promise<void> {
  const until = performance.now() + durationMs;
  let failed = false;
  const run = async (lane: number) => {
    while (!failed && performance.now() < until) {
      try {
        await call(lane);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  const ends = await Promise.allSettled(Array.from({ length: lanes }, (_, lane) => run(lane)));
  for (const end of ends) if (end.status === "rejected") throw end.reason;
}

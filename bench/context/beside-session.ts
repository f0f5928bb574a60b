import { contextSession } from "quorate/context";

/** Does some work outside of any session, while one is open elsewhere in the process. */
export async function besideSession<Result>(work: () => Promise<Result>): Promise<Result> {
  let end = () => {};
  const elsewhere = contextSession.begin(
    () =>
      new Promise<void>((resolve) => {
        end = resolve;
      }),
  );
  try {
    return await work();
  } finally {
    end();
    await elsewhere;
  }
}

// A server of the benchmark of context sessions, a process of its own: main.ts starts and ends it.
import { createServer } from "quorate";
import { serveUntilTold } from "../shared/serve-until-told.js";
import { Echo } from "./gen/bench/context/v1/echo_quorate.js";

const [lifeMs] = process.argv.slice(2);

await using server = await createServer({
  address: "127.0.0.1:0",
  routes: (router) =>
    router.service(Echo, { one: ({ payload }) => ({ payload }), quorum: ({ payload }) => ({ payload }) }),
});
await serveUntilTold(server.address, AbortSignal.timeout(Number(lifeMs)));

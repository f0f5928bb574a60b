import { connect } from "../../src/connect.js";
import { createServer } from "../../src/server/create-server.js";

// A peer in a process of its own, so that it can be stopped: `serve`, or `connect <address>`. It says when it is there.
const [, , role, address = ""] = process.argv;
if (role === "serve") {
  const server = await createServer({ address: "127.0.0.1:0" });
  process.stdout.write(`${server.address}\n`);
} else {
  const configuration = await connect({ nodes: [address], routes: () => {} });
  process.stdout.write(`${configuration}\n`);
}

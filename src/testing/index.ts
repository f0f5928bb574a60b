export { createMemoryTransport, type MemoryTransport } from "../../internal/transport/memory-transport.js";
export { createLocalCluster, type LocalCluster, type LocalClusterOptions } from "./local-cluster.js";

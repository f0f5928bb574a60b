export { openEtcdLog } from "./etcd-log.js";
export type { EtcdLogOptions, EtcdUser } from "./etcd-log-options.js";

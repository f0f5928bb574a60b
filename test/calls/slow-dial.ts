import type { ConnectOptions } from "quorate";
import type { LocalCluster } from "quorate/testing";

/** The network of a cluster, on which connecting to one node takes until `open` is called. */
export function slowDial(
  cluster: LocalCluster,
  node: number,
): { readonly transport: NonNullable<ConnectOptions["transport"]>; readonly open: () => void } {
  const { network, nodes } = cluster;
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return {
    transport: {
      listen: (address, options) => network.listen(address, options),
      dial: async (address, ...rest) => {
        if (address === nodes[node]) await opened;
        return network.dial(address, ...rest);
      },
    },
    open: () => open(),
  };
}

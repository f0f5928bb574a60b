import type { Configuration } from "../configuration/configuration.js";
import type { Node } from "../configuration/node.js";

/** What can be called: one node, or a configuration of any number. */
export type CallTarget = Node | Configuration;

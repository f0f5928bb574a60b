/** What `help` prints. */
export const help = `The commands call the storage servers; a node index counts from 0, as \`nodes\` lists them.

help                              Show this text
exit, quit                        End the program
nodes                             Print a list of the nodes
rpc   [node index] [operation]    Call one node, by RPC: read or write
qc    [operation]                 Call all nodes, by quorum call
cfg   [config] [operation]        Call some of the nodes, by quorum call
ucast [node index] [key] [value]  Write at one node, without waiting for it
mcast [key] [value]               Write at all nodes, without waiting for them

Operations:

read   [key]          Read a value; of a quorum call the newest of a majority
write  [key] [value]  Write a value; a quorum call is well if a majority took it
cread  [key]          Read by a correctable: one line per reply, until a majority has replied
nread  [key]          Nested: each node that is called reads at a majority of its peers
nwrite [key] [value]  Nested: each node that is called writes at a majority of its peers

A config is a slice (1:3 is nodes 1 and 2; :2 and 1: have an open end) or a list (0,2).

rpc 0 write foo bar           Sets foo = bar at node 0
qc read foo                   Reads foo at a majority
cfg 1:3 write foo bar         Writes foo at nodes 1 and 2
cfg 0,2 write foo 'bar baz'   Writes a value with a blank at nodes 0 and 2`;

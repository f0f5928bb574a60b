/**
 * What a user of Gorums can observe, in areas; the rows of an area are numbered from 01 on, without a gap. The row
 * `QC-06` is the sixth of the area `QC`.
 */
export const areas = [
  { area: "NL", title: "Node lists, addresses, node ids", rows: 18 },
  { area: "CF", title: "Configuration set algebra", rows: 22 },
  { area: "SW", title: "Sorting, latency, watch", rows: 14 },
  { area: "LC", title: "Connect, reconnect, close", rows: 23 },
  { area: "RPC", title: "Single-node RPC", rows: 9 },
  { area: "UC", title: "Unicast", rows: 6 },
  { area: "MC", title: "Multicast", rows: 9 },
  { area: "QC", title: "Quorum calls and thresholds", rows: 17 },
  { area: "IT", title: "Response iterators", rows: 11 },
  { area: "AS", title: "Async", rows: 4 },
  { area: "CO", title: "Correctable and streaming quorum calls", rows: 10 },
  { area: "CI", title: "Client-side interceptors", rows: 10 },
  { area: "SI", title: "Server side: handlers and interceptors", rows: 13 },
  { area: "MD", title: "Metadata", rows: 8 },
  { area: "ER", title: "Error types and codes", rows: 9 },
  { area: "OR", title: "Ordering", rows: 7 },
  { area: "CX", title: "Cancellation and deadlines", rows: 8 },
  { area: "HB", title: "Slow and blocked servers", rows: 5 },
  { area: "PL", title: "Pending calls, routing, leaks", rows: 11 },
  { area: "RQ", title: "Requeue after stream loss", rows: 6 },
  { area: "KP", title: "Known peers", rows: 13 },
  { area: "DC", title: "Dynamic clients", rows: 8 },
  { area: "SV", title: "Server-initiated calls", rows: 7 },
  { area: "SE", title: "Self node (local dispatch)", rows: 7 },
  { area: "HC", title: "Handler access to configurations", rows: 5 },
  { area: "WF", title: "Waiting for a configuration", rows: 7 },
  { area: "SY", title: "System and local systems", rows: 9 },
  { area: "CB", title: "Connect callback", rows: 2 },
  { area: "OC", title: "Callbacks on change", rows: 6 },
  { area: "TL", title: "TLS", rows: 2 },
  { area: "CG", title: "Code generation", rows: 15 },
  { area: "BM", title: "Benchmark tool", rows: 10 },
  { area: "RE", title: "Storage example and REPL", rows: 14 },
];

/** The ids of the rows of an area. */
export function idsOf({ area, rows }) {
  return Array.from({ length: rows }, (_, at) => `${area}-${String(at + 1).padStart(2, "0")}`);
}

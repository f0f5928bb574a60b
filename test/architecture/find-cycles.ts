/** The import cycles that a walk over the graph meets, each as `a → b → a`; empty exactly if there is none. */
export function findCycles(graph: ReadonlyMap<string, ReadonlySet<string>>): string[] {
  const cycles: string[] = [];
  const done = new Set<string>();
  const way: string[] = [];

  const visit = (node: string): void => {
    const before = way.indexOf(node);
    if (before !== -1) {
      cycles.push([...way.slice(before), node].join(" → "));
      return;
    }
    if (done.has(node)) return;
    way.push(node);
    for (const next of graph.get(node) ?? []) visit(next);
    way.pop();
    done.add(node);
  };

  for (const node of graph.keys()) visit(node);
  return cycles;
}

/** Which file imports which. */
export type Graph = ReadonlyMap<string, readonly string[]>;

/** One shortest cycle, `[a, b, a]`, for every knot of files that import each other. */
export function cyclesOf(graph: Graph): readonly (readonly string[])[] {
  return knotsOf(graph).map((knot) => shortestCycle(knot, graph));
}

/** Tarjan's strongly connected components, those that hold a cycle. O(files + imports). */
function knotsOf(graph: Graph): readonly ReadonlySet<string>[] {
  const knots: ReadonlySet<string>[] = [];
  const order = new Map<string, number>();
  const lowest = new Map<string, number>();
  const stack: string[] = [];
  const onStack = new Set<string>();

  const connect = (node: string): number => {
    order.set(node, order.size);
    let low = order.size - 1;
    stack.push(node);
    onStack.add(node);
    for (const next of graph.get(node) ?? []) {
      if (!order.has(next)) low = Math.min(low, connect(next));
      else if (onStack.has(next)) low = Math.min(low, order.get(next) ?? low);
    }
    lowest.set(node, low);
    if (low === order.get(node)) takeKnot(node);
    return low;
  };
  const takeKnot = (node: string): void => {
    const knot = new Set(stack.splice(stack.lastIndexOf(node)));
    for (const member of knot) onStack.delete(member);
    if (knot.size > 1 || (graph.get(node) ?? []).includes(node)) knots.push(knot);
  };

  for (const node of graph.keys()) if (!order.has(node)) connect(node);
  return knots;
}

/** Breadth first from the knot's first file by name, back to itself. */
function shortestCycle(knot: ReadonlySet<string>, graph: Graph): readonly string[] {
  const [start = ''] = [...knot].sort();
  const paths: string[][] = [[start]];
  const seen = new Set<string>();
  for (const path of paths) {
    for (const next of graph.get(path.at(-1) ?? '') ?? []) {
      if (next === start) return [...path, start];
      if (!knot.has(next) || seen.has(next)) continue;
      seen.add(next);
      paths.push([...path, next]);
    }
  }
  return [start];
}

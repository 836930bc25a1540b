import type { Node } from 'oxc-parser';
import { visitorKeys } from 'oxc-parser';

/** Calls `visit` for `node` and everything below it, in source order. */
export function walk(node: Node, visit: (node: Node) => void): void {
  visit(node);
  for (const child of childrenOf(node)) walk(child, visit);
}

/** The nodes directly below `node`, in source order. */
export function childrenOf(node: Node): readonly Node[] {
  const fields = node as unknown as Record<string, Node | null | readonly (Node | null)[]>;
  return (visitorKeys[node.type] ?? [])
    .flatMap((key) => fields[key] ?? null)
    .filter((child) => child !== null);
}

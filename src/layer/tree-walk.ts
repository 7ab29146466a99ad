import type { TreeNode } from './tree-node.js'

/** What is in a folder, names in byte order: text of one character a byte sorts as its bytes do. */
export const sortedChildren = ({ children }: TreeNode): TreeNode[] =>
  children === undefined ? [] : [...children.keys()].sort().map(name => children.get(name)!)

/** Every node below `from`, folders before their content, names in byte order. */
export function* walkTree(from: TreeNode): Iterable<TreeNode> {
  // A stack of its own: through a generator a folder, each node would pass all those above it.
  const open = [sortedChildren(from).reverse()]
  for (let nodes = open.at(-1); nodes !== undefined; nodes = open.at(-1)) {
    const node = nodes.pop()
    if (node === undefined) {
      open.pop()
      continue
    }
    yield node
    if (node.children !== undefined) open.push(sortedChildren(node).reverse())
  }
}

/** Names of a node and the folders above it, with slashes between; '' for the root. */
const joinNames = (node: TreeNode): string => {
  let path = node.name
  for (let at = node.parent; at?.parent !== undefined; at = at.parent) path = `${at.name}/${path}`
  return path
}

/** What tells the path of a node, quickly where one is asked for after its sibling. */
export const pathsOfNodes = (): ((node: TreeNode) => string) => {
  let last: { readonly folder: TreeNode; readonly path: string } | undefined
  return ({ name, parent }) => {
    if (parent?.parent === undefined) return name
    if (last?.folder !== parent) last = { folder: parent, path: joinNames(parent) }
    return `${last.path}/${name}`
  }
}

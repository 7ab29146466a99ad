/** What is in an archive, without unpacking it: names, platforms, layers. `node list-images.js FILE` */
import { familiarName, loadTree, openSource, parsePlace } from '../src/index.js'

const [, , file = '-'] = process.argv
await using source = await openSource(parsePlace(file))
for (const root of await source.roots()) {
  const tree = await loadTree(source, root)
  console.log(`${root.names.map(familiarName).join(' ') || '(no name)'}  ${root.descriptor.digest}`)
  for (const { config, layers } of tree.images) {
    console.log(`  ${config.os}/${config.architecture}, ${layers.length} layers`)
    for (const { descriptor, diffId } of layers) console.log(`    ${diffId}  ${descriptor.size} bytes stored`)
  }
}

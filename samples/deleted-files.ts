/** Which files each layer deletes, read from the layers' tables of contents. `node deleted-files.js ARCHIVE` */
import { loadTree, openSource, parsePlace } from '../src/index.js'

const [, , file = '-'] = process.argv
await using source = await openSource(parsePlace(file))
for (const root of await source.roots())
  for (const { layers } of (await loadTree(source, root)).images)
    for (const layer of layers)
      for (const { path } of await layer.toc()) {
        const name = path.toString()
        if (/(?:^|\/)\.wh\./.test(name))
          console.log(`layer ${layer.index + 1} of ${layer.count}: ${name.replace('.wh.', '')}`)
      }

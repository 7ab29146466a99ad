/** Write the images of one place into another archive format. `node convert-archive.js FROM TO [both|docker|oci]` */
import { LadingError, loadTree, openArchiveSink, openSource, parsePlace } from '../src/index.js'

const [, , from = '-', to = '-', format = 'both'] = process.argv
if (format !== 'both' && format !== 'docker' && format !== 'oci') throw new Error(`Unknown format ${format}`)
try {
  await using source = await openSource(parsePlace(from))
  await using sink = await openArchiveSink(to, { format })
  for (const root of await source.roots()) await sink.write(await loadTree(source, root))
  const { losses } = await sink.commit()
  for (const { what, count, why } of losses) console.error(`lost: ${count} ${what}: ${why}`)
} catch (error) {
  if (!(error instanceof LadingError)) throw error
  console.error(`${error.code}: ${error.message}`)
  process.exitCode = 1
}

/** Into a store and out again, with nothing changed. `node load-and-save.js ARCHIVE STORE OUTPUT` */
import { familiarName, load, openStore, save } from '../src/index.js'

const [, , input = '-', directory = 'store', output = '-'] = process.argv
const store = await openStore(directory, { create: true })
const { images, warnings } = await load({ input, store })
for (const { message } of warnings) console.error(`odd: ${message}`)
for (const { names, ids } of images)
  console.log(`loaded ${names.map(familiarName).join(', ')}: ${ids.join(', ')}`)
const names = images.flatMap(image => image.names.map(familiarName))
const saved = await save({ places: names, output, format: 'both', storeDirectory: directory })
for (const { digest } of saved.images) console.log(`saved ${digest}`)

import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Root } from '../image/interfaces.js'
import { parseJson } from '../spec/json.js'
import { limits } from '../spec/limits.js'
import { readDescriptor } from '../spec/read-descriptor.js'
import type { StorePlaces } from './places.js'

/**
 * What containers need though no name leads to it: a folder each in `containers`, with the descriptor of its image's
 * manifest in `image.json`. One that is being made has it before it looks whether the image is still there.
 */
export const readPins = async (places: StorePlaces): Promise<readonly Root[]> => {
  const folder = join(places.root, 'containers')
  const pins: Root[] = []
  for (const name of await readdir(folder).catch(() => [])) {
    const path = join(folder, name, 'image.json')
    const bytes = await readFile(path).catch(() => undefined)
    // A container that is just being made or removed.
    if (bytes === undefined) continue
    const value = parseJson(bytes, { what: path, maxBytes: limits.manifest })
    pins.push({ descriptor: readDescriptor(value, path), names: [], origin: 'document' })
  }
  return pins
}

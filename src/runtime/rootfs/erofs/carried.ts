import type { FileHandle } from 'node:fs/promises'
import { StreamReader } from '../../../bytes/stream-reader.js'
import type { Contents } from '../../../layer/content.js'
import { blockSize } from './format.js'
import type { CarriedFile } from './image.js'

/** Copy contents to where the image has them; what is a hole in a file stays one in the image's. */
export const writeCarried = async (
  image: FileHandle,
  files: readonly CarriedFile[],
  contents: Contents,
): Promise<void> => {
  for (const { layer, entry, chunks, offset } of files) {
    const chunkSize = blockSize * 2 ** chunks.bits
    const places = new Map(chunks.filled.map((chunk, index) => [chunk, offset + index * chunkSize]))
    const reader = new StreamReader(contents.stored({ layer, entry }))
    try {
      for (const region of entry.sparse ?? [{ offset: 0, length: entry.size }]) {
        let at = region.offset
        for await (const piece of reader.pass(region.length))
          for (let done = 0; done < piece.length; ) {
            const inChunk = at % chunkSize
            const part = piece.subarray(done, done + chunkSize - inChunk)
            await image.write(part, 0, part.length, places.get(Math.floor(at / chunkSize))! + inChunk)
            done += part.length
            at += part.length
          }
      }
    } finally {
      await reader.close()
    }
  }
}

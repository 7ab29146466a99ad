import { closeSync, constants, createReadStream, lstatSync } from 'node:fs'
import type { ByteStream } from '../../bytes/byte-stream.js'
import { LadingError } from '../../spec/errors.js'
import { visible } from '../../spec/escape.js'
import type { TarEntry } from '../../tar/entry.js'
import type { Contents } from '../content.js'
import { openSame, whileReadable } from './read-folder.js'
import { folderFlags, loadSystemCalls, pathIn, type SystemCalls } from './system-calls.js'

/** The contents of files below the folder that is open as `root`, as readFolder has found them. */
export const folderContents = (root: number): Contents => ({
  stored: ({ entry }) => readStored(root, entry),
})

/** Throws UNSUPPORTED when the file is not as long as it was. */
async function* readStored(root: number, entry: TarEntry): ByteStream {
  const fd = openFileBelow(await loadSystemCalls(), root, entry.path)
  let found = 0
  try {
    // A file that grows has no end: no more is read than there was, and one byte to see it.
    const regions = entry.sparse ?? [{ offset: 0, length: entry.size + 1 }]
    for (const { offset, length } of regions) {
      if (length === 0) continue
      const range = { start: offset, end: offset + length - 1 }
      for await (const chunk of createReadStream('', {
        fd,
        autoClose: false,
        highWaterMark: 1 << 20,
        ...range,
      })) {
        found += (chunk as Buffer).length
        if (found <= entry.storedSize) yield chunk as Buffer
      }
    }
  } finally {
    closeSync(fd)
  }
  if (found !== entry.storedSize)
    throw new LadingError(
      'UNSUPPORTED',
      `${JSON.stringify(visible(entry.path))} was ${entry.size} bytes long and has changed while it was read`,
    )
}

/** A descriptor of a file, every folder on the way opened by itself. */
const openFileBelow = (system: SystemCalls, root: number, path: Buffer): number => {
  const parts = path.toString('latin1').split('/')
  const open: number[] = []
  const enter = (folder: number, at: number): number => {
    const name = Buffer.from(parts[at]!, 'latin1')
    const last = at === parts.length - 1
    const status = lstatSync(pathIn(folder, name), { bigint: true })
    return whileReadable(system, folder, name, status, () => {
      const fd = openSame(system, folder, name, last ? constants.O_RDONLY : folderFlags, status)
      if (last) return fd
      open.push(fd)
      return enter(fd, at + 1)
    })
  }
  try {
    return enter(root, 0)
  } finally {
    for (const fd of open) closeSync(fd)
  }
}

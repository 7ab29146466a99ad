import { closeSync, fstatSync, lstatSync, readSync } from 'node:fs'
import type { ByteStream } from '../../bytes/byte-stream.js'
import { LadingError } from '../../spec/errors.js'
import { visible } from '../../spec/escape.js'
import type { TarEntry } from '../../tar/entry.js'
import type { Contents } from '../content.js'
import { FolderTrail } from './folder-trail.js'
import { openSame, whileReadable } from './read-folder.js'
import { fileFlags, folderFlags, loadSystemCalls, pathIn, type SystemCalls } from './system-calls.js'

/** The contents of files below the folder that is open as `root`, as readFolder has found them. */
export const folderContents = (root: number): Contents => ({
  stored: ({ entry }) => readStored(root, entry),
})

/** The same for reading many of them, in the order of a walk. To be closed before `root` is. */
export const openFolderContents = async (root: number): Promise<Contents & { close(): void }> => {
  const system = await loadSystemCalls()
  // An ordinary user may have to change the modes of folders for a moment: each way is gone by itself.
  const trail = process.geteuid!() === 0 ? new FolderTrail(system, root) : undefined
  return {
    ...folderContents(root),
    ...(trail && {
      fillOf: ({ entry }) =>
        entry.size <= chunkLength && entry.sparse === undefined
          ? target => readWhole(trail, entry, target)
          : undefined,
    }),
    close: () => trail?.close(),
  }
}

const chunkLength = 1 << 20

const readWhole = (trail: FolderTrail, entry: TarEntry, target: Uint8Array): void => {
  const fd = trail.open(entry.path)
  try {
    const status = fstatSync(fd)
    if (!status.isFile() || status.size !== entry.size) throw changed(entry)
    for (let done = 0; done < entry.size; ) {
      const count = readSync(fd, target, done, entry.size - done, done)
      if (count === 0) throw changed(entry)
      done += count
    }
  } finally {
    closeSync(fd)
  }
}

/** Throws UNSUPPORTED when the file is not as long as it was. */
async function* readStored(root: number, entry: TarEntry): ByteStream {
  const fd = openFileBelow(await loadSystemCalls(), root, entry.path)
  try {
    if (fstatSync(fd).size !== entry.size) throw changed(entry)
    for (const { offset, length } of entry.sparse ?? [{ offset: 0, length: entry.size }])
      for (let done = 0; done < length; ) {
        const chunk = Buffer.allocUnsafeSlow(Math.min(chunkLength, length - done))
        // Waiting for the event loop takes longer than reading most files.
        const count = readSync(fd, chunk, 0, chunk.length, offset + done)
        if (count === 0) throw changed(entry)
        yield chunk.subarray(0, count)
        done += count
      }
  } finally {
    closeSync(fd)
  }
}

const changed = ({ path, size }: TarEntry): LadingError =>
  new LadingError(
    'UNSUPPORTED',
    `${JSON.stringify(visible(path))} was ${size} bytes long and has changed while it was read`,
  )

/** A descriptor of a file, every folder on the way opened by itself. */
const openFileBelow = (system: SystemCalls, root: number, path: Buffer): number => {
  const parts = path.toString('latin1').split('/')
  const open: number[] = []
  const enter = (folder: number, at: number): number => {
    const name = Buffer.from(parts[at]!, 'latin1')
    const last = at === parts.length - 1
    const status = lstatSync(pathIn(folder, name), { bigint: true })
    return whileReadable(system, folder, name, status, () => {
      const fd = openSame(system, folder, name, last ? fileFlags : folderFlags, status)
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

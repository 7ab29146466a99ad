import { open, realpath, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { ByteStream } from '../../bytes/byte-stream.js'
import { type Parts, streamParts } from '../../bytes/parts.js'
import { writeAll } from '../../bytes/write-file.js'
import { writeParts } from '../../bytes/write-parts.js'
import { LadingError } from '../../spec/errors.js'
import { openDraftFile } from './draft-file.js'

/** Where one archive goes. */
export interface Output {
  /** As the user named it. */
  readonly place: string
  /** Write all of it. A file that was there before is replaced at the end; when anything fails it stays as it was. */
  write(parts: Parts): Promise<void>
}

/**
 * A path, or `-` for standard output. A file gets its name when it is whole (draft-file.ts), and
 * is readable by its owner alone until then; a new one keeps mode 0600, as `docker save -o` gives it, and one that is
 * replaced hands its mode on. A FIFO or a device is written into.
 */
export const openOutput = async (path: string): Promise<Output> => {
  if (path === '-')
    return { place: 'standard output', write: parts => writeStandardOutput(streamParts(parts)) }
  const found = await stat(path).catch(notThere)
  if (found?.isDirectory())
    throw new LadingError('USAGE', `Cannot write an archive to ${JSON.stringify(path)}: it is a folder`, {
      data: { path },
    })
  if (found !== undefined && !found.isFile())
    return { place: path, write: parts => writeInto(path, streamParts(parts)) }
  if (found === undefined && (await stat(dirname(path)).catch(notThere)) === undefined)
    throw new LadingError(
      'NOT_FOUND',
      `Cannot write ${JSON.stringify(path)}: there is no folder ${JSON.stringify(dirname(path))}`,
      {
        data: { path },
      },
    )
  // A link stays a link: what it points to is replaced.
  const target = found === undefined ? path : await realpath(path)
  const mode = found === undefined ? 0o600 : found.mode & 0o777
  return { place: path, write: parts => replaceFile(target, mode, parts) }
}

const notThere = (error: NodeJS.ErrnoException): undefined => {
  if (error.code !== 'ENOENT') throw error
}

const replaceFile = async (target: string, mode: number, parts: Parts): Promise<void> => {
  const draft = await openDraftFile(target)
  try {
    await writeParts(draft.fd, parts)
    await draft.publish(mode)
  } finally {
    await draft.close()
  }
}

const writeInto = async (path: string, stream: ByteStream): Promise<void> => {
  const handle = await open(path, 'w')
  try {
    await writeAll(handle.fd, stream)
  } finally {
    await handle.close()
  }
}

/** Each chunk waits until the one before has been taken, so a slow reader holds back the whole chain. */
const writeStandardOutput = async (stream: ByteStream): Promise<void> => {
  const { stdout } = process
  // A reader that goes away is told by the write's own callback as well; without a listener it would be thrown.
  const ignore = () => {}
  stdout.on('error', ignore)
  try {
    for await (const chunk of stream)
      await new Promise<void>((resolve, reject) => {
        stdout.write(chunk, error => (error ? reject(error) : resolve()))
      })
  } finally {
    stdout.off('error', ignore)
  }
}

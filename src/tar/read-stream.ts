import type { ByteStream } from '../bytes/byte-stream.js'
import { StreamReader } from '../bytes/stream-reader.js'
import { visible } from '../spec/escape.js'
import type { TarEntry } from './entry.js'
import { readTar } from './reader.js'
import { truncated } from './truncated.js'

export interface StreamedEntry {
  readonly entry: TarEntry
  /** The stored content; what is not read of it before the next entry is asked for is passed over. */
  readonly body: ByteStream
}

/** The tar reader for a stream: entries one at a time, each with its content as it comes by. */
export async function* readTarStream(stream: ByteStream): AsyncGenerator<StreamedEntry> {
  const reader = new StreamReader(stream)
  let emitted: TarEntry | undefined
  const machine = readTar({
    entry: entry => {
      emitted = entry
    },
  })
  try {
    for (let step = machine.next(); !step.done; ) {
      const target = reader.offset + step.value.skip
      if (emitted !== undefined) {
        const entry = emitted
        emitted = undefined
        yield { entry, body: bodyOf(reader, entry) }
      }
      const skip = target - reader.offset
      const missing = skip - (await reader.skip(skip))
      step = machine.next(missing > 0 ? missing : await reader.take(step.value.take))
    }
    // What follows the end belongs to the file all the same: a pipe's writer must not meet a closed door.
    while ((await reader.skip(1 << 20)) > 0);
  } finally {
    await reader.close()
  }
}

/** The content as it comes. Where the tar ends before it, so does this: in TRUNCATED, not as if it were whole. */
async function* bodyOf(reader: StreamReader, { path, storedSize }: TarEntry): ByteStream {
  const end = reader.offset + storedSize
  yield* reader.pass(storedSize)
  if (reader.offset < end) throw truncated(`inside ${JSON.stringify(visible(path))}`, reader.offset, end)
}

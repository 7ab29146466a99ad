import { closeSync, constants, openSync } from 'node:fs'
import { getSystemErrorName } from 'node:util'
import { loadCLibrary } from '../../bytes/libc.js'
import { LadingError } from '../../spec/errors.js'

/** <linux/loop.h>. */
const getFree = 0x4c82
const configure = 0x4c0a
const flags = { readOnly: 1, autoClear: 4 } as const
/** struct loop_config: fd, block size, struct loop_info64 with its flags, reserved. */
const config = { size: 304, blockSizeAt: 4, flagsAt: 8 + 52 } as const

/** Descriptors that keep devices there until they are mounted, by the folder of the container that they are for. */
const waiting = new Map<string, number[]>()

/**
 * A read-only loop device of the file at `path`; its own path. It goes away by itself when nothing has it open
 * or mounted: this process keeps it open until `releaseLoops`, or until it ends, so that must not be before the
 * mount is there. Linux 5.8 and later.
 */
export const attachLoop = async (path: string, folder: string): Promise<string> => {
  const library = await loadCLibrary()
  const ioctl = library.bind('int ioctl(int fd, unsigned long request, _Inout_ uint8_t *argument)')
  const control = openDevice('/dev/loop-control')
  const file = openSync(path, constants.O_RDONLY)
  try {
    // Another process may take the one that was free.
    for (let attempts = 0; attempts < 64; attempts++) {
      const number = ioctl(control, getFree, Buffer.alloc(8))
      if (number < 0) break
      const device = openDevice(`/dev/loop${number}`)
      const wanted = Buffer.alloc(config.size)
      wanted.writeUInt32LE(file, 0)
      wanted.writeUInt32LE(512, config.blockSizeAt)
      wanted.writeUInt32LE(flags.readOnly | flags.autoClear, config.flagsAt)
      if (ioctl(device, configure, wanted) === 0) {
        waiting.set(folder, [...(waiting.get(folder) ?? []), device])
        return `/dev/loop${number}`
      }
      closeSync(device)
    }
  } finally {
    closeSync(file)
    closeSync(control)
  }
  throw new LadingError(
    'UNSUPPORTED',
    `Cannot make a loop device of ${path}: ${getSystemErrorName(-library.errno())}`,
  )
}

/** Let go of the devices for a container: it has mounted them, or never will. */
export const releaseLoops = (folder: string): void => {
  for (const fd of waiting.get(folder) ?? []) closeSync(fd)
  waiting.delete(folder)
}

const openDevice = (path: string): number => {
  try {
    return openSync(path, constants.O_RDONLY)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    throw new LadingError('UNSUPPORTED', `Cannot open ${path}: ${code}`, { cause })
  }
}

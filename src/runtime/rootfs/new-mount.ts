import { getSystemErrorName } from 'node:util'
import { type CLibrary, type LibraryFunction, loadCLibrary } from '../../bytes/libc.js'

/** Numbers that all architectures share (asm-generic/unistd.h). */
const numbers = { fsopen: 430n, fsconfig: 431n } as const
/** FSCONFIG_* of <linux/mount.h>. */
const commands = { setFlag: 0, setString: 1, create: 6 } as const

/**
 * Whether the kernel makes a file system of these options, in the order given: made by fsopen(2) and
 * fsconfig(2) only, so it is mounted nowhere and gone when this returns. Undefined if it does, else what
 * failed, in a few words.
 */
export const tryFileSystem = async (
  type: string,
  options: readonly (readonly [name: string, value?: string])[],
): Promise<string | undefined> => {
  const library = await loadCLibrary()
  const open = library.bind('int64_t syscall(int64_t number, const uint8_t *name, unsigned int flags)')
  const config = library.bind(
    'int64_t syscall(int64_t number, int fd, unsigned int command, const uint8_t *key, const uint8_t *value, int aux)',
  )
  const close = library.bind('int close(int fd)')
  const fd = open(numbers.fsopen, text(type), 1)
  if (fd < 0) return `fsopen ${type}: ${errorName(library)}`
  try {
    for (const [name, value] of options) {
      const command = value === undefined ? commands.setFlag : commands.setString
      if (set(config, Number(fd), command, name, value) < 0) return `${name}: ${errorName(library)}`
    }
    return set(config, Number(fd), commands.create) < 0 ? errorName(library) : undefined
  } finally {
    close(Number(fd))
  }
}

const set = (config: LibraryFunction, fd: number, command: number, name?: string, value?: string): number =>
  config(numbers.fsconfig, fd, command, pointer(name), pointer(value), 0)

const text = (value: string): Buffer => Buffer.from(`${value}\0`)
const pointer = (value: string | undefined): Buffer | null => (value === undefined ? null : text(value))
/** Node has no name for ENOTBLK, which says that a file cannot be mounted. */
const errorName = (library: CLibrary): string =>
  library.errno() === 15 ? 'ENOTBLK' : getSystemErrorName(-library.errno())

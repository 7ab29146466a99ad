/** Random layers with everything that a tar can hold and a file system can show, written by lading's own tar writer. */
import type { SparseRegion, Xattr } from '../../src/tar/entry.js'
import { encodeEntry, endOfArchive, padding, storedLength, type WritableEntry } from '../../src/tar/write.js'
import { randomFrom } from './generate.js'

const capability = Buffer.from('0100000200040000000000000000000000000000', 'hex')
/** Version 2; u::rw-, u:7:r--, g::r--, m::r--, o::---. */
const acl = 'user::rw-,user:lp:r--:7,group::r--,mask::r--,other::---'
const odd = [
  'a',
  'B',
  '!',
  '-',
  '..x',
  '.dot',
  'ü',
  '\xff',
  ' ',
  'n'.repeat(255),
  'm'.repeat(200),
  'z',
  '~',
  'q',
]

export interface RandomLayerOptions {
  readonly seed: number
  readonly level: number
  /** Also what only EROFS takes: large attributes, more kinds of them, on any kind of file. */
  readonly wild?: boolean
}

/** The tar of a layer; `paths` are those of layers below by type, and those of this one are added. */
export const randomTreeLayer = (
  { seed, level, wild = false }: RandomLayerOptions,
  paths: Map<string, WritableEntry['type']>,
): Buffer => {
  const random = randomFrom(seed * 100 + level)
  const below = (limit: number): number => Math.floor(random() * limit)
  const pick = <Item>(items: readonly Item[]): Item => items[below(items.length)]!
  const bytes = (length: number): Buffer => Buffer.from(Array.from({ length }, () => below(256)))
  const parts: Buffer[] = []
  const own = new Set<string>()

  const xattrs = (type: string, largest = wild ? 9000 : 200): Xattr[] => {
    const found: Xattr[] = []
    const add = (name: string, value: Buffer) => found.push({ name: Buffer.from(name, 'latin1'), value })
    if (random() < 0.7) return found
    add(`trusted.${pick(['t', 'two', 'x'.repeat(40)])}`, bytes(below(30)))
    if (type === 'file' || type === 'directory') add('user.note', bytes(below(largest)))
    if (type === 'file' && random() < 0.5) add('security.capability', capability)
    if (random() < 0.3) add('trusted.overlay.opaque', Buffer.from('y'))
    if (random() < 0.3) add('user.overlay.redirect', Buffer.from('/etc'))
    return found
  }
  const put = (entry: WritableEntry, content: Buffer = Buffer.alloc(0)): void => {
    parts.push(encodeEntry(entry), content, padding(content.length))
    const path = entry.path.toString('latin1').replace(/\/$/, '')
    own.add(path)
    paths.set(path, entry.type)
  }
  const sparse = (): { size: number; sparse: SparseRegion[] } => {
    const unit = pick([4096, 512, 100])
    const regions: SparseRegion[] = []
    let at = 0
    for (let count = below(5); count >= 0; count--) {
      at += unit * below(40)
      // All but the last end at a block of the tar.
      const length = 512 * (1 + below(9))
      regions.push({ offset: at, length })
      at += length
    }
    return { size: at + pick([0, 1, 5000, 1 << 20]), sparse: regions }
  }
  const folders = (): string[] => [
    '',
    ...[...paths].filter(([, type]) => type === 'directory').map(([path]) => path),
  ]
  const attributes = (type: string) => ({
    mode: pick([0o755, 0o644, 0o4755, 0o2711, 0o1777, 0o400, 0]),
    uid: pick([0, 1000, 65_536, 0xffff_fffe]),
    gid: pick([0, 5, 0xffff_fffd]),
    mtime: {
      seconds: pick([0, 1_700_000_000, -5, 3_000_000_000]),
      nanos: pick([0, 1, 123_456_789, 999_999_999]),
    },
    xattrs: xattrs(type),
  })

  // The attributes of the root go to the folder above, on another file system.
  if (random() < 0.5)
    put({
      ...attributes('directory'),
      xattrs: xattrs('directory', 200),
      path: Buffer.from('./'),
      type: 'directory',
    })
  for (let count = 10 + below(wild ? 120 : 40); count > 0; count--) {
    const parent = pick(folders())
    const path =
      `${parent === '' ? '' : `${parent}/`}${pick(odd)}${pick(['', '', below(40).toString()])}`.slice(-800)
    if (path.split('/').some(part => part.length > 255) || own.has(path)) continue
    const type = pick([
      'file',
      'file',
      'file',
      'directory',
      'directory',
      'symlink',
      'fifo',
      'hardlink',
      'sparse',
    ] as const)
    const name = { path: Buffer.from(path, 'latin1') }
    // What is replaced takes its content with it.
    if (level > 0 || paths.has(path))
      for (const known of [...paths.keys()])
        if (known.startsWith(`${path}/`) && type !== 'directory') paths.delete(known)
    if (own.size > 0 && type === 'hardlink') {
      const [target] = pick([...paths].filter(([, kind]) => kind === 'file').concat([['', 'file']]))
      if (target !== '' && target !== path && !target.startsWith(`${path}/`))
        put({ ...name, type, linkPath: Buffer.from(target, 'latin1') })
    } else if (type === 'file') {
      const content = bytes(pick([0, 1, 511, 512, 513, 4096, below(9000)]))
      const rest =
        random() < 0.1
          ? { records: [{ key: 'SCHILY.acl.access', value: Buffer.from(acl) }], mode: 0o640 }
          : {}
      put({ ...attributes(type), ...name, type, size: content.length, ...rest }, content)
    } else if (type === 'sparse') {
      const { size, sparse: regions } = sparse()
      put(
        { ...attributes('file'), ...name, type: 'file', size, sparse: regions },
        bytes(storedLength(regions)),
      )
    } else if (type === 'directory')
      put({ ...attributes(type), path: Buffer.from(`${path}/`, 'latin1'), type })
    else if (type === 'symlink')
      // Never a folder's place: below a link the tree would go on elsewhere.
      put({
        ...attributes(type),
        ...name,
        type,
        linkPath: bytes(pick([1, 30, 300, 4000])).map(byte => (byte & 0x3f) | 0x40) as Buffer,
      })
    else if (type === 'fifo' && random() < 0.5) put({ ...attributes(type), ...name, type })
    else if (type === 'fifo')
      put({
        ...{ ...attributes('device'), ...name, type: pick(['character-device', 'block-device'] as const) },
        ...{ devMajor: 1 + below(4095), devMinor: below(1 << 20) },
      })
  }
  if (level > 0)
    for (const path of [...paths.keys()].filter(path => !own.has(path) && random() < 0.15)) {
      const slash = path.lastIndexOf('/') + 1
      const isOpaque = paths.get(path) === 'directory' && random() < 0.4
      const whiteout = isOpaque ? `${path}/.wh..wh..opq` : `${path.slice(0, slash)}.wh.${path.slice(slash)}`
      if (whiteout.split('/').some(part => part.length > 255)) continue
      parts.push(encodeEntry({ path: Buffer.from(whiteout, 'latin1'), type: 'file', size: 0 }))
    }
  return Buffer.concat([...parts, endOfArchive])
}

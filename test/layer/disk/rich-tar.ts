import { encodeEntry, endOfArchive, padding, type WritableEntry } from '../../../src/tar/write.js'

/**
 * A tar of a few hundred entries with everything that makes unpacking hard: folders in folders, some that nobody
 * may enter, names of one file all over the tree, links in folders that hold nothing else, holes, devices,
 * attributes, setuid, times to the nanosecond. The same bytes each time.
 */
export const richTar = (): Buffer => {
  const pieces: Buffer[] = []
  let state = 1
  const random = (below: number): number => {
    state = (state * 48271) % 0x7fffffff
    return state % below
  }
  const files: string[] = []
  const attributes = (): Partial<WritableEntry> => ({
    ...{ uid: random(3) * 1000, gid: random(2) * 50 },
    mtime: { seconds: random(2_000_000_000) - 1000, nanos: random(1_000_000_000) },
  })
  const put = (path: string, entry: Omit<WritableEntry, 'path'>, body = Buffer.alloc(0)) => {
    const size = entry.size ?? body.length
    pieces.push(encodeEntry({ path: Buffer.from(path, 'latin1'), ...attributes(), ...entry, size }))
    pieces.push(body, padding(body.length))
  }
  const modes = [0o644, 0o755, 0o600, 0o444, 0o4755, 0o2711, 0o666, 0o7777, 0]
  const file = (path: string) => {
    const xattrs = random(6) === 0 ? [{ name: Buffer.from('user.u'), value: Buffer.from([1, 2]) }] : []
    put(path, { type: 'file', mode: modes[random(9)]!, xattrs }, Buffer.alloc(random(20_000), random(256)))
    files.push(path)
  }
  const folder = (path: string, depth: number) => {
    put(`${path}/`, { type: 'directory', mode: [0o755, 0o700, 0o1777, 0o2775, 0o711][random(5)]! })
    for (let count = random(5); count >= 0; count--) file(`${path}/file${count}`)
    put(`${path}/link`, { type: 'symlink', linkPath: Buffer.from('file0') })
    put(`${path}/only-links/`, { type: 'directory', mode: 0o555 })
    put(`${path}/only-links/deep/`, { type: 'directory', mode: 0o750 })
    for (const name of [`${path}/again`, `${path}/only-links/one`, `${path}/only-links/deep/two`])
      put(name, { type: 'hardlink', linkPath: Buffer.from(files[random(files.length)]!, 'latin1') })
    if (depth > 0) for (let count = 2; count >= 0; count--) folder(`${path}/sub\xff${count}`, depth - 1)
  }
  put('./', { type: 'directory', mode: 0o751 })
  file('a-first')
  folder('b', 2)
  put('c-closed/', { type: 'directory', mode: 0 })
  file('c-closed/in')
  put('d-null', { type: 'character-device', mode: 0o666, devMajor: 1, devMinor: 3 })
  put('e-fifo', { type: 'fifo', mode: 0o620 })
  put('f-large', { type: 'file', mode: 0o640 }, Buffer.alloc(1_500_000, 'large'))
  const sparse = [{ offset: 1 << 20, length: 4096 }]
  pieces.push(
    encodeEntry({ path: Buffer.from('g-holes'), type: 'file', mode: 0o644, size: 2 << 20, sparse }),
    Buffer.alloc(4096, 'x'),
  )
  folder('h', 2)
  put('zzz-last', { type: 'file', mode: 0o644 }, Buffer.from('end'))
  return Buffer.concat([...pieces, endOfArchive])
}

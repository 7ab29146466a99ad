import { createHash } from 'node:crypto'
import {
  chmodSync,
  chownSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { openFile } from '../../../src/bytes/file-source.js'
import { StopFlag } from '../../../src/bytes/threads.js'
import { contentsIn, wholeContent } from '../../../src/layer/content.js'
import { folderContents } from '../../../src/layer/disk/folder-contents.js'
import { readFolder } from '../../../src/layer/disk/read-folder.js'
import { rowsOfEntries } from '../../../src/layer/disk/rows-of-entries.js'
import { rowsOfTree } from '../../../src/layer/disk/rows-of-tree.js'
import { type UnpackOptions, unpack } from '../../../src/layer/disk/unpack.js'
import { flatEntries } from '../../../src/layer/flat-tar.js'
import { indexLayer } from '../../../src/layer/index-layer.js'
import { treeOf } from '../../../src/layer/merged-tree.js'
import { openDirectoryOutput } from '../../../src/transports/directory/sink.js'
import { isRoot } from '../../helpers/programs.js'
import { richTar } from './rich-tar.js'

// The same tree in one part, made by the main thread, and in many, made by several.
const missing = isRoot ? undefined : 'not root'
const when = missing === undefined ? test.serial : test.serial.skip
const title = (text: string) => `${text}${missing === undefined ? '' : ` [skipped: ${missing}]`}`

const work = mkdtempSync(join(tmpdir(), 'parts-'))
test.after.always(() => rmSync(work, { recursive: true, force: true }))
let counter = 0
const fresh = (parent = work) => {
  const path = join(parent, String(counter++))
  mkdirSync(path, { mode: 0o700 })
  return path
}
const tarFile = (bytes: Buffer): string => {
  const path = join(work, `${counter++}.tar`)
  writeFileSync(path, bytes)
  return path
}
const withFolder = async <Result>(path: string, look: (fd: number) => Promise<Result>): Promise<Result> => {
  const fd = openSync(path, 'r')
  try {
    return await look(fd)
  } finally {
    closeSync(fd)
  }
}
const openTar = async (path: string) => {
  const file = await openFile(path)
  const tree = treeOf(await indexLayer(file))
  return { tree, contents: contentsIn([file]), [Symbol.asyncDispose]: () => file[Symbol.asyncDispose]() }
}
const unpackTo = async (path: string, tar: string, options: UnpackOptions) => {
  await using opened = await openTar(tar)
  const { tree, contents } = opened
  return await withFolder(path, root => unpack(rowsOfTree(tree, contents), contents, root, options))
}
/** All that there is to know of a tree on disk, times to the nanosecond, by path. */
const listingOf = (path: string) =>
  withFolder(path, async root => {
    const contents = folderContents(root)
    const listing: Record<string, unknown> = {}
    for (const entry of (await readFolder(root)).toc) {
      const hash = createHash('sha256')
      if (entry.type === 'file')
        for await (const chunk of wholeContent(contents, { layer: 0, entry })) hash.update(chunk)
      listing[entry.path.toString('latin1')] = { ...entry, content: hash.digest('hex') }
    }
    return listing
  })

const tar = tarFile(richTar())
const inOne = { partWeight: Number.POSITIVE_INFINITY }
const inMany = { partWeight: 1 }

when(title('unpack: many parts in threads make what one part makes, entry by entry'), async t => {
  let told = 0
  const onBytes = (bytes: number) => {
    told += bytes
  }
  const one = fresh()
  const losses = await unpackTo(one, tar, inOne)
  const wanted = await listingOf(one)
  for (const partWeight of [1, 100_000, 1 << 20]) {
    const many = fresh()
    t.deepEqual(await unpackTo(many, tar, { partWeight, onBytes }), losses)
    t.deepEqual(await listingOf(many), wanted, `parts of ${partWeight}`)
  }
  t.true(told >= 3 << 20)
  // The same from entries, as cp has them.
  await using opened = await openTar(tar)
  const { tree, contents } = opened
  const entries = fresh()
  await withFolder(entries, root =>
    unpack(rowsOfEntries(flatEntries(tree), contents), contents, root, inMany),
  )
  t.deepEqual(await listingOf(entries), wanted)
})

when(title('unpack: an ordinary user gets the same notes from many parts as from one'), async t => {
  const owned = fresh()
  const home = join(owned, 'home')
  mkdirSync(home)
  chmodSync(work, 0o755)
  chmodSync(owned, 0o755)
  chownSync(home, 65534, 65534)
  process.setegid!(65534)
  process.seteuid!(65534)
  const listings: unknown[] = []
  try {
    for (const options of [inOne, inMany]) {
      const path = fresh(home)
      const losses = await unpackTo(path, tar, options)
      listings.push({ losses, listing: await listingOf(path) })
    }
  } finally {
    process.seteuid!(0)
    process.setegid!(0)
  }
  t.deepEqual(listings[1], listings[0])
})

when(title('unpack: modes are as they should be whatever the umask and the folder above'), async t => {
  const one = fresh()
  await unpackTo(one, tar, inOne)
  const wanted = await listingOf(one)
  const parent = fresh()
  chownSync(parent, 0, 12)
  chmodSync(parent, 0o2770)
  for (const umask of [0, 0o77, 0o777]) {
    const path = fresh(parent)
    const before = process.umask(umask)
    try {
      await unpackTo(path, tar, umask === 0o77 ? inMany : inOne)
    } finally {
      process.umask(before)
    }
    const listing = await listingOf(path)
    for (const name of Object.keys(wanted))
      t.deepEqual(listing[name], wanted[name], `${name} ${umask.toString(8)}`)
  }
})

when(title('unpack: a failure in a thread is told with its path'), async t => {
  for (const [name, options] of [
    ['in one part', inOne],
    ['in many', inMany],
  ] as const) {
    const path = fresh()
    writeFileSync(join(path, 'zzz-last'), 'is there already')
    await t.throwsAsync(
      unpackTo(path, tar, options),
      { code: 'EEXIST', message: /^"zzz-last": EEXIST/ },
      name,
    )
  }
})

when(title('unpack: it stops when it is told to'), async t => {
  const stop = new StopFlag()
  stop.raise()
  await t.throwsAsync(unpackTo(fresh(), tar, { ...inMany, stop }), { code: 'ABORTED' })
})

when(
  title('openDirectoryOutput: a failure leaves nothing, of the reading or of the verification'),
  async t => {
    const parent = fresh()
    const target = join(parent, 'tree')
    const ignore = () => {}
    await using opened = await openTar(tar)
    const { tree, contents } = opened
    const wrong = Promise.reject(new Error('Wrong digest'))
    wrong.catch(ignore)
    const write = (from: typeof contents, verified: Promise<unknown>) =>
      openDirectoryOutput(target).write(tree, { contents: from, verified, stop: new StopFlag() }, ignore)
    await t.throwsAsync(write(contents, wrong), { message: 'Wrong digest' })
    t.deepEqual(readdirSync(parent), [])
    const short = await openFile(tarFile(Buffer.alloc(1000)))
    const cut = contentsIn([{ ...short, size: 1 << 30, file: { ...short.file, length: 1 << 30 } }])
    await t.throwsAsync(write(cut, Promise.resolve()), { code: 'TRUNCATED' })
    t.deepEqual(readdirSync(parent), [])
    await short[Symbol.asyncDispose]()
    await write(contents, Promise.resolve())
    t.deepEqual(readdirSync(parent), ['tree'])
  },
)

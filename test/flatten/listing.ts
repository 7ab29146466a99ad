/** File trees in one shape, whoever made them, and how two of them differ. */

import { collect } from '../../src/bytes/collect.js'
import { memorySource } from '../../src/bytes/memory-source.js'
import { contentsIn, wholeContent } from '../../src/layer/content.js'
import type { EntryType, TarEntry, Timestamp } from '../../src/tar/entry.js'
import { scanSource } from '../../src/tar/scan-source.js'
import { sha256 } from '../helpers/generate.js'
import { bytesOf, type CaseEntry, contentOf, defaultMode, timeOf, typeOf, xattrsOf } from './case.js'

export interface Listed {
  readonly type: EntryType
  readonly mode: number
  readonly owner: string
  readonly mtime: Timestamp | undefined
  /** Of a symbolic link. */
  readonly link: string
  /** The file itself if it is short, else its size and digest. */
  readonly content: string
  readonly device: string
  /** Undefined where a case says nothing of them. */
  readonly xattrs: Readonly<Record<string, string>> | undefined
  /** The first name of the same file, for all but the first. */
  readonly sameAs: string | undefined
}

/** By path (latin1, one character a byte), in the order of the source. */
export type Listing = ReadonlyMap<string, Listed>

/** What is in a flat tar; the root, if it is there, is left out. Throws for a link without its target before it. */
export const listTar = async (tar: Buffer): Promise<Listing> => {
  const source = memorySource(tar)
  const entries: TarEntry[] = []
  await scanSource(source, { entry: entry => void entries.push(entry) })
  const listing = new Map<string, Listed>()
  for (const entry of entries) {
    const path = plain(entry.path)
    if (path === '') continue
    if (listing.has(path)) throw new Error(`${path} stands twice in the flat tar`)
    const { type, mode, uid, gid, mtime } = entry
    if (type === 'hardlink') {
      const first = plain(entry.linkPath)
      const target = listing.get(first)
      if (target === undefined) throw new Error(`${path} is a link to ${first}, which is not before it`)
      listing.set(path, { ...target, sameAs: target.sameAs ?? first })
      continue
    }
    const body =
      type === 'file'
        ? await collect(wholeContent(contentsIn([source]), { layer: 0, entry }), { max: 1 << 28, what: path })
        : undefined
    listing.set(path, {
      ...{ type, mode, owner: `${uid}:${gid}`, mtime },
      link: type === 'symlink' ? entry.linkPath.toString('latin1') : '',
      content: showContent(body),
      device: type.endsWith('device') ? `${entry.devMajor}:${entry.devMinor}` : '',
      xattrs: showXattrs(entry.xattrs),
      sameAs: undefined,
    })
  }
  return listing
}

/** What a case expects. */
export const listTree = (tree: readonly CaseEntry[]): Listing => {
  const listing = new Map<string, Listed>()
  for (const entry of tree) {
    const path = plain(bytesOf(entry.path))
    if (entry.hardlink !== undefined) {
      const first = plain(bytesOf(entry.hardlink))
      listing.set(path, { ...listing.get(first)!, sameAs: first })
      continue
    }
    const type = typeOf(entry)
    listing.set(path, {
      type,
      mode: entry.mode === undefined ? defaultMode(type) : Number.parseInt(entry.mode, 8),
      owner: `${entry.uid ?? 0}:${entry.gid ?? 0}`,
      mtime: entry.mtime === undefined ? undefined : timeOf(entry.mtime),
      link: entry.link === undefined ? '' : bytesOf(entry.link).toString('latin1'),
      content: showContent(type === 'file' ? contentOf(entry) : undefined),
      device: type.endsWith('device') ? (entry.device ?? [0, 0]).join(':') : '',
      xattrs: entry.xattrs === undefined ? undefined : showXattrs(xattrsOf(entry)),
      sameAs: undefined,
    })
  }
  return listing
}

/** What can be seen of a tree: an export as docker makes it keeps whole seconds and only capabilities. */
export interface Sight {
  readonly nanos: boolean
  readonly xattrs: boolean
}

/** In words, one a line; none if the trees are equal in all that the case speaks of. */
export const differences = (wanted: Listing, found: Listing, { nanos, xattrs }: Sight): readonly string[] => {
  const problems = [...found.keys()]
    .filter(path => !wanted.has(path))
    .map(path => `${JSON.stringify(path)} is there`)
  const [wantedFirst, foundFirst] = [firstNames(wanted), firstNames(found)]
  for (const [path, want] of wanted) {
    const got = found.get(path)
    const differ = (what: string, is: unknown, should: unknown) => {
      if (is !== should) problems.push(`${JSON.stringify(path)}: ${what} is ${is}, not ${should}`)
    }
    if (got === undefined) {
      problems.push(`${JSON.stringify(path)} is missing`)
      continue
    }
    differ('type', got.type, want.type)
    if (got.type !== want.type) continue
    // A symbolic link on disk has no mode of its own.
    if (want.type !== 'symlink') differ('mode', got.mode.toString(8), want.mode.toString(8))
    for (const what of ['owner', 'link', 'content', 'device'] as const) differ(what, got[what], want[what])
    differ('first name', foundFirst.get(path), wantedFirst.get(path))
    if (want.mtime !== undefined) differ('mtime', showTime(got.mtime, nanos), showTime(want.mtime, nanos))
    if (want.xattrs !== undefined)
      differ('xattrs', showSeen(got.xattrs, xattrs), showSeen(want.xattrs, xattrs))
  }
  return problems
}

/** Of each name the first in byte order of its file: what names are one file, whichever came first in a tar. */
const firstNames = (listing: Listing): ReadonlyMap<string, string> => {
  const groups = new Map<string, string[]>()
  for (const [path, { sameAs }] of listing) {
    const key = sameAs ?? path
    groups.set(key, [...(groups.get(key) ?? []), path])
  }
  return new Map([...groups.values()].flatMap(names => names.map(name => [name, [...names].sort()[0]!])))
}

const showTime = (time: Timestamp | undefined, nanos: boolean): string =>
  `${time?.seconds}${nanos ? `+${time?.nanos}` : ''}`

const showSeen = (xattrs: Listed['xattrs'], all: boolean): string =>
  JSON.stringify(Object.entries(xattrs ?? {}).filter(([name]) => all || name === 'security.capability'))

const showXattrs = (xattrs: TarEntry['xattrs']): Record<string, string> =>
  Object.fromEntries(
    xattrs
      .map(({ name, value }) => [name.toString('latin1'), value.toString('base64')] as const)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  )

const showContent = (body: Buffer | undefined): string =>
  body === undefined
    ? ''
    : body.length <= 100
      ? JSON.stringify(body.toString('latin1'))
      : `${body.length} bytes ${sha256(body)}`

const plain = (path: Buffer): string =>
  path
    .toString('latin1')
    .replace(/^(\.?\/)+|^\.$/, '')
    .replace(/\/+$/, '')

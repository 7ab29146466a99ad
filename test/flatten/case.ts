/**
 * The cases of the flattening corpus: small JSON files, described in README.md. They are read here, and made
 * into the layers and the image that they describe.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as v from 'valibot'
import type { EntryType, Timestamp } from '../../src/tar/entry.js'
import {
  encodeEntry,
  encodePax,
  endOfArchive,
  padding,
  paxRecord,
  type WritableEntry,
} from '../../src/tar/write.js'
import { layerOf, randomImage, type TestImage } from '../helpers/generate.js'

const text = v.union([v.string(), v.strictObject({ base64: v.pipe(v.string(), v.base64()) })])
const pieces = v.strictObject({
  size: v.number(),
  data: v.array(v.strictObject({ offset: v.number(), content: text })),
})
const entry = v.strictObject({
  path: text,
  type: v.optional(v.picklist(['file', 'directory', 'fifo', 'character-device', 'block-device'])),
  content: v.optional(v.union([text, pieces])),
  link: v.optional(text),
  hardlink: v.optional(text),
  device: v.optional(v.tuple([v.number(), v.number()])),
  mode: v.optional(v.pipe(v.string(), v.regex(/^[0-7]{4}$/))),
  uid: v.optional(v.number()),
  gid: v.optional(v.number()),
  mtime: v.optional(v.pipe(v.string(), v.regex(/^-?\d+(\.\d{1,9})?$/))),
  xattrs: v.optional(v.record(v.string(), text)),
})
const sentence = v.pipe(v.string(), v.minLength(10))
const disagreement = v.strictObject({ outcome: v.picklist(['wrong', 'refuses']), reason: sentence })
const schema = v.strictObject({
  title: sentence,
  why: sentence,
  layers: v.array(v.array(entry)),
  /** Either what comes out, or why nothing may. */
  tree: v.optional(v.array(entry)),
  refuse: v.optional(sentence),
  disagree: v.optional(
    v.partial(
      v.strictObject({
        docker: disagreement,
        containerd: disagreement,
        podman: disagreement,
        umoci: disagreement,
      }),
    ),
  ),
})

export type Text = v.InferOutput<typeof text>
export type CaseEntry = v.InferOutput<typeof entry>
export type Disagreement = v.InferOutput<typeof disagreement>
export interface Case extends v.InferOutput<typeof schema> {
  /** Of the file, without `.json`. */
  readonly name: string
}

export const casesFolder = 'test/flatten/cases'

/** All cases, by name. Throws for a file that is not a case, with the place in it. */
export const readCases = (folder = casesFolder): readonly Case[] =>
  readdirSync(folder)
    .sort()
    .map(file => readCase(file.replace(/\.json$/, ''), readFileSync(join(folder, file), 'utf8')))

export const readCase = (name: string, json: string): Case => {
  const fail = (problem: string): never => {
    throw new Error(`Bad case ${name}: ${problem}`)
  }
  if (!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name)) fail('its name is not kebab-case')
  const read = v.safeParse(schema, JSON.parse(json))
  if (!read.success) {
    const [issue] = read.issues
    return fail(`${v.getDotPath(issue) ?? 'the whole'}: ${issue.message}`)
  }
  const { tree, refuse } = read.output
  if ((tree === undefined) === (refuse === undefined)) fail('it needs a "tree" or a "refuse", and not both')
  const paths = (tree ?? []).map(({ path }) => bytesOf(path).toString('latin1').replace(/\/$/, ''))
  for (const [index, path] of paths.entries()) {
    const shown = JSON.stringify(path)
    const slash = path.lastIndexOf('/')
    if (slash >= 0 && !paths.slice(0, index).includes(path.slice(0, slash)))
      fail(`${shown} has no parent before it`)
    if (index > 0 && !isBefore(paths[index - 1]!, path)) fail(`${shown} is not in byte order`)
    const { hardlink } = tree![index]!
    const first = hardlink && bytesOf(hardlink).toString('latin1')
    if (first !== undefined && !paths.slice(0, index).includes(first))
      fail(`${shown} is one file with ${JSON.stringify(first)}, which is not before it`)
  }
  return { name, ...read.output }
}

/** Folders before their content, names in byte order within a folder. */
const isBefore = (a: string, b: string): boolean => a.replaceAll('/', '\0') < b.replaceAll('/', '\0')

export const bytesOf = (value: Text): Buffer =>
  typeof value === 'string' ? Buffer.from(value) : Buffer.from(value.base64, 'base64')

/** What the entry says it is, or else what its fields and the slash at its end say. */
export const typeOf = (entry: CaseEntry): EntryType => {
  if (entry.type !== undefined) return entry.type
  if (entry.link !== undefined) return 'symlink'
  if (entry.hardlink !== undefined) return 'hardlink'
  if (entry.device !== undefined) return 'character-device'
  return bytesOf(entry.path).at(-1) === 0x2f ? 'directory' : 'file'
}

export const contentOf = ({ content = '' }: CaseEntry): Buffer => {
  if (typeof content === 'string' || 'base64' in content) return bytesOf(content)
  const whole = Buffer.alloc(content.size)
  for (const { offset, content: piece } of content.data) bytesOf(piece).copy(whole, offset)
  return whole
}

/** `-0.5` is half a second before 1970: −1 second and 500,000,000 nanoseconds. */
export const timeOf = (mtime: string): Timestamp => {
  const [whole = '', fraction = ''] = mtime.replace('-', '').split('.')
  const nanos = Number(fraction.padEnd(9, '0'))
  if (!mtime.startsWith('-')) return { seconds: Number(whole), nanos }
  return nanos === 0
    ? { seconds: -Number(whole), nanos }
    : { seconds: -Number(whole) - 1, nanos: 1_000_000_000 - nanos }
}

export const xattrsOf = ({ xattrs = {} }: CaseEntry): { name: Buffer; value: Buffer }[] =>
  Object.entries(xattrs).map(([name, value]) => ({ name: Buffer.from(name), value: bytesOf(value) }))

/** A layer as an uncompressed tar. */
export const layerTar = (entries: readonly CaseEntry[]): Buffer =>
  Buffer.concat([...entries.map(encodeCaseEntry), endOfArchive])

const encodeCaseEntry = (entry: CaseEntry): Buffer => {
  const { content } = entry
  const type = typeOf(entry)
  const link = entry.link ?? entry.hardlink
  const common: WritableEntry = {
    ...{ path: bytesOf(entry.path), type, uid: entry.uid ?? 0, gid: entry.gid ?? 0 },
    mode: entry.mode === undefined ? defaultMode(type) : Number.parseInt(entry.mode, 8),
    mtime: timeOf(entry.mtime ?? '0'),
    xattrs: xattrsOf(entry),
    ...(link !== undefined && { linkPath: bytesOf(link) }),
    ...(entry.device && { devMajor: entry.device[0], devMinor: entry.device[1] }),
  }
  if (typeof content === 'object' && 'data' in content) return encodeSparse(common, content)
  const body = contentOf(entry)
  return Buffer.concat([encodeEntry({ ...common, size: body.length }), body, padding(body.length)])
}

export const defaultMode = (type: EntryType): number =>
  type === 'directory' ? 0o755 : type === 'symlink' ? 0o777 : 0o644

/** As GNU tar writes a file with holes: PAX sparse format 1.0, the map before the data. */
const encodeSparse = (entry: WritableEntry, { size, data }: v.InferOutput<typeof pieces>): Buffer => {
  const regions = data.map(({ offset, content }) => ({ offset, bytes: bytesOf(content) }))
  if (regions.every(({ offset, bytes }) => offset + bytes.length < size))
    regions.push({ offset: size, bytes: Buffer.alloc(0) })
  const map = Buffer.from(
    [regions.length, ...regions.flatMap(({ offset, bytes }) => [offset, bytes.length])]
      .join('\n')
      .concat('\n'),
  )
  const body = Buffer.concat([map, padding(map.length), ...regions.map(({ bytes }) => bytes)])
  const records = { major: '1', minor: '0', name: entry.path, realsize: String(size) }
  const pax = Object.entries(records).map(([key, value]) =>
    paxRecord(`GNU.sparse.${key}`, Buffer.from(value)),
  )
  const path = Buffer.concat([Buffer.from('GNUSparseFile.0/'), entry.path])
  const header = encodeEntry({ ...entry, path, size: body.length })
  return Buffer.concat([encodePax('x', Buffer.concat(pax)), header, body, padding(body.length)])
}

/** An image of the layers, with a command, without which no container of it can be made. */
export const imageOf = ({ layers }: Case): Promise<TestImage> =>
  randomImage(0, {
    layers: layers.map(entries => layerOf(layerTar(entries))),
    config: { config: { Cmd: ['/none'] } },
  })

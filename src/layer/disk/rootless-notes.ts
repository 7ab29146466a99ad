/**
 * What an ordinary user may not give a file, written down in extended attributes that he may set, so that
 * reading the folder again gives it back:
 *
 * - `user.rootlesscontainers`: the owner, as umoci, PRoot and runROOTLESS have it: the protobuf message
 *   `{ uid = 1; gid = 2 }`. A file without it belongs to root inside when it belongs to whoever unpacked;
 * - `user.lading.held.NAME`: the extended attribute NAME, which takes privileges (security.capability, trusted.*);
 * - `user.lading.node`: `c MAJOR MINOR`, `b MAJOR MINOR` or `p`: the empty file stands for a device or a FIFO;
 * - `user.lading.links`, of a folder: JSON, the owners of symbolic links in it, which can bear no attribute
 *   themselves: `[[name in base64, uid, gid], …]`;
 * - `user.lading.unpacked-by`, of the root: `UID GID` of whoever unpacked.
 */
import type { EntryType, Xattr } from '../../tar/entry.js'

export interface Owner {
  readonly uid: number
  readonly gid: number
}

export interface NodeNote {
  readonly type: EntryType
  readonly major: number
  readonly minor: number
}

export interface Notes {
  /** What is left: the file's own attributes, held ones among them. */
  readonly xattrs: readonly Xattr[]
  readonly owner?: Owner
  readonly node?: NodeNote
  /** By the link's name, latin1. */
  readonly links?: ReadonlyMap<string, Owner>
  readonly unpackedBy?: Owner
}

const names = {
  owner: 'user.rootlesscontainers',
  held: 'user.lading.held.',
  node: 'user.lading.node',
  links: 'user.lading.links',
  unpackedBy: 'user.lading.unpacked-by',
} as const

const note = (name: string, value: Buffer | string): Xattr => ({
  name: Buffer.from(name, 'latin1'),
  value: Buffer.from(value),
})

export const ownerNote = ({ uid, gid }: Owner): Xattr =>
  note(names.owner, Buffer.from([...field(1, uid), ...field(2, gid)]))

export const heldNote = ({ name, value }: Xattr): Xattr => note(names.held + name.toString('latin1'), value)

export const nodeNote = ({ type, major, minor }: NodeNote): Xattr =>
  note(names.node, type === 'fifo' ? 'p' : `${type === 'character-device' ? 'c' : 'b'} ${major} ${minor}`)

export const linksNote = (links: readonly (readonly [name: Buffer, owner: Owner])[]): Xattr =>
  note(names.links, JSON.stringify(links.map(([name, { uid, gid }]) => [name.toString('base64'), uid, gid])))

export const unpackedByNote = ({ uid, gid }: Owner): Xattr => note(names.unpackedBy, `${uid} ${gid}`)

/** The notes among a file's attributes. What looks like a note and does not read as one stays an attribute. */
export const readNotes = (xattrs: readonly Xattr[]): Notes => {
  const understood = new Set<Xattr>()
  const read = <Value>(name: string, parse: (value: Buffer) => Value | undefined): Value | undefined => {
    const xattr = xattrs.find(xattr => xattr.name.toString('latin1') === name)
    const value = xattr && parse(xattr.value)
    if (xattr && value !== undefined) understood.add(xattr)
    return value
  }
  const owner = read(names.owner, readOwner)
  const node = read(names.node, readNode)
  const links = read(names.links, readLinks)
  const unpackedBy = read(names.unpackedBy, readPair)
  return {
    xattrs: xattrs.filter(xattr => !understood.has(xattr)).map(released),
    ...(owner && { owner }),
    ...(node && { node }),
    ...(links && { links }),
    ...(unpackedBy && { unpackedBy }),
  }
}

const released = ({ name, value }: Xattr): Xattr =>
  name.subarray(0, names.held.length).toString('latin1') === names.held && name.length > names.held.length
    ? { name: name.subarray(names.held.length), value }
    : { name, value }

/** A varint field of protobuf; 0 is left out, as proto3 has it. */
const field = (number: number, value: number): readonly number[] => {
  if (value === 0) return []
  const bytes = [number << 3]
  let rest = value
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128)
  return [...bytes, rest]
}

/** `user.rootlesscontainers`; 2³² − 1 is "as it is on disk" there, and left to the caller as such. */
const readOwner = (value: Buffer): Owner | undefined => {
  const found = { 8: 0, 16: 0 }
  for (let at = 0; at < value.length; ) {
    const tag = value[at++]!
    if (tag !== 8 && tag !== 16) return undefined
    let number = 0
    for (let factor = 1; ; factor *= 128) {
      const byte = value[at++]
      if (byte === undefined || factor > 2 ** 28) return undefined
      number += (byte & 127) * factor
      if (byte < 128) break
    }
    found[tag] = number
  }
  return { uid: found[8], gid: found[16] }
}

const readNode = (value: Buffer): NodeNote | undefined => {
  const text = value.toString('latin1')
  if (text === 'p') return { type: 'fifo', major: 0, minor: 0 }
  const [, kind, major, minor] = /^([cb]) (\d{1,10}) (\d{1,10})$/.exec(text) ?? []
  if (kind === undefined) return undefined
  const type = kind === 'c' ? 'character-device' : 'block-device'
  return { type, major: Number(major), minor: Number(minor) }
}

const readPair = (value: Buffer): Owner | undefined => {
  const [, uid, gid] = /^(\d{1,10}) (\d{1,10})$/.exec(value.toString('latin1')) ?? []
  return uid === undefined ? undefined : { uid: Number(uid), gid: Number(gid) }
}

const readLinks = (value: Buffer): ReadonlyMap<string, Owner> | undefined => {
  try {
    const links = JSON.parse(value.toString('latin1')) as readonly (readonly [string, number, number])[]
    return new Map(
      links.map(([name, uid, gid]) => {
        if (typeof name !== 'string' || !isId(uid) || !isId(gid)) throw new TypeError('no owner of a link')
        return [Buffer.from(name, 'base64').toString('latin1'), { uid, gid }]
      }),
    )
  } catch {
    return undefined
  }
}

const isId = (value: unknown): boolean => Number.isInteger(value) && (value as number) >= 0

/**
 * What each medium cannot hold: the one table that loss reports are computed from, and the README's
 * table of sources and destinations with them. A loss is what the source has and the destination cannot hold;
 * what a step changes because it was asked to (a platform chosen, layers made one) is told by that step.
 */
import type { Format } from './interfaces.js'
import type { Loss } from './loss.js'

/** Every kind of place; `rootfs-bare` is what docker export writes. */
export type Medium = Format | 'rootfs' | 'rootfs-bare' | 'dir'

/** What there may be that not every medium can hold; the words of loss reports. */
export type Aspect =
  | 'artifact'
  | 'compression'
  | 'config'
  | 'history'
  | 'index'
  | 'layers'
  | 'manifest-digest'
  | 'name'
  | 'pax-record'
  | 'platform'
  | 'sub-second-time'
  | 'xattr'

/** Something that a source has. */
export interface Possession {
  readonly aspect: Aspect
  /** The word of the loss report where it says more than the aspect: `config.Env`. */
  readonly what?: string
  /** The image, layer or path that has it. */
  readonly where: string
  readonly count: number
}

interface Shortcoming {
  readonly why: string
  readonly remedy?: string
}

const saveBoth = 'Save as the file that is both (the default) to keep it'
const saveInstead = 'lading save keeps it'
const carry = 'Export without --bare to carry it'
const giveConfig = 'Give --config-from when it is imported again'

const ofEverySnapshot = {
  artifact: { why: 'a snapshot has no place for attestations and signatures', remedy: saveInstead },
  history: { why: 'its entries speak of layers', remedy: saveInstead },
  index: { why: 'a snapshot is of one image', remedy: saveInstead },
  layers: { why: 'a snapshot is one file tree', remedy: saveInstead },
  platform: { why: 'a snapshot is of one platform', remedy: saveInstead },
}

const shortcomings: Readonly<Record<Medium, Readonly<Partial<Record<Aspect, Shortcoming>>>>> = {
  store: {},
  'oci-layout': {},
  'oci-archive': {},
  'docker+oci-archive': {},
  'docker-archive': {
    artifact: {
      why: 'a docker archive has no place for attestations, signatures and other artifacts',
      remedy: saveBoth,
    },
    compression: { why: 'a docker archive of this age holds its layers uncompressed', remedy: saveBoth },
    index: { why: 'a docker archive has no indexes', remedy: saveBoth },
    'manifest-digest': { why: 'a docker archive holds no manifests', remedy: saveBoth },
    platform: { why: 'a docker archive holds one platform of an image', remedy: saveBoth },
  },
  rootfs: ofEverySnapshot,
  'rootfs-bare': {
    ...ofEverySnapshot,
    config: { why: 'docker export gives no image metadata', remedy: carry },
    name: { why: 'docker export gives no image metadata', remedy: carry },
    'pax-record': { why: 'docker export keeps of attributes only capabilities', remedy: carry },
    'sub-second-time': { why: 'docker export keeps whole seconds', remedy: carry },
    xattr: { why: 'docker export keeps of attributes only capabilities', remedy: carry },
  },
  dir: {
    ...ofEverySnapshot,
    config: { why: 'a folder has no image metadata', remedy: giveConfig },
    name: { why: 'a folder has no image metadata' },
    'pax-record': { why: 'nothing in a file system stands for it' },
  },
}

/** What a snapshot carries and the image that is made of it cannot have, wherever it goes. */
const notImported: Readonly<Partial<Record<Aspect, Shortcoming>>> = {
  history: { why: 'its entries speak of layers that are one now' },
}

const snapshots: readonly Medium[] = ['rootfs', 'rootfs-bare', 'dir']

const files: readonly Aspect[] = ['pax-record', 'sub-second-time', 'xattr']
const images: readonly Aspect[] = [...files, 'config', 'history', 'layers', 'name']
const documents: readonly Aspect[] = [
  ...images,
  'artifact',
  'compression',
  'index',
  'manifest-digest',
  'platform',
]

/** What there can be in each medium; a docker archive's manifest is derived, always the same, so it has none to lose. */
const possible: Readonly<Record<Medium, readonly Aspect[]>> = {
  store: documents,
  'oci-layout': documents,
  'oci-archive': documents,
  'docker+oci-archive': documents,
  'docker-archive': [...images, 'compression'],
  rootfs: [...files, 'config', 'history', 'name'],
  'rootfs-bare': [],
  dir: ['sub-second-time', 'xattr'],
}

/** What of `possessions` does not survive at `destination`. */
export const lossesAt = (destination: Medium, possessions: readonly Possession[]): readonly Loss[] =>
  lossesBy(shortcomings[destination], possessions)

/** What of a snapshot's `possessions` does not survive its becoming an image. */
export const lossesOfImport = (possessions: readonly Possession[]): readonly Loss[] =>
  lossesBy(notImported, possessions)

const lossesBy = (
  lacks: Readonly<Partial<Record<Aspect, Shortcoming>>>,
  possessions: readonly Possession[],
): readonly Loss[] =>
  possessions.flatMap(({ aspect, what = aspect, where, count }) => {
    const shortcoming = lacks[aspect]
    return shortcoming === undefined || count === 0 ? [] : [{ what, where, count, ...shortcoming }]
  })

/** What may be lost between two media, in the order of the alphabet. */
export const possibleLosses = (source: Medium, destination: Medium): readonly Aspect[] => {
  // What one flat tar carries, another does.
  if (snapshots.includes(source) && destination === 'rootfs') return []
  const imported = snapshots.includes(source) && !snapshots.includes(destination)
  const lacks = { ...shortcomings[destination], ...(imported && notImported) }
  return possible[source].filter(aspect => lacks[aspect] !== undefined).sort()
}

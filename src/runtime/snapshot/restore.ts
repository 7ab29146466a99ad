import { randomBytes } from 'node:crypto'
import { chmodSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Image, Layer } from '../../image/interfaces.js'
import type { Loss, Warning } from '../../image/loss.js'
import { wrapSource } from '../../image/wrapped-source.js'
import { during, LadingError } from '../../spec/errors.js'
import { visible } from '../../spec/escape.js'
import { openStore, type Store } from '../../store/store.js'
import { reopenImage } from '../container/image.js'
import { isAnonymousVolume } from '../container/mounts.js'
import type { ContainersPlaces } from '../container/places.js'
import { type Container, createRecord, dropDraft, openDraft } from '../container/record.js'
import { removeFiles } from '../container/remove.js'
import { volumeFolder, volumesOf } from '../container/volumes.js'
import { prepareRootfs } from '../rootfs/prepare.js'
import { isRootless } from '../rootless/is-rootless.js'
import type { ContainerSettings } from '../settings.js'
import { fillUpper } from './fill-upper.js'
import { type OpenedSnapshot, openSnapshot } from './open-snapshot.js'
import { readVolume } from './volume-files.js'

export interface RestoreOptions {
  readonly all: ContainersPlaces
  /** A path of what snapshot wrote, or `-`. */
  readonly file: string
  /** The one that it had, if absent. */
  readonly name?: string
}

export interface RestoredContainer {
  readonly container: Container
  readonly losses: readonly Loss[]
  readonly warnings: readonly Warning[]
}

/**
 * A container as it was when its snapshot was taken, to be started: its image in the store, its changes, its
 * settings, its volumes. Whatever fails, nothing is left but layers of the image. Throws CONFLICT for a name that is taken,
 * NOT_FOUND when the image of a thin one is not in the store.
 */
export const restoreContainer = async (options: RestoreOptions): Promise<RestoredContainer> => {
  try {
    await using snapshot = await openSnapshot(options.file)
    return await restore(snapshot, options)
  } catch (error) {
    throw during(`Cannot restore ${options.file === '-' ? 'standard input' : options.file}`, error)
  }
}

const restore = async (
  snapshot: OpenedSnapshot,
  { all, name }: RestoreOptions,
): Promise<RestoredContainer> => {
  const { document, base } = snapshot
  const image = base.images[0]!
  const store = await openStore(all.store, { create: true })
  await takeImage(snapshot, image, store)
  const draft = await openDraft(all, name ?? document.settings.name)
  let container: Container
  const volumes = volumeNames(all, document.settings)
  try {
    const settings = settingsFor(document.settings, { ...draft, image, volumes })
    container = createRecord(all, draft, settings, image.manifest.descriptor)
  } catch (error) {
    dropDraft(all, draft)
    throw error
  }
  const made: string[] = []
  try {
    await putFiles(snapshot, container)
    for (const { volume, layer } of document.volumes) {
      const target = volumes.get(volume)
      if (target === undefined) continue
      const folder = volumeFolder(all, target)
      mkdirSync(folder, { recursive: true, mode: 0o700 })
      chmodSync(folder, 0o755)
      made.push(target)
      const { toc, bytes } = await snapshot.layer(layer)
      await readVolume(folder, toc, bytes)
    }
  } catch (error) {
    await removeFiles(container)
    for (const volume of made) rmSync(join(all.volumes, volume), { recursive: true, force: true })
    throw error
  }
  return { container, ...reportOf(snapshot, container, volumes) }
}

/** The image into the store, without a name; what is there already need not be in the archive. */
const takeImage = async (
  { source, base, document }: OpenedSnapshot,
  image: Image,
  store: Store,
): Promise<void> => {
  const held = store.source()
  const missing: Layer[] = []
  for (const layer of image.layers) {
    const { digest } = layer.descriptor
    if (!(await held.hasBlob(digest)) && !(await source.hasBlob(digest))) missing.push(layer)
  }
  if (missing.length > 0)
    throw new LadingError(
      'NOT_FOUND',
      `The snapshot names its image only by the digest, and ${missing.length} of the ${image.layers.length} layers of ${visible(document.settings.image.reference)} (${document.base.digest}) are not in the store: load that image first`,
      {
        data: { manifest: document.base.digest, missing: missing.map(({ descriptor }) => descriptor.digest) },
      },
    )
  await using session = await store.session()
  // Layers are taken from wherever they are; in the store they are pinned from now on.
  const joined = wrapSource(source, {
    hasBlob: async digest => (await source.hasBlob(digest)) || held.hasBlob(digest),
  })
  await session.write({ ...base, source: joined })
  await session.commit()
}

/** Volumes by their new names: an anonymous one is new, a named one that has files already is not touched. */
const volumeNames = (all: ContainersPlaces, settings: ContainerSettings): ReadonlyMap<string, string> =>
  new Map(
    volumesOf(settings).map(volume => {
      if (isAnonymousVolume(volume)) return [volume, randomBytes(32).toString('hex')]
      if (isEmpty(volumeFolder(all, volume))) return [volume, volume]
      return [volume, `${volume}-${randomBytes(4).toString('hex')}`]
    }),
  )

const isEmpty = (folder: string): boolean => {
  try {
    return readdirSync(folder).length === 0
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return true
    throw error
  }
}

const settingsFor = (
  settings: ContainerSettings,
  given: {
    readonly id: string
    readonly name: string
    readonly image: Image
    readonly volumes: ReadonlyMap<string, string>
  },
): ContainerSettings => ({
  ...settings,
  ...{ id: given.id, name: given.name, created: new Date().toISOString() },
  image: {
    reference: settings.image.reference,
    place: 'store:',
    manifest: given.image.manifest.descriptor.digest,
    id: given.image.configDocument.descriptor.digest,
  },
  mounts: settings.mounts.map(mount =>
    mount.type === 'volume' ? { ...mount, volume: given.volumes.get(mount.volume)! } : mount,
  ),
  // What was asked for elsewhere this kernel may not have; the files are the same in each.
  rootfs: { readonly: settings.rootfs.readonly },
  ...(losesNetwork(settings) && { network: { mode: 'none', ports: [] } }),
})

/** An ordinary user may add no bridge to the host. */
const losesNetwork = ({ network }: ContainerSettings): boolean => isRootless() && network.mode === 'bridge'

const putFiles = async (snapshot: OpenedSnapshot, { settings, places, all }: Container): Promise<void> => {
  const { changes, base } = snapshot.document
  if (changes === undefined) return
  await using image = await reopenImage(settings.image, base, all.store)
  const rootfs = await prepareRootfs({
    image,
    place: { folder: places.rootfs, rootless: isRootless() },
    storeDirectory: all.store,
  })
  await fillUpper(rootfs, image, await snapshot.layer(changes))
}

/** What of it is not as it was, and what it gets of this host. */
const reportOf = (
  { document }: OpenedSnapshot,
  { settings }: Container,
  volumes: ReadonlyMap<string, string>,
): Pick<RestoredContainer, 'losses' | 'warnings'> => {
  const kept = new Set(document.volumes.map(({ volume }) => volume))
  const absent = [...volumes.keys()].filter(volume => !kept.has(volume))
  const warn = (what: string, message: string): Warning => ({ what, message })
  return {
    losses:
      absent.length === 0
        ? []
        : [
            {
              ...{ what: 'volume', where: settings.name, count: absent.length },
              why: 'the snapshot was taken without the files of its volumes',
            },
          ],
    warnings: [
      ...[...volumes].flatMap(([was, is]) =>
        was === is || isAnonymousVolume(was)
          ? []
          : [warn('volume', `There is a volume ${was} with files in it: the container's is called ${is}`)],
      ),
      ...settings.mounts.flatMap(mount =>
        mount.type === 'bind'
          ? [warn('bind-mount', `It will have ${mount.source} of this host at ${mount.target}`)]
          : [],
      ),
      ...(settings.process.privileged ? [warn('privileged', 'It may do on this host what root may')] : []),
      ...(losesNetwork(document.settings)
        ? [
            warn(
              'network',
              'It has no network: a bridge needs root, who restores it here is an ordinary user',
            ),
          ]
        : []),
      ...(settings.network.mode === 'host' ? [warn('network', 'It uses the network of this host')] : []),
    ],
  }
}

import type { Image, Layer } from '../../image/interfaces.js'
import type { Loss, Warning } from '../../image/loss.js'
import { wrapSource } from '../../image/wrapped-source.js'
import { during, LadingError } from '../../spec/errors.js'
import { visible } from '../../spec/escape.js'
import { openStore, type Store } from '../../store/store.js'
import { type OpenedImage, reopenImage } from '../container/image.js'
import { checkName } from '../container/names.js'
import type { ContainersPlaces } from '../container/places.js'
import { type Container, createRecord, dropDraft, openDraft } from '../container/record.js'
import { removeFiles } from '../container/remove.js'
import { checkNameFree } from '../container/taken-names.js'
import { prepareRootfs } from '../rootfs/prepare.js'
import { isRootless } from '../rootless/is-rootless.js'
import type { ContainerSettings } from '../settings.js'
import { type ChangesLayer, fillUpper } from './fill-upper.js'
import { type OpenedSnapshot, openSnapshot } from './open-snapshot.js'
import { lossesOfRestore, warningsOfRestore } from './restore-report.js'
import { makeVolumes, type RestoredVolumes, removeVolumes } from './restore-volumes.js'

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
 * settings, its volumes. All of the archive that is its own is verified before anything is made, and whatever fails,
 * nothing is left but the image. Throws CONFLICT for a name that is taken, NOT_FOUND when the image of a thin one is not
 * in the store.
 */
export const restoreContainer = async (options: RestoreOptions): Promise<RestoredContainer> => {
  try {
    await using snapshot = await openSnapshot(options.file)
    return await restore(snapshot, options)
  } catch (error) {
    throw during(`Cannot restore ${options.file === '-' ? 'standard input' : options.file}`, error)
  }
}

const restore = async (snapshot: OpenedSnapshot, options: RestoreOptions): Promise<RestoredContainer> => {
  const { all } = options
  const { document, base } = snapshot
  const image = base.images[0]!
  const name = checkName(options.name ?? document.settings.name)
  checkNameFree(all, name)
  const changes = document.changes && (await snapshot.layer(document.changes))
  const volumes = new Map<string, ChangesLayer>()
  for (const { volume, layer } of document.volumes) volumes.set(volume, await snapshot.layer(layer))
  const store = await openStore(all.store, { create: true })
  await takeImage(snapshot, image, store)
  const draft = await openDraft(all, name)
  let made: RestoredVolumes | undefined
  let container: Container | undefined
  try {
    made = makeVolumes(all, document.settings)
    const settings = settingsFor(document.settings, { ...draft, image, made })
    container = createRecord(all, draft, settings, image.manifest.descriptor)
    await using opened = await reopenImage(settings.image, image.manifest.descriptor, all.store)
    await made.fill(opened, volumes)
    if (changes) await putChanges(container, opened, changes)
  } catch (error) {
    if (container) await removeFiles(container)
    else dropDraft(all, draft)
    if (made) removeVolumes(all, made)
    throw error
  }
  return {
    container,
    losses: lossesOfRestore(document, container),
    warnings: warningsOfRestore(document, container),
  }
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

const settingsFor = (
  settings: ContainerSettings,
  given: {
    readonly id: string
    readonly name: string
    readonly image: Image
    readonly made: RestoredVolumes
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
    mount.type === 'volume' ? { ...mount, volume: given.made.names.get(mount.volume)! } : mount,
  ),
  // What was asked for elsewhere this kernel may not have; the files are the same in each.
  rootfs: { readonly: settings.rootfs.readonly },
  ...(losesNetwork(settings) && { network: { mode: 'none', ports: [] } }),
})

/** An ordinary user may add no bridge to the host. */
const losesNetwork = ({ network }: ContainerSettings): boolean => isRootless() && network.mode === 'bridge'

const putChanges = async (
  { places, all }: Container,
  image: OpenedImage,
  changes: ChangesLayer,
): Promise<void> => {
  const place = { folder: places.rootfs, rootless: isRootless() }
  const rootfs = await prepareRootfs({ image, place, storeDirectory: all.store })
  await fillUpper(rootfs, { place, image }, changes)
}

import { digestOf } from '../../bytes/hasher.js'
import type { CommitResult } from '../../image/interfaces.js'
import type { Loss } from '../../image/loss.js'
import { applyChanges } from '../../spec/changes.js'
import type { Digest } from '../../spec/digest.js'
import { during, LadingError } from '../../spec/errors.js'
import { mediaTypes } from '../../spec/media-types.js'
import { parseReference, type Reference, withDefaultTag } from '../../spec/reference.js'
import { openStore } from '../../store/store.js'
import { BlobTable } from '../../transports/archive/blob-table.js'
import { createdNow } from '../../verbs/created-now.js'
import { joinImage } from '../../verbs/joined-image.js'
import { imageOf } from '../container/container-rootfs.js'
import { withFrozen } from '../container/pause.js'
import type { Container } from '../container/record.js'
import { commitConfig } from './commit-config.js'
import { writeChanges } from './write-changes.js'

export interface CommitOptions {
  /** Of the image; none: it is known by its ID. */
  readonly name?: string
  readonly author?: string
  readonly message?: string
  /** Dockerfile instructions, and their removals. */
  readonly changes?: readonly string[]
  /** Stand still while its files are read; true, if absent. */
  readonly pause?: boolean
  /** RFC 3339; SOURCE_DATE_EPOCH or now, if absent. */
  readonly created?: string
}

export interface CommittedContainer {
  readonly id: Digest
  /** Of the manifest. */
  readonly digest: Digest
  readonly name?: Reference
  /** Absent where the container has changed nothing. */
  readonly layer?: { readonly diffId: Digest; readonly size: number; readonly entries: number }
  readonly moved: CommitResult['moved']
  readonly losses: readonly Loss[]
}

/**
 * A container as an image in its store: the layers of its image, which come along where they are in an archive, and
 * one more with what it has changed. All or nothing. Throws USAGE for a bad name or change before anything is read.
 */
export const commitContainer = async (
  container: Container,
  options: CommitOptions = {},
): Promise<CommittedContainer> => {
  const { settings, all } = container
  const { name: text, pause = true, created = createdNow(), ...words } = options
  const name = text === undefined ? undefined : readName(text)
  applyChanges(settings.config, options.changes ?? [])
  try {
    await using image = await imageOf(container)
    const store = await openStore(all.store, { create: true })
    await using session = await store.session()
    let losses: readonly Loss[] = []
    const { measured, content } = await session.stageFilled(async fd => {
      const write = () => writeChanges(container, image, fd)
      const written = await (pause ? withFrozen(container, write) : write())
      losses = written.losses
      return written.measured
    })
    const isNew = measured.size > 0
    const table = new BlobTable(`the container ${settings.name}`)
    if (isNew && content) table.add(measured.digest, content, measured)
    const layer = { mediaType: mediaTypes.ociLayer, digest: measured.digest, size: measured.size }
    const config = commitConfig(
      image.image.config,
      settings,
      { ...words, created },
      isNew ? measured.diffId : undefined,
    )
    const tree = await joinImage(image.source, table, {
      config,
      layers: [...image.image.layers.map(({ descriptor }) => descriptor), ...(isNew ? [layer] : [])],
      names: name ? [name] : [],
    })
    await session.write(tree)
    const { moved } = await session.commit()
    return {
      ...{ id: digestOf(config), digest: tree.root.descriptor.digest, moved, losses },
      ...(name && { name }),
      ...(isNew && {
        layer: { diffId: measured.diffId, size: measured.size, entries: measured.toc.length },
      }),
    }
  } catch (error) {
    throw during(`Cannot commit ${settings.name}`, error)
  }
}

const readName = (text: string): Reference => {
  const name = parseReference(text)
  if (name.digest !== undefined)
    throw new LadingError('USAGE', `${JSON.stringify(text)} has a digest: a new image has its own`)
  return withDefaultTag(name)
}

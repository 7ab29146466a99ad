import type { Descriptor } from '../spec/descriptor.js'
import type { Digest } from '../spec/digest.js'
import { LadingError } from '../spec/errors.js'
import { familiarName, fullName, parseReference, type Reference } from '../spec/reference.js'
import type { Root } from './interfaces.js'

/** containerd's annotation: the full name. */
export const imageNameKey = 'io.containerd.image.name'
/** OCI's annotation: only a tag to docker and containerd, a whole name to podman, umoci and skopeo. */
export const refNameKey = 'org.opencontainers.image.ref.name'

/**
 * The roots that an index.json lists. The same descriptor once a tag is the agreed form of several tags
 * (image-spec issue 796): one root with all its names here.
 */
export const rootsOf = (descriptors: readonly Descriptor[]): readonly Root[] => {
  const roots = new Map<Digest, Root>()
  for (const descriptor of descriptors) {
    const known = roots.get(descriptor.digest)
    const name = nameOf(descriptor)
    const names = known?.names ?? []
    const isNew = name !== undefined && !names.some(other => fullName(other) === fullName(name))
    roots.set(descriptor.digest, {
      descriptor: known?.descriptor ?? (name === undefined ? descriptor : withoutName(descriptor)),
      names: isNew ? [...names, name] : names,
      origin: 'document',
    })
  }
  return [...roots.values()]
}

/** A name is the root's, which may lose it; what names nothing stays in the descriptor. */
const withoutName = ({ annotations = {}, ...descriptor }: Descriptor): Descriptor => {
  const { [imageNameKey]: _full, [refNameKey]: _short, ...others } = annotations
  return Object.keys(others).length > 0 ? { ...descriptor, annotations: others } : descriptor
}

/** The name in a descriptor's annotations. A tag alone names nothing: there is no repository. */
const nameOf = ({ annotations }: Descriptor): Reference | undefined => {
  for (const key of [imageNameKey, refNameKey]) {
    const text = annotations?.[key]
    if (text === undefined || (key === refNameKey && !/[:@]/.test(text))) continue
    try {
      return parseReference(text)
    } catch (error) {
      // What another tool put there may be anything; it stays in the descriptor and names nothing.
      if (!(error instanceof LadingError)) throw error
    }
  }
  return undefined
}

/**
 * The descriptors of an index.json for a root: one a name, or one without. `refName` is what goes into OCI's
 * annotation: the tag, as docker writes archives, or the familiar name, for a layout with many repositories.
 */
export const descriptorsOf = (root: Root, refName: 'tag' | 'familiar'): readonly Descriptor[] => {
  const { [imageNameKey]: _full, [refNameKey]: given, ...annotations } = root.descriptor.annotations ?? {}
  const kept = Object.keys(annotations).length > 0 ? { annotations } : {}
  const { annotations: _, ...descriptor } = root.descriptor
  if (root.names.length === 0)
    return [
      given === undefined
        ? { ...descriptor, ...kept }
        : { ...descriptor, annotations: { ...annotations, [refNameKey]: given } },
    ]
  return root.names.map(name => ({
    ...descriptor,
    annotations: {
      ...annotations,
      [imageNameKey]: fullName(name),
      [refNameKey]: refName === 'tag' ? (name.tag ?? fullName(name)) : familiarName(name),
    },
  }))
}

/** Media types of images, in both families. OCI image-spec media-types.md; distribution's manifest v2 schema 2. */
export const mediaTypes = {
  ociIndex: 'application/vnd.oci.image.index.v1+json',
  ociManifest: 'application/vnd.oci.image.manifest.v1+json',
  ociConfig: 'application/vnd.oci.image.config.v1+json',
  ociLayer: 'application/vnd.oci.image.layer.v1.tar',
  ociEmpty: 'application/vnd.oci.empty.v1+json',
  ociArtifact: 'application/vnd.oci.artifact.manifest.v1+json',
  dockerIndex: 'application/vnd.docker.distribution.manifest.list.v2+json',
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerConfig: 'application/vnd.docker.container.image.v1+json',
  dockerLayer: 'application/vnd.docker.image.rootfs.diff.tar',
  dockerSchema1: 'application/vnd.docker.distribution.manifest.v1+json',
  dockerSignedSchema1: 'application/vnd.docker.distribution.manifest.v1+prettyjws',
} as const

export type LayerEncoding = 'none' | 'gzip' | 'zstd'

// BuildKit writes Docker layer types with OCI's suffix and the other way round; all forms seen are taken.
const layerGrammar =
  /^application\/vnd\.(?:oci\.image\.layer\.(nondistributable\.)?v1\.tar|docker\.image\.rootfs\.(foreign\.)?diff\.tar)(?:[.+](gzip|zstd))?(\+encrypted)?$/

export const isIndexType = (type: string): boolean =>
  type === mediaTypes.ociIndex || type === mediaTypes.dockerIndex
export const isManifestType = (type: string): boolean =>
  type === mediaTypes.ociManifest || type === mediaTypes.dockerManifest
export const isConfigType = (type: string): boolean =>
  type === mediaTypes.ociConfig || type === mediaTypes.dockerConfig
export const isLayerType = (type: string): boolean => layerGrammar.test(type) && !type.endsWith('+encrypted')

/** A layer that its maker did not want to be given on: it may be absent and its `urls` say where it was. */
export const isForeignLayer = (type: string): boolean => {
  const match = layerGrammar.exec(type)
  return match?.[1] !== undefined || match?.[2] !== undefined
}

/** What a layer's media type says of its encoding; what is true is found by looking at the bytes. */
export const layerEncoding = (type: string): LayerEncoding | undefined => {
  const match = layerGrammar.exec(type)
  return match ? ((match[3] ?? 'none') as LayerEncoding) : undefined
}

/** The same layer type with another encoding, in the same family. */
export const withEncoding = (type: string, encoding: LayerEncoding): string => {
  const docker = type.startsWith('application/vnd.docker.')
  const base = type.replace(/[.+](?:gzip|zstd)$/, '')
  // Docker's family never had a registered zstd type: OCI's is the one that readers know.
  if (encoding === 'zstd') return docker ? `${mediaTypes.ociLayer}+zstd` : `${base}+zstd`
  return encoding === 'none' ? base : `${base}${docker ? '.' : '+'}gzip`
}

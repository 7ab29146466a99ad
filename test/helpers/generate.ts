/**
 * Generated images: the same seed gives the same bytes. Written by code that shares nothing with src (tar-stream
 * and plain JSON), in the shapes of other tools, so that reading is tested against something else than our writing.
 */
import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { pack } from 'tar-stream'

export type TestDigest = `sha256:${string}`
export const sha256 = (bytes: Uint8Array | string): TestDigest =>
  `sha256:${createHash('sha256').update(bytes).digest('hex')}`
const hex = (digest: string): string => digest.slice(7)

export interface TestEntry {
  readonly name: string
  readonly type?: 'file' | 'directory' | 'symlink' | 'link' | 'fifo' | 'character-device' | 'block-device'
  readonly body?: Uint8Array | string
  readonly linkname?: string
  /** Of a device: its major and minor number. */
  readonly device?: readonly [number, number]
  readonly mode?: number
  readonly mtime?: number
  /** User and group. */
  readonly owner?: number
}

/** A tar of these entries in this order, by tar-stream. */
export const tarOf = async (entries: readonly TestEntry[]): Promise<Buffer> => {
  const archive = pack()
  for (const {
    name,
    type = name.endsWith('/') ? 'directory' : 'file',
    body = '',
    linkname,
    device,
    mode,
    mtime = 0,
    owner = 0,
  } of entries) {
    const header = {
      ...{ name, type, uid: owner, gid: owner, mtime: new Date(mtime * 1000) },
      ...(linkname !== undefined && { linkname }),
      ...(mode !== undefined && { mode }),
      ...(device && { devmajor: device[0], devminor: device[1] }),
    }
    if (type === 'file') archive.entry(header, Buffer.from(body))
    else archive.entry(header).end(undefined)
  }
  archive.finalize()
  const chunks: Uint8Array[] = []
  for await (const chunk of archive) chunks.push(chunk as Uint8Array)
  return Buffer.concat(chunks)
}

/** Pseudo-random numbers in [0, 1), mulberry32. */
export const randomFrom = (seed: number): (() => number) => {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

export interface TestLayer {
  /** Uncompressed. */
  readonly tar: Buffer
  readonly diffId: TestDigest
  /** As an archive holds it. */
  readonly stored: Buffer
  readonly digest: TestDigest
  readonly mediaType: string
}

export type TestEncoding = 'none' | 'gzip'

export const layerOf = (tar: Buffer, encoding: TestEncoding = 'none'): TestLayer => {
  const stored = encoding === 'gzip' ? gzipSync(tar) : tar
  const mediaType = `application/vnd.oci.image.layer.v1.tar${encoding === 'gzip' ? '+gzip' : ''}`
  return { tar, diffId: sha256(tar), stored, digest: sha256(stored), mediaType }
}

/** Files of random content and size below random folders; `level` > 0 also deletes and links. */
export const randomLayer = async (
  seed: number,
  level: number,
  encoding: TestEncoding = 'none',
): Promise<TestLayer> => {
  const random = randomFrom(seed * 1000 + level)
  const bytes = (length: number) => Buffer.from(Array.from({ length }, () => Math.floor(random() * 256)))
  const entries: TestEntry[] = [{ name: 'etc/' }, { name: `layer${level}/` }]
  const count = 2 + Math.floor(random() * 5)
  for (let index = 0; index < count; index++)
    entries.push({
      name: `layer${level}/file${index}`,
      body: bytes(Math.floor(random() * 4000)),
      mode: random() < 0.3 ? 0o755 : 0o644,
      mtime: 1_600_000_000 + index,
    })
  entries.push({ name: `layer${level}/hard`, type: 'link', linkname: `layer${level}/file0` })
  entries.push({ name: `layer${level}/soft`, type: 'symlink', linkname: '../etc/motd' })
  entries.push({ name: `layer${level}/${'long/'.repeat(30)}${'n'.repeat(120)}`, body: 'long' })
  entries.push({ name: `layer${level}/grün`, body: 'not ASCII' })
  entries.push({ name: 'etc/motd', body: `level ${level} of ${seed}\n` })
  if (level > 0) entries.push({ name: `layer${level - 1}/.wh.file1` })
  if (level > 1) entries.push({ name: `layer${level - 2}/` }, { name: `layer${level - 2}/.wh..wh..opq` })
  return layerOf(await tarOf(entries), encoding)
}

export interface TestImage {
  readonly config: Buffer
  /** Digest of the config. */
  readonly id: TestDigest
  readonly layers: readonly TestLayer[]
  readonly manifest: Buffer
  readonly digest: TestDigest
  readonly platform: { readonly os: string; readonly architecture: string; readonly variant?: string }
}

export interface ImageOptions {
  readonly layers?: readonly TestLayer[]
  readonly layerCount?: number
  readonly encoding?: TestEncoding
  readonly platform?: TestImage['platform']
  readonly config?: Readonly<Record<string, unknown>>
  readonly annotations?: Readonly<Record<string, string>>
  readonly docker?: boolean
}

/** An image of random layers; its history has a step without a layer between every two. */
export const randomImage = async (seed: number, options: ImageOptions = {}): Promise<TestImage> => {
  const { platform = { os: 'linux', architecture: 'amd64' }, layerCount = 3, encoding = 'none' } = options
  const layers =
    options.layers ??
    (await Promise.all(Array.from({ length: layerCount }, (_, level) => randomLayer(seed, level, encoding))))
  const created = new Date(1_700_000_000_000 + seed * 1000).toISOString()
  const config = Buffer.from(
    JSON.stringify({
      ...platform,
      ...{ author: `Seed <${seed}>`, created },
      config: { Env: ['PATH=/usr/bin:/bin', `SEED=${seed}`], Cmd: ['/bin/true'], Labels: { 'a<b': 'c&d' } },
      history: layers.flatMap((_, level) => [
        { created, created_by: `RUN make ${level}` },
        { created, created_by: `ENV LEVEL=${level}`, empty_layer: true },
      ]),
      rootfs: { type: 'layers', diff_ids: layers.map(layer => layer.diffId) },
      ...options.config,
    }),
  )
  const family = options.docker
    ? {
        manifest: 'application/vnd.docker.distribution.manifest.v2+json',
        config: 'application/vnd.docker.container.image.v1+json',
      }
    : {
        manifest: 'application/vnd.oci.image.manifest.v1+json',
        config: 'application/vnd.oci.image.config.v1+json',
      }
  const dockerType = (type: string) =>
    `application/vnd.docker.image.rootfs.diff.tar${type.endsWith('gzip') ? '.gzip' : ''}`
  const manifest = Buffer.from(
    JSON.stringify(
      {
        ...{ schemaVersion: 2, mediaType: family.manifest },
        config: { mediaType: family.config, digest: sha256(config), size: config.length },
        layers: layers.map(layer => ({
          mediaType: options.docker ? dockerType(layer.mediaType) : layer.mediaType,
          ...{ digest: layer.digest, size: layer.stored.length },
        })),
        ...(options.annotations && { annotations: options.annotations }),
      },
      null,
      // Not how we would write it: only a writer that keeps the bytes keeps the digest.
      3,
    ),
  )
  return { config, id: sha256(config), layers, manifest, digest: sha256(manifest), platform }
}

export interface TestIndex {
  readonly index: Buffer
  readonly digest: TestDigest
  readonly images: readonly TestImage[]
  /** Blobs of what is no image: an attestation as BuildKit writes it. */
  readonly others: readonly Buffer[]
}

/** An index over images of several platforms, each with an attestation where `attested`. */
export const indexOf = (images: readonly TestImage[], { attested = false } = {}): TestIndex => {
  const others: Buffer[] = []
  const descriptorOf = (image: TestImage) => ({
    ...{
      mediaType: JSON.parse(image.manifest.toString()).mediaType,
      digest: image.digest,
      size: image.manifest.length,
    },
    platform: image.platform,
  })
  const attest = (image: TestImage) => {
    const statement = Buffer.from(
      JSON.stringify({ _type: 'https://in-toto.io/Statement/v0.1', subject: image.digest }),
    )
    const config = Buffer.from(
      JSON.stringify({
        architecture: 'unknown',
        os: 'unknown',
        rootfs: { type: 'layers', diff_ids: [sha256(statement)] },
      }),
    )
    const manifest = Buffer.from(
      JSON.stringify({
        ...{ schemaVersion: 2, mediaType: 'application/vnd.oci.image.manifest.v1+json' },
        config: {
          mediaType: 'application/vnd.oci.image.config.v1+json',
          digest: sha256(config),
          size: config.length,
        },
        layers: [
          { mediaType: 'application/vnd.in-toto+json', digest: sha256(statement), size: statement.length },
        ],
      }),
    )
    others.push(statement, config, manifest)
    return {
      ...{
        mediaType: 'application/vnd.oci.image.manifest.v1+json',
        digest: sha256(manifest),
        size: manifest.length,
      },
      annotations: {
        'vnd.docker.reference.type': 'attestation-manifest',
        'vnd.docker.reference.digest': image.digest,
      },
      platform: { architecture: 'unknown', os: 'unknown' },
    }
  }
  const index = Buffer.from(
    JSON.stringify({
      ...{ schemaVersion: 2, mediaType: 'application/vnd.oci.image.index.v1+json' },
      manifests: [...images.map(descriptorOf), ...(attested ? images.map(attest) : [])],
    }),
  )
  return { index, digest: sha256(index), images, others }
}

export interface Named<Item> {
  readonly item: Item
  /** Full names: `docker.io/library/app:1`. */
  readonly names?: readonly string[]
}

/** Path and bytes of every file. */
export type Files = Map<string, Buffer>

/** The files of an OCI layout, named as docker and containerd name (`whole: false`) or as podman and skopeo (`true`). */
export const ociFiles = (roots: readonly Named<TestImage | TestIndex>[], { whole = false } = {}): Files => {
  const files: Files = new Map()
  const put = (bytes: Buffer) => files.set(`blobs/sha256/${hex(sha256(bytes))}`, bytes)
  const putImage = ({ config, manifest, layers }: TestImage) => {
    for (const bytes of [config, manifest, ...layers.map(layer => layer.stored)]) put(bytes)
  }
  const manifests = roots.flatMap(({ item, names = [] }) => {
    const bytes = 'index' in item ? item.index : item.manifest
    if ('index' in item) {
      for (const other of [item.index, ...item.others]) put(other)
      for (const image of item.images) putImage(image)
    } else putImage(item)
    const descriptor = {
      mediaType: JSON.parse(bytes.toString()).mediaType,
      digest: sha256(bytes),
      size: bytes.length,
    }
    const annotated = names.map(name => ({
      ...descriptor,
      annotations: whole
        ? { 'org.opencontainers.image.ref.name': name }
        : {
            'io.containerd.image.name': name,
            'org.opencontainers.image.ref.name': name.slice(name.lastIndexOf(':') + 1),
          },
    }))
    return annotated.length > 0 ? annotated : [descriptor]
  })
  files.set('index.json', Buffer.from(JSON.stringify({ schemaVersion: 2, manifests })))
  files.set('oci-layout', Buffer.from('{"imageLayoutVersion":"1.0.0"}'))
  return files
}

/** `v1`: up to 1.9, `repositories` only. `middle`: 1.10 to 24. `hybrid`: 25 and later. `containerd`: its own. `skopeo`: as skopeo and podman. */
export type DockerAge = 'v1' | 'middle' | 'hybrid' | 'containerd' | 'skopeo'
export const dockerAges: readonly DockerAge[] = ['v1', 'middle', 'hybrid', 'containerd', 'skopeo']

const familiar = (name: string): string => name.replace(/^docker\.io\/(?:library\/)?/, '')

/** The entries of a docker archive as tools of that age write them. Folder names of `middle` are not real v1 IDs. */
export const dockerEntries = (images: readonly Named<TestImage>[], age: DockerAge): readonly TestEntry[] => {
  const entries = new Map<string, TestEntry>()
  const put = (name: string, rest: Omit<TestEntry, 'name'> = {}) =>
    entries.has(name) || entries.set(name, { name, ...rest })
  const manifest: Record<string, unknown>[] = []
  const repositories: Record<string, Record<string, string>> = {}
  for (const { item, names = [] } of images) {
    const oci = age === 'hybrid' || age === 'containerd'
    if (oci) for (const [name, body] of ociFiles([{ item, names }])) put(name, { body })
    let below = ''
    const paths = item.layers.map((layer, level) => {
      if (oci) return `blobs/sha256/${hex(layer.digest)}`
      const id = hex(sha256(`${below} ${layer.diffId}`))
      const json =
        level === item.layers.length - 1
          ? { ...JSON.parse(item.config.toString()), rootfs: undefined, history: undefined }
          : { created: '1970-01-01T00:00:00Z' }
      put(`${id}/`)
      put(`${id}/VERSION`, { body: '1.0' })
      put(`${id}/json`, { body: JSON.stringify({ id, ...(below && { parent: below }), ...json }) })
      below = id
      if (age !== 'skopeo') {
        put(`${id}/layer.tar`, { body: age === 'v1' ? layer.tar : layer.stored })
        return `${id}/layer.tar`
      }
      put(`${hex(layer.diffId)}.tar`, { body: layer.stored })
      put(`${id}/layer.tar`, { type: 'symlink', linkname: `../${hex(layer.diffId)}.tar` })
      return `${hex(layer.diffId)}.tar`
    })
    const config = oci ? `blobs/sha256/${hex(item.id)}` : `${hex(item.id)}.json`
    if (age !== 'v1') put(config, { body: item.config })
    manifest.push({
      Config: config,
      RepoTags: names.length === 0 ? null : age === 'skopeo' ? names : names.map(familiar),
      Layers: paths,
    })
    for (const name of names.map(familiar)) {
      const colon = name.lastIndexOf(':')
      repositories[name.slice(0, colon)] = {
        ...repositories[name.slice(0, colon)],
        [name.slice(colon + 1)]: oci ? hex(item.layers.at(-1)!.diffId) : below,
      }
    }
  }
  if (age === 'hybrid' || age === 'containerd')
    for (const name of ['index.json', 'oci-layout'])
      entries.set(name, { name, body: ociFiles(images).get(name)! })
  if (age !== 'v1') put('manifest.json', { body: JSON.stringify(manifest) })
  if (age === 'v1' || Object.keys(repositories).length > 0)
    if (age !== 'containerd') put('repositories', { body: JSON.stringify(repositories) })
  return [...entries.values()]
}

export const dockerArchive = async (images: readonly Named<TestImage>[], age: DockerAge): Promise<Buffer> =>
  tarOf(dockerEntries(images, age))

export const ociArchive = async (...call: Parameters<typeof ociFiles>): Promise<Buffer> =>
  tarOf([...ociFiles(...call)].map(([name, body]) => ({ name, body })))

export const ociLayout = (directory: string, ...call: Parameters<typeof ociFiles>): void => {
  for (const [name, body] of ociFiles(...call)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true })
    writeFileSync(join(directory, name), body)
  }
}

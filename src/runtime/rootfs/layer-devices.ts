/**
 * Where the uncompressed layers of an image lie, as files that the kernel can read contents from: blobs of the
 * store, a docker archive with all of them at once, or files of the store's own where they were inflated.
 */
import { fstatSync, readlinkSync, statSync } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { fileSource } from '../../bytes/file-source.js'
import { sideBySide } from '../../bytes/side-by-side.js'
import type { Image, Layer } from '../../image/interfaces.js'
import { layerName } from '../../image/layer-view.js'
import { plainRegion } from '../../image/plain-layer.js'
import type { AnySource } from '../../image/wrapped-source.js'
import type { Toc } from '../../layer/toc.js'
import { hexOf } from '../../spec/digest.js'
import type { LayerStart } from './erofs/content.js'
import { blockSize } from './erofs/format.js'
import { makeComplete, type RootfsFolders } from './store-folders.js'

export interface LayerDevice {
  /** Absolute. */
  readonly path: string
  readonly size: number
  /**
   * What its bytes are known by: a DiffID where they were checked against it, else the file, its length and
   * time. Of an archive nothing is checked before a container starts from it.
   */
  readonly identity: string
}

export interface LayerDevices {
  readonly devices: readonly LayerDevice[]
  /** Of each layer, base first. */
  readonly layers: readonly LayerStart[]
  /** Tables of contents, for whoever has no image yet. */
  tocs(): Promise<readonly Toc[]>
}

interface PlacedLayer {
  readonly device: LayerDevice
  readonly offset: number
  toc(): Promise<Toc>
}

/** Layers that lie in no file, or compressed, are inflated into the store first, each once, and checked. */
export const findLayerDevices = async (
  source: AnySource,
  image: Image,
  folders: RootfsFolders,
): Promise<LayerDevices> => {
  const placed = await sideBySide(
    image.layers,
    async layer => (await whereItLies(source, layer)) ?? (await inflated(source, layer, folders)),
  )
  const devices = [...new Map(placed.map(({ device }) => [device.path, device])).values()]
  return {
    devices,
    layers: placed.map(({ device: { path }, offset }) => ({
      device: devices.findIndex(device => device.path === path) + 1,
      block: offset / blockSize,
    })),
    tocs: () => Promise.all(placed.map(({ toc }) => toc())),
  }
}

const whereItLies = async (source: AnySource, layer: Layer): Promise<PlacedLayer | undefined> => {
  const region = await plainRegion(source, layer)
  if (region === undefined || region.offset % blockSize !== 0) return undefined
  const path = pathOf(region.fd)
  if (path === undefined) return undefined
  const { dev, ino, size, mtimeNs } = statSync(path, { bigint: true })
  const identity = source.format === 'store' ? layer.diffId : `${dev} ${ino} ${size} ${mtimeNs}`
  return { device: { path, size: Number(size), identity }, offset: region.offset, toc: () => layer.toc() }
}

/** The path of an open file; undefined when it is none any more: a temporary file is only open. */
const pathOf = (fd: number): string | undefined => {
  try {
    const path = readlinkSync(`/proc/self/fd/${fd}`)
    const [open, named] = [fstatSync(fd), statSync(path)]
    return open.dev === named.dev && open.ino === named.ino ? path : undefined
  } catch {
    return undefined
  }
}

const inflated = async (source: AnySource, layer: Layer, folders: RootfsFolders): Promise<PlacedLayer> => {
  const path = join(folders.inflated, hexOf(layer.diffId))
  const found = await stat(path).catch(() => undefined)
  if (found === undefined) await makeComplete(folders, path, draft => inflate(source, layer, draft))
  const { size } = found ?? (await stat(path))
  const toc = async (): Promise<Toc> => {
    const kept = await source.tocOf?.(layer.diffId)
    if (kept) return kept
    const handle = await open(path, 'r')
    try {
      const { indexLayer } = await import('../../layer/index-layer.js')
      return await indexLayer(fileSource({ fd: handle.fd, offset: 0, length: size }))
    } finally {
      await handle.close()
    }
  }
  return { device: { path, size, identity: layer.diffId }, offset: 0, toc }
}

const inflate = async (source: AnySource, layer: Layer, draft: string): Promise<void> => {
  const handle = await open(draft, 'wx', 0o400)
  try {
    const { descriptor, diffId } = layer
    const region = await source.regionOf?.(descriptor.digest)
    if (region) {
      const { fd, offset, length } = region
      const what = layerName(layer)
      const { inflateRegion } = await import('../../bytes/inflate-region.js')
      await inflateRegion({
        file: { fd, offset, length },
        wanted: descriptor,
        diffId,
        what,
        output: handle.fd,
      })
    } else {
      const { writeAll } = await import('../../bytes/write-file.js')
      await writeAll(handle.fd, layer.uncompressed())
    }
    // Its name says what is in it: after a power cut it must be in it.
    await handle.datasync()
  } finally {
    await handle.close()
  }
}

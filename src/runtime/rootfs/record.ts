import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { LadingError } from '../../spec/errors.js'
import type { ErofsRecord } from './erofs-rootfs.js'
import type { OverlayRecord } from './overlay-rootfs.js'
import type { RootfsPlace } from './rootfs.js'

/** What is written down in a container's folder, to mount its root file system again. */
export type RootfsRecord = {
  readonly why: string
  readonly rootless: boolean
  readonly throwAway: boolean
} & (
  | ({ readonly kind: 'erofs' } & ErofsRecord)
  | ({ readonly kind: 'overlay' } & OverlayRecord)
  | { readonly kind: 'copy' }
)

export const recordName = 'rootfs.json'

/** Throws NOT_FOUND. */
export const readRecord = async ({ folder }: Pick<RootfsPlace, 'folder'>): Promise<RootfsRecord> => {
  try {
    return JSON.parse(readFileSync(join(folder, recordName), 'utf8'))
  } catch (cause) {
    throw new LadingError('NOT_FOUND', `There is no root file system in ${folder}`, { cause })
  }
}

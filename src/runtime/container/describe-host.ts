import { existsSync, mkdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { LadingError } from '../../spec/errors.js'
import { hostControlGroups } from '../cgroup/host.js'
import { chooseRootfs } from '../rootfs/choose.js'
import { probeRootfs } from '../rootfs/probe.js'
import { rootfsFolders } from '../rootfs/store-folders.js'
import type { RootfsKind } from '../settings.js'
import type { ContainersPlaces } from './places.js'
import { isRootless } from './prepare-start.js'

export interface HostDescription {
  /** `version 1`, or why there are none. */
  readonly controlGroups: string
  readonly rootfs: { readonly kind: RootfsKind; readonly why: string }
  /** The launcher, and what is installed besides. */
  readonly runtimes: readonly { readonly name: string; readonly why?: string }[]
}

/** What containers get here. The kernel is asked by trying. */
export const describeHost = async (all: ContainersPlaces): Promise<HostDescription> => {
  mkdirSync(all.containers, { recursive: true, mode: 0o700 })
  const { kind, why } = chooseRootfs(
    await probeRootfs(rootfsFolders(all.store), all.containers, isRootless()),
  )
  return {
    controlGroups: describeGroups(),
    rootfs: { kind, why },
    runtimes: [
      { name: 'launcher', why: 'the default' },
      ...['runc', 'crun'].filter(isInstalled).map(name => ({ name })),
    ],
  }
}

const describeGroups = (): string => {
  try {
    return `version ${hostControlGroups().version}`
  } catch (error) {
    if (error instanceof LadingError) return `none: ${error.message}`
    throw error
  }
}

const isInstalled = (program: string): boolean =>
  [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin'].some(folder =>
    existsSync(join(folder, program)),
  )

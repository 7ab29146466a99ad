import { join } from 'node:path'
import type { ContainerSettings } from '../settings.js'
import { statusOf } from './control.js'
import type { Container } from './record.js'
import { readRecordFile } from './record-file.js'
import type { ContainerStatus } from './state.js'
import { volumeFolder } from './volumes.js'

/** Everything about a container. */
export interface InspectedContainer extends ContainerSettings {
  readonly state: {
    readonly status: ContainerStatus
    /** As the host counts; absent unless it runs. */
    readonly pid?: number
    readonly exitCode: number
    readonly oomKilled: boolean
    readonly error: string
    readonly startedAt?: string
    readonly finishedAt?: string
  }
  /** On the bridge, while it runs. */
  readonly address?: Container['state']['address']
  /** Published, while it runs. */
  readonly ports: Container['state']['ports']
  readonly rootfs: ContainerSettings['rootfs'] & { readonly why?: string; readonly folder: string }
  /** Folders of the host with the files of its volumes. */
  readonly volumes: Readonly<Record<string, string>>
  readonly log: string
}

export const inspectContainer = async (container: Container): Promise<InspectedContainer> => {
  const { settings, state, places, all } = container
  const made = readRecordFile(join(places.rootfs, 'rootfs.json')) as
    | { kind: ContainerSettings['rootfs']['kind']; why: string }
    | undefined
  const { exitCode, oomKilled, error, startedAt, finishedAt, process, address, ports } = state
  return {
    ...settings,
    state: {
      status: await statusOf(container),
      ...(process && { pid: process.pid }),
      ...{ exitCode, oomKilled, error },
      ...(startedAt !== undefined && { startedAt }),
      ...(finishedAt !== undefined && { finishedAt }),
    },
    ...(address && { address }),
    ports: ports ?? settings.network.ports,
    rootfs: {
      ...settings.rootfs,
      ...(made && { kind: made.kind, why: made.why }),
      folder: places.rootfs,
    } as InspectedContainer['rootfs'],
    volumes: Object.fromEntries(
      settings.mounts.flatMap(mount =>
        mount.type === 'volume' ? [[mount.volume, volumeFolder(all, mount.volume)]] : [],
      ),
    ),
    log: places.log,
  }
}

import { existsSync } from 'node:fs'
import type { Loss } from '../../image/loss.js'
import { isAnonymousVolume } from '../container/mounts.js'
import type { Container } from '../container/record.js'
import type { ContainerStatus } from '../container/state.js'
import type { ContainerSettings } from '../settings.js'

/** Each volume in words: its name and where it is mounted; one without a name only where. */
export const volumeWords = ({ mounts }: Pick<ContainerSettings, 'mounts'>): readonly string[] =>
  mounts.flatMap(mount => {
    if (mount.type !== 'volume') return []
    return isAnonymousVolume(mount.volume) ? [mount.target] : [`${mount.volume} (${mount.target})`]
  })

/** What a snapshot of a container leaves out, whatever its files are. */
export const lossesOfSnapshot = (
  { settings, state, places }: Container,
  status: ContainerStatus,
  {
    thin,
    withVolumes,
    unlinked,
  }: { readonly thin: boolean; readonly withVolumes: boolean; readonly unlinked: number },
): readonly Loss[] => {
  const where = settings.name
  const isUp = status === 'running' || status === 'paused'
  const binds = settings.mounts.flatMap(mount => (mount.type === 'bind' ? [mount.source] : []))
  const memory = settings.mounts.filter(({ type }) => type === 'tmpfs').length
  const volumes = withVolumes ? [] : volumeWords(settings)
  const all: readonly Loss[] = [
    {
      ...{ what: 'bind-mount', where, count: binds.length },
      why: `the files are the host's (${binds.join(', ')}); only where they were mounted is kept`,
      remedy: 'Have them at the same paths where it is restored',
    },
    {
      ...{ what: 'volume', where, count: volumes.length },
      why: `--no-volumes leaves out the files of ${volumes.join(', ')}`,
      remedy: 'Leave that option out',
    },
    {
      ...{ what: 'layers', where, count: thin ? 1 : 0 },
      why: `--thin names its image only by the digest (${settings.image.manifest})`,
      remedy: 'Load the image where it is restored',
    },
    {
      ...{ what: 'process', where, count: isUp ? 1 : 0 },
      why: 'of what runs only the files are taken; its program begins anew',
    },
    {
      ...{ what: 'unlinked-file', where, count: unlinked },
      why: 'a file without a name is only what a process has open',
    },
    {
      ...{ what: 'tmpfs', where, count: isUp ? memory : 0 },
      why: 'what is mounted there is in memory only',
    },
    {
      ...{ what: 'log', where, count: existsSync(places.log) ? 1 : 0 },
      why: 'what its program has said so far stays here',
    },
    {
      ...{ what: 'network-address', where, count: state.address ? 1 : 0 },
      why: 'it gets one of the pool of wherever it starts',
    },
  ]
  return all.filter(({ count }) => count > 0)
}

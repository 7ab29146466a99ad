import type { Loss } from '../../image/loss.js'
import type { Container } from '../container/record.js'
import type { ContainerStatus } from '../container/state.js'
import { volumesOf } from '../container/volumes.js'

/** What a snapshot of a container leaves out, whatever its files are. */
export const lossesOfSnapshot = (
  { settings, state }: Container,
  status: ContainerStatus,
  { thin, withVolumes }: { readonly thin: boolean; readonly withVolumes: boolean },
): readonly Loss[] => {
  const where = settings.name
  const isUp = status === 'running' || status === 'paused'
  const binds = settings.mounts.flatMap(mount => (mount.type === 'bind' ? [mount.source] : []))
  const memory = settings.mounts.filter(({ type }) => type === 'tmpfs').length
  const volumes = withVolumes ? 0 : new Set(volumesOf(settings)).size
  const all: readonly Loss[] = [
    {
      ...{ what: 'bind-mount', where, count: binds.length },
      why: `the files are the host's (${binds.join(', ')}); only where they were mounted is kept`,
      remedy: 'Have them at the same paths where it is restored',
    },
    {
      ...{ what: 'volume', where, count: volumes, why: '--no-volumes leaves them out' },
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
      ...{ what: 'tmpfs', where, count: isUp ? memory : 0 },
      why: 'what is mounted there is in memory only',
    },
    {
      ...{ what: 'network-address', where, count: state.address ? 1 : 0 },
      why: 'it gets one of the pool of wherever it starts',
    },
  ]
  return all.filter(({ count }) => count > 0)
}

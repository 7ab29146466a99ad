/** What of a restored container is not as it was, and what it gets of this host. */
import type { Loss, Warning } from '../../image/loss.js'
import { visible } from '../../spec/escape.js'
import { isAnonymousVolume } from '../container/mounts.js'
import type { Container } from '../container/record.js'
import { defaultCapabilities } from '../launcher/capabilities.js'
import type { SnapshotDocument } from './document.js'
import { volumeWords } from './losses.js'

export const lossesOfRestore = (
  { settings: was, volumes }: SnapshotDocument,
  { settings }: Container,
): readonly Loss[] => {
  const kept = new Set(volumes.map(({ volume }) => volume))
  const mounts = was.mounts.filter(mount => mount.type === 'volume' && !kept.has(mount.volume))
  const absent = volumeWords({ mounts })
  if (absent.length === 0) return []
  return [
    {
      ...{ what: 'volume', where: settings.name, count: absent.length },
      why: `the snapshot was taken without the files of ${absent.join(', ')}: it has what the image brings`,
    },
  ]
}

const ordinary: ReadonlySet<string> = new Set(defaultCapabilities)

/** Whoever made the snapshot chose them, so they are told before it is started. */
export const warningsOfRestore = (
  { settings: was }: SnapshotDocument,
  { settings }: Container,
): readonly Warning[] => {
  const { process, network, mounts } = settings
  const more = process.capabilities.filter(name => !ordinary.has(name))
  const renamed = new Map(
    was.mounts.flatMap((mount, index) => {
      const now = mounts[index]
      if (mount.type !== 'volume' || now?.type !== 'volume') return []
      return mount.volume === now.volume || isAnonymousVolume(mount.volume)
        ? []
        : [[mount.volume, now.volume]]
    }),
  )
  const warn = (what: string, ...messages: readonly string[]): readonly Warning[] =>
    messages.map(message => ({ what, message }))
  return [
    ...[...renamed].flatMap(([volume, now]) =>
      warn('volume', `There is a volume ${volume} already: the container's is called ${now}`),
    ),
    ...mounts.flatMap(mount =>
      mount.type === 'bind'
        ? warn('bind-mount', `It will have ${visible(mount.source)} of this host at ${visible(mount.target)}`)
        : [],
    ),
    ...(process.privileged
      ? warn('privileged', 'It may do on this host what root may')
      : more.length > 0
        ? warn('capabilities', `It has capabilities that are not ordinary: ${more.join(', ')}`)
        : []),
    ...(process.seccomp === 'unconfined' && !process.privileged
      ? warn('seccomp', 'It may make every system call')
      : typeof process.seccomp === 'object'
        ? warn('seccomp', 'It brings a profile of its own of what system calls it may make')
        : []),
    ...(was.network.mode === 'bridge' && network.mode === 'none'
      ? warn('network', 'It has no network: a bridge needs root, who restores it here is an ordinary user')
      : []),
    ...(network.mode === 'host' ? warn('network', 'It uses the network of this host') : []),
    ...network.ports.flatMap(({ hostIp, hostPort, containerPort, protocol }) =>
      warn(
        'port',
        `It publishes its port ${containerPort}/${protocol} on ${visible(hostIp) || 'every address'} of this host, port ${hostPort || 'any'}`,
      ),
    ),
  ]
}

import type { ListedContainer } from '../runtime/container/list.js'
import type { PublishedPort } from '../runtime/settings.js'
import { formatAge } from './format.js'

/** As docker words it: `Up 2 minutes (Paused)`, `Exited (0) 3 seconds ago`. */
export const statusText = ({ container: { state }, status }: ListedContainer): string => {
  const since = (time: string | undefined) => formatAge(time).replace(/ ago$/, '')
  switch (status) {
    case 'running':
      return `Up ${since(state.startedAt)}`
    case 'paused':
      return `Up ${since(state.startedAt)} (Paused)`
    case 'exited':
      return `Exited (${state.exitCode}) ${formatAge(state.finishedAt)}`.trimEnd()
    case 'created':
      return 'Created'
    case 'dead':
      return 'Dead'
  }
}

/** `0.0.0.0:8080->80/tcp`. */
export const portText = ({ hostIp, hostPort, containerPort, protocol }: PublishedPort): string =>
  `${hostIp.includes(':') ? `[${hostIp}]` : hostIp || '0.0.0.0'}:${hostPort}->${containerPort}/${protocol}`

import type { InspectedContainer } from '../runtime/container/inspect-container.js'
import type { MountSettings } from '../runtime/settings.js'
import { visible } from '../spec/escape.js'
import { portText } from './container-text.js'
import { formatSize } from './format.js'
import { print } from './output.js'

/** A container for people: what it is, how it does, what it may. */
export const printContainer = (container: InspectedContainer): void => {
  const { state, process, resources } = container
  const line = (name: string, value: string | undefined) => {
    if (value !== undefined && value !== '') print(`  ${name.padEnd(12)} ${visible(value)}`)
  }
  print(`${container.name} is a container`)
  line('id', container.id)
  line('image', `${container.image.reference} (${container.image.id})`)
  line('created', container.created)
  line('status', stateText(state))
  line('error', state.error)
  line('started', state.startedAt)
  line('finished', state.finishedAt)
  line('program', JSON.stringify(process.args))
  for (const variable of process.env) line('env', variable)
  line('user', process.user)
  line('workdir', process.cwd)
  line('hostname', container.hostname)
  line('network', container.network.mode)
  line('address', container.address && `${container.address.ip}/${container.address.prefix}`)
  for (const port of container.ports ?? []) line('port', portText(port))
  for (const mount of container.mounts) line('mount', mountText(mount))
  line('memory', resources.memory === undefined ? undefined : formatSize(resources.memory))
  line('cpus', resources.nanoCpus === undefined ? undefined : String(resources.nanoCpus / 1e9))
  line('pids', resources.pids === undefined ? undefined : String(resources.pids))
  line('capabilities', process.capabilities.join(' ') || 'none')
  for (const [name, value] of Object.entries(container.labels)) line('label', `${name}=${value}`)
  line('root', `${container.rootfs.kind ?? 'not made yet'}${container.rootfs.why ? `: ${container.rootfs.why}` : ''}`)
  line('folder', container.rootfs.folder)
  line('log', container.log)
}

const stateText = (state: InspectedContainer['state']): string => {
  if (state.pid !== undefined) return `${state.status}, process ${state.pid}`
  if (state.status === 'created' && state.error === '') return state.status
  return `${state.status}, exit status ${state.exitCode}${state.oomKilled ? ', killed for want of memory' : ''}`
}

const mountText = (mount: MountSettings): string => {
  if (mount.type === 'tmpfs') return `${mount.target}: tmpfs ${mount.options}`.trimEnd()
  const source = mount.type === 'bind' ? mount.source : `volume ${mount.volume}`
  return `${mount.target}: ${source}${mount.readonly ? ', read-only' : ''}`
}

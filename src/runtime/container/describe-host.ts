import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { LadingError } from '../../spec/errors.js'
import { hostControlGroups } from '../cgroup/host.js'
import { recordedNetwork } from '../network/bridge.js'
import { chooseRootfs } from '../rootfs/choose.js'
import { probeRootfs } from '../rootfs/probe.js'
import { rootfsFolders } from '../rootfs/store-folders.js'
import { isRootless } from '../rootless/is-rootless.js'
import type { RootfsKind } from '../settings.js'
import type { ContainersPlaces } from './places.js'

export interface HostDescription {
  /** `version 1`, or why there are none. */
  readonly controlGroups: string
  readonly rootfs: { readonly kind: RootfsKind; readonly why: string }
  /** What containers have when nothing is said, and what does not work. */
  readonly network: string
  /** Whether system calls are filtered. */
  readonly seccomp: string
  /** Whose containers they are. */
  readonly rootless: string
  /** Whether processes could be kept. */
  readonly criu: string
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
    network: await describeNetwork(all),
    seccomp: describeSeccomp(),
    rootless: describeUser(),
    criu: await describeCriu(),
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

const describeNetwork = async (all: ContainersPlaces): Promise<string> => {
  if (isRootless()) return "none, or the host's with --network host: a bridge needs root"
  const known = await recordedNetwork(all.network)
  if (known) return [`bridge ${known.bridge}, ${known.subnet}`, ...known.notes].join('; ')
  const tool = ['iptables', 'nft'].find(isInstalled)
  const way = tool ? `out by ${tool}` : 'with no way out: found neither iptables nor nft'
  return `bridge, to be made for the first container, ${way}`
}

const describeSeccomp = (): string => {
  const actions = '/proc/sys/kernel/seccomp/actions_avail'
  if (!existsSync(actions) || !/\berrno\b/.test(readFileSync(actions, 'utf8')))
    return 'not in this kernel: containers need --security-opt seccomp=unconfined'
  return "docker's default profile; none with --security-opt seccomp=unconfined"
}

const describeUser = (): string => {
  if (!isRootless()) return 'no: root'
  const ids = readFileSync('/proc/self/uid_map', 'utf8').trim().split('\n')
  const last = Math.max(
    ...ids.map(line => line.trim().split(/\s+/).map(Number)).map(([at, , count]) => at! + count!),
  )
  return `yes: IDs 0 to ${last - 1} of containers are IDs of yours on this host`
}

/** CRIU itself says whether it works on this kernel. */
const describeCriu = (): Promise<string> =>
  new Promise(resolve => {
    const unused = 'snapshots are of files, not of processes'
    execFile('criu', ['check'], { env: { ...process.env, PATH: searchPath } }, (error, _, complaint) => {
      if (error?.code === ('ENOENT' as never)) resolve(`not installed; ${unused}`)
      else if (error) resolve(`does not work here (${complaint.trim().split('\n').at(-1)}); ${unused}`)
      else resolve(`works here, and is not used; ${unused}`)
    })
  })

const searchPath = [process.env.PATH ?? '', '/usr/sbin', '/sbin'].join(delimiter)

const isInstalled = (program: string): boolean =>
  searchPath.split(delimiter).some(folder => existsSync(join(folder, program)))

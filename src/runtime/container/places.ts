import { join } from 'node:path'

/** Where containers and what belongs to them lie in a store's folder. */
export interface ContainersPlaces {
  readonly store: string
  /** A folder for each container, named after its ID; what begins with a dot is being made or removed. */
  readonly containers: string
  /** A symbolic link for each name, to the ID: making one is taking the name. */
  readonly names: string
  readonly namesLock: string
  /** A folder for each volume. */
  readonly volumes: string
  readonly network: string
  /** Of who removes what is left of containers: one at a time. */
  readonly pruneLock: string
  /** What keptUserFiles keeps. */
  readonly userFiles: string
}

export const containersPlaces = (store: string): ContainersPlaces => ({
  store,
  containers: join(store, 'containers'),
  names: join(store, 'container-names'),
  namesLock: join(store, 'container-names.lock'),
  volumes: join(store, 'volumes'),
  network: join(store, 'network'),
  pruneLock: join(store, 'prune.lock'),
  userFiles: join(store, 'user-files'),
})

/** What a container's record consists of. */
export interface RecordPlaces {
  readonly folder: string
  readonly settings: string
  readonly state: string
  /** The descriptor of the image's manifest: a sweep of the store keeps what hangs on it. */
  readonly image: string
  readonly lock: string
  /** Held by whoever makes it stand still to read its files. */
  readonly frozenLock: string
  /** The newest log; older ones end in .1, .2. */
  readonly log: string
  readonly hosts: string
  readonly hostname: string
  readonly resolvConf: string
  /** Of the root file system: upper, work. */
  readonly rootfs: string
  /** An empty folder, on which the root file system is mounted in the container's own mount namespace. */
  readonly root: string
  /** Programs of the launcher, for the moment in which they start. */
  readonly programs: string
  /** The socket of whoever watches a detached container, below `folder`. */
  readonly socketName: string
}

export const recordPlaces = (folder: string): RecordPlaces => ({
  folder,
  settings: join(folder, 'settings.json'),
  state: join(folder, 'state.json'),
  image: join(folder, 'image.json'),
  lock: join(folder, 'lock'),
  frozenLock: join(folder, 'frozen.lock'),
  log: join(folder, 'log'),
  hosts: join(folder, 'hosts'),
  hostname: join(folder, 'hostname'),
  resolvConf: join(folder, 'resolv.conf'),
  rootfs: join(folder, 'rootfs'),
  root: join(folder, 'root'),
  programs: join(folder, 'programs'),
  socketName: 'attach.sock',
})

/**
 * The user namespace that an ordinary user's containers share. In it the user is root, with a range of IDs for the
 * other users of containers, so all that root does for containers is done there alike. It has to be one for all
 * commands: who is in a second one may do nothing to the processes of the first. So a process that only sleeps keeps it
 * there between commands; `prune` ends it when nothing else needs it.
 */
import { mkdirSync, readdirSync, readlinkSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { LadingError } from '../../spec/errors.js'
import { withLock } from '../../store/file-lock.js'
import { type ContainersPlaces, containersPlaces } from '../container/places.js'
import { identify, isAlive, type ProcessIdentity } from '../container/process-identity.js'
import { listRecords } from '../container/record.js'
import { readRecordFile, writeRecordFile } from '../container/record-file.js'
import { isActive } from '../container/state.js'
import { launch } from '../launcher/launch.js'
import { firstSteps, namespaces, report, waitForOrder } from '../launcher/monitor-steps.js'
import type { Program } from '../launcher/program.js'
import { call, label, Names, words64 } from '../launcher/steps.js'
import { mapIds } from './id-map.js'
import { isRootless } from './is-rootless.js'

/** What is kept of it in the store. */
export interface UserNamespacePlaces {
  readonly folder: string
  /** Who holds it. */
  readonly holder: string
  readonly lock: string
}

export const userNamespacePlaces = (store: string): UserNamespacePlaces => {
  const folder = join(store, 'rootless')
  return { folder, holder: join(folder, 'holder.json'), lock: join(folder, 'lock') }
}

/**
 * Run `work` with the number of a process that is in the store's user namespace, which is made if there is none. Until
 * `work` is done nobody ends it. Throws UNSUPPORTED, and why, where an ordinary user cannot have one.
 */
export const withUserNamespace = <Result>(
  store: string,
  work: (pid: number) => Promise<Result>,
): Promise<Result> => {
  const places = userNamespacePlaces(store)
  mkdirSync(places.folder, { recursive: true, mode: 0o700 })
  return withLock(places.lock, 'exclusive', async () => {
    const found = findHolder(store, places)
    if (found !== undefined) return work(found.pid)
    const pid = await makeUserNamespace(places.folder)
    writeRecordFile(places.holder, identify(pid), { durable: false })
    return work(pid)
  })
}

/** Who keeps it there; where that was killed, a container that is in it. */
const findHolder = (store: string, { holder }: UserNamespacePlaces): ProcessIdentity | undefined => {
  const known = readRecordFile(holder) as ProcessIdentity | undefined
  if (isAlive(known)) return known
  return listRecords(containersPlaces(store))
    .flatMap(({ state }) => [state.watcher, state.process])
    .find(isAlive)
}

const sigchld = 17

/** A process that sleeps in a new user namespace, until it is killed. */
const holdingSteps = (): Program => {
  const names = new Names()
  const pid = names.slot()
  const [child, sleep] = [names.label('the holder'), names.label('sleep')]
  return [
    ...firstSteps(true),
    call('make a user namespace', 'clone', [namespaces.user | sigchld, 0, 0, 0, 0], {
      save: pid,
      ifZero: child,
    }),
    report('report the holder', pid),
    { kind: 'exit', status: 0 },
    label(child),
    ...waitForOrder('wait for the mapping of users', names),
    call('lead a session', 'setsid', []),
    call('close everything', 'close_range', [0, 0xffff_ffff, 0]),
    label(sleep),
    call('sleep', 'ppoll', [0, 0, 0, words64(-1), 8], { onError: sleep }),
    { kind: 'goto', to: sleep },
  ]
}

const makeUserNamespace = async (folder: string): Promise<number> => {
  const launched = await launch(holdingSteps(), {
    stdio: ['ignore', 'ignore', 'ignore'],
    folder,
    detached: true,
  })
  for await (const pid of launched.reports) {
    // Without an order it ends.
    try {
      await mapIds(pid)
      launched.order(Uint8Array.of(1))
    } finally {
      launched.closeOrders()
    }
    return pid
  }
  const failure = await launched.failure
  throw new LadingError(
    'UNSUPPORTED',
    `Cannot have containers as an ordinary user: ${failure?.step}: ${failure?.errno}. The system may forbid user namespaces: see /proc/sys/user/max_user_namespaces, and kernel.unprivileged_userns_clone or kernel.apparmor_restrict_unprivileged_userns`,
  )
}

/** End the process that holds the namespace, unless a container or another command is in it. */
export const endUserNamespace = async ({ store }: ContainersPlaces): Promise<void> => {
  const places = userNamespacePlaces(store)
  if (!isRootless() || !statSync(places.folder, { throwIfNoEntry: false })) return
  await withLock(places.lock, 'exclusive', async () => {
    const holder = readRecordFile(places.holder) as ProcessIdentity | undefined
    if (holder && isAlive(holder)) {
      const isUsed = listRecords(containersPlaces(store)).some(({ state }) => isActive(state))
      if (isUsed || countIn(namespaceOf('self')) > 2) return
      process.kill(holder.pid, 'SIGKILL')
    }
    // Launchers of commands that were killed in between, too.
    for (const name of readdirSync(places.folder))
      if (name !== 'lock') rmSync(join(places.folder, name), { force: true })
  })
}

const namespaceOf = (process: string): string | undefined => {
  try {
    return readlinkSync(`/proc/${process}/ns/user`)
  } catch {
    // Gone, or somebody else's.
    return undefined
  }
}

/** How many processes live in a user namespace: this one and the holder at least. */
const countIn = (namespace: string | undefined): number =>
  readdirSync('/proc').filter(
    name => /^\d+$/.test(name) && namespaceOf(name) === namespace && identify(Number(name)),
  ).length

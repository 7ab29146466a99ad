import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { containersPlaces } from '../runtime/container/places.js'
import { isOrdinaryUser } from '../runtime/rootless/is-rootless.js'

/** Commands that make containers. */
const makers = new Set(['create', 'restore', 'run'])
/** Those that change containers, signal their processes or look into their files. Reading their records is for anybody. */
const changers = new Set(
  'attach commit exec kill pause prune rm snapshot start stats stop top unpause'.split(' '),
)

/**
 * What has to do with processes and files of containers is done as root of a user namespace: an ordinary user's command begins
 * again there, and does not come back from this. For all others nothing happens.
 */
export const enterForContainers = async (store: string): Promise<void> => {
  if (!isOrdinaryUser()) return
  const { enterUserNamespace } = await import('../runtime/rootless/enter.js')
  await enterUserNamespace(resolve(store))
}

/** The same for those commands that are about containers alone, where there is one. */
export const enterForCommand = async (command: string, store: string): Promise<void> => {
  const hasContainers = () => existsSync(containersPlaces(resolve(store)).containers)
  if (makers.has(command) || (changers.has(command) && hasContainers())) await enterForContainers(store)
}

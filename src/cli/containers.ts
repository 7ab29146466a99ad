import { resolve } from 'node:path'
import type { ContainerOpener } from '../transports/containers.js'
import { enterForContainers } from './ordinary-user.js'

/** The containers of the store; their part of the runtime is loaded when one is asked for. */
export const lazyContainers = (storeDirectory: string): ContainerOpener => {
  const load = async (): Promise<ContainerOpener> => {
    const { containerOpener } = await import('../runtime/snapshot/container-opener.js')
    const { containersPlaces } = await import('../runtime/container/places.js')
    return containerOpener(containersPlaces(resolve(storeDirectory)))
  }
  const loadToRead = async (): Promise<ContainerOpener> => {
    await enterForContainers(storeDirectory)
    return load()
  }
  return {
    has: async query => (await load()).has(query),
    image: async (query, progress) => (await loadToRead()).image(query, progress),
    files: async (query, options) => (await loadToRead()).files(query, options),
  }
}

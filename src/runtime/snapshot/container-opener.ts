import type { ContainerOpener } from '../../transports/containers.js'
import { findContainer, lookForContainer } from '../container/find.js'
import type { ContainersPlaces } from '../container/places.js'
import { openContainerCopy } from './container-copy.js'
import { openContainerImage } from './container-source.js'
import { openContainerTree } from './container-tree.js'

/** The containers of a store as places that others read. */
export const containerOpener = (all: ContainersPlaces): ContainerOpener => ({
  has: async query => lookForContainer(all, query) !== undefined,
  image: async (query, progress) => {
    const task = progress.begin('Reading')
    try {
      return (await openContainerImage(findContainer(all, query))).source
    } finally {
      task.end()
    }
  },
  files: async (query, { whole, progress }) => {
    const container = findContainer(all, query)
    if (!whole) return openContainerTree(container)
    const task = progress.begin('Reading')
    try {
      return await openContainerCopy(container)
    } finally {
      task.end()
    }
  },
})

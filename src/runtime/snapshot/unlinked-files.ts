import { readdirSync, readlinkSync, statSync } from 'node:fs'
import { groupOf } from '../container/control.js'
import type { Container } from '../container/record.js'

/** How many files without a name the processes of a container have open: they are in no tree, and go with them. */
export const countUnlinkedFiles = async (container: Container): Promise<number> => {
  const processes =
    (await groupOf(container)
      ?.processes()
      .catch(() => [])) ?? []
  const files = new Set<string>()
  for (const pid of processes)
    for (const name of namesIn(`/proc/${pid}/fd`)) {
      const found = lookAt(`/proc/${pid}/fd/${name}`)
      if (found !== undefined) files.add(found)
    }
  return files.size
}

/** What it is known by, if it is such a file; one in memory only (memfd_create) never had a name. */
const lookAt = (path: string): string | undefined => {
  try {
    if (readlinkSync(path).startsWith('/memfd:')) return undefined
    const { nlink, dev, ino, ...status } = statSync(path)
    return nlink === 0 && (status.mode & 0o170000) === 0o100000 ? `${dev} ${ino}` : undefined
  } catch {
    // Closed in the meantime.
    return undefined
  }
}

const namesIn = (folder: string): readonly string[] => {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

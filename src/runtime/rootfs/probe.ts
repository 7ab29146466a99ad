/**
 * What this kernel can do with this folder, found by trying: versions say little, as file systems, modules,
 * user namespaces and security modules all have a say. What was found is kept until the machine starts again.
 */
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { release } from 'node:os'
import { readBootId } from '../../store/boot-id.js'
import type { RootfsAbilities } from './abilities.js'
import { makeComplete, type RootfsFolders } from './store-folders.js'

interface KeptProbe {
  readonly boot: string
  readonly kernel: string
  readonly device: string
  readonly rootless: boolean
  readonly abilities: RootfsAbilities
}

/** Abilities for containers whose folder is on the same file system as `folder`. */
export const probeRootfs = async (
  folders: RootfsFolders,
  folder: string,
  rootless: boolean,
): Promise<RootfsAbilities> => {
  const device = String(statSync(folder).dev)
  const here = { boot: readBootId(), kernel: release(), device, rootless }
  const kept = readKept(folders.probes).filter(({ boot }) => boot === here.boot)
  const isHere = (probe: KeptProbe) =>
    probe.kernel === here.kernel && probe.device === device && probe.rootless === rootless
  const known = kept.find(isHere)
  if (known) return known.abilities
  // Once after each boot.
  const { tryAll } = await import('./try-abilities.js')
  const abilities = await tryAll(folders, folder, rootless)
  await makeComplete(folders, folders.probes, async draft =>
    writeFileSync(draft, JSON.stringify([...kept, { ...here, abilities }]), { mode: 0o600 }),
  )
  return abilities
}

const readKept = (path: string): readonly KeptProbe[] => {
  try {
    const kept = JSON.parse(readFileSync(path, 'utf8'))
    return Array.isArray(kept) ? kept : []
  } catch {
    return []
  }
}

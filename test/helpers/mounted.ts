import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ProgramStep } from '../../src/runtime/launcher/program.js'
import type { Rootfs } from '../../src/runtime/rootfs/rootfs.js'
import { type DiskListing, listingScript } from './disk-listing.js'
import { attempt, run } from './programs.js'
import { tidyListing } from './tree-listing.js'

/** Mount by steps in a mount namespace of its own, run a command there with the target as its last argument; what it printed. */
export const inMounted = (
  steps: (target: string) => readonly ProgramStep[],
  command: readonly string[],
): string => {
  const folder = mkdtempSync(join(tmpdir(), 'mounted-'))
  try {
    const file = join(folder, 'steps.json')
    const target = join(folder, 'target')
    run('mkdir', [target])
    writeFileSync(file, JSON.stringify(steps(target)))
    const player = join(process.cwd(), 'dist/test/helpers/play-steps.js')
    return run('unshare', ['-m', process.execPath, player, file, ...command, target])
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** What is in a root file system when it is mounted, after a shell script that runs in it. */
export const mountedListing = ({ steps }: Pick<Rootfs, 'steps'>, script = ':'): DiskListing =>
  tidyListing(
    JSON.parse(
      inMounted(steps, [
        'bash',
        '-ec',
        `cd "$1"; (${script}\n) >&2; cd /; exec python3 -c "$0" "$1"`,
        listingScript,
      ]),
    ),
  )

/** Why file systems cannot be mounted here; undefined where they can. */
export const whyNoMounts: string | undefined =
  process.getuid?.() !== 0
    ? 'it takes root'
    : attempt('unshare', ['-m', 'true']).status === 0
      ? undefined
      : 'mount namespaces are not allowed here'

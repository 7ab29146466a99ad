import type { DiskListing } from './disk-listing.js'
import { listingScript } from './disk-listing.js'
import { run } from './programs.js'

/**
 * What Python sees of a container's files through /proc: what is mounted in it aside, and the times of folders
 * that only its start has changed.
 */
export const containerListing = (root: string, { without = [] as readonly string[] } = {}): DiskListing => {
  const left = ['proc', 'sys', 'dev', 'tmp', 'etc/hosts', 'etc/hostname', 'etc/resolv.conf', ...without]
  const script = listingScript.replace(
    'for n in sorted(ds+fs)',
    `left=lambda n: os.path.relpath(os.path.join(d,n),root).decode('latin1') in ${JSON.stringify(left)}
    ds[:]=[n for n in ds if not left(n)]; fs=[n for n in fs if not left(n)]
    for n in sorted(ds+fs)`,
  )
  return JSON.parse(run('python3', ['-c', script, root]))
}

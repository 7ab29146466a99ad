import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { checkRegion } from '../../src/bytes/check-region.js'
import { cloneFile } from '../../src/bytes/clone-file.js'
import { digestOf } from '../../src/bytes/hasher.js'
import { measureRegion } from '../../src/layer/measure-region.js'
import { attempt, has, isRoot, run } from '../helpers/programs.js'

const content = randomBytes(64 << 20)
const reason = isRoot
  ? has('mkfs.btrfs')
    ? undefined
    : 'mkfs.btrfs is not installed'
  : 'only root mounts file systems'

;(reason ? test.skip : test.serial)(
  `cloneFile: on btrfs a copy takes no room, and the digest is of the copy${reason ? ` [skipped: ${reason}]` : ''}`,
  async t => {
    const folder = mkdtempSync(join(tmpdir(), 'clone-'))
    const [image, mounted] = [join(folder, 'image'), join(folder, 'mounted')]
    mkdirSync(mounted)
    run('truncate', ['-s', '300M', image])
    run('mkfs.btrfs', ['-q', image])
    run('mount', ['-o', 'loop', image, mounted])
    try {
      const path = join(mounted, 'content')
      writeFileSync(path, content)
      run('sync', ['-f', mounted])
      const before = statfsSync(mounted).bfree
      const file = { fd: openSync(path, 'r'), offset: 0, length: content.length }
      const copy = (name: string) => openSync(join(mounted, name), 'wx+')
      t.true(await cloneFile(file, copy('cloned')))
      t.false(await cloneFile({ ...file, offset: 4096, length: content.length - 4096 }, copy('part')))
      t.false(await cloneFile(file, openSync(join(folder, 'elsewhere'), 'wx+')))
      const wanted = { digest: digestOf(content), size: content.length }
      await checkRegion({ file, wanted, what: 'it', output: { fd: copy('checked'), offset: 0 } })
      const measured = await measureRegion({ file, what: 'it', output: copy('measured') }, { alone: true })
      t.is(measured.digest, wanted.digest)
      for (const name of ['cloned', 'checked', 'measured'])
        t.true(readFileSync(join(mounted, name)).equals(content), name)
      run('sync', ['-f', mounted])
      // A tenth of one copy, for tables.
      t.true((before - statfsSync(mounted).bfree) * statfsSync(mounted).bsize < content.length / 10)
    } finally {
      attempt('umount', ['-l', mounted])
      rmSync(folder, { recursive: true, force: true })
    }
  },
)

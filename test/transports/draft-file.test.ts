import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { openDraftFile } from '../../src/transports/archive/draft-file.js'

const { platform } = process
const pretend = (value: string) => Object.defineProperty(process, 'platform', { value })
test.afterEach.always(() => pretend(platform))

let folder: string
test.beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lading-draft-'))
})
test.afterEach.always(() => rmSync(folder, { recursive: true }))

const writeDraft = async (text: string) => {
  const draft = await openDraftFile(join(folder, 'a.tar'))
  writeSync(draft.fd, text)
  return draft
}

// macOS has no files without a name; there is nothing else here that would refuse to make one.
for (const where of ['linux', 'darwin'])
  test.serial(
    `${where}: a draft takes its place when it is published, and is gone when it is not`,
    async t => {
      pretend(where)
      const dropped = await writeDraft('half')
      t.false(readdirSync(folder).includes('a.tar'))
      await dropped.close()
      t.deepEqual(readdirSync(folder), [])

      for (const [text, mode] of [
        ['first', 0o600],
        ['second', 0o644],
      ] as const) {
        const draft = await writeDraft(text)
        await draft.publish(mode)
        await draft.close()
        t.deepEqual(readdirSync(folder), ['a.tar'])
        t.is(readFileSync(join(folder, 'a.tar'), 'utf8'), text)
        t.is(statSync(join(folder, 'a.tar')).mode & 0o777, mode)
      }
    },
  )

const withoutNames = platform === 'linux' ? test.serial : test.serial.skip
const title = 'a draft has no name of its own, which would be left when its process is killed'
withoutNames(platform === 'linux' ? title : `${title} [skipped: Linux alone has such files]`, async t => {
  writeFileSync(join(folder, 'a.tar'), 'old')
  const draft = await writeDraft('new')
  t.deepEqual(readdirSync(folder), ['a.tar'])
  t.is(readFileSync(join(folder, 'a.tar'), 'utf8'), 'old')
  await draft.close()
  t.is(readFileSync(join(folder, 'a.tar'), 'utf8'), 'old')
})

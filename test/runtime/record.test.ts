import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import { findContainer, lookForContainer } from '../../src/runtime/container/find.js'
import { nameAtWork } from '../../src/runtime/container/folders-at-work.js'
import { LogFile } from '../../src/runtime/container/log-file.js'
import { readLogs } from '../../src/runtime/container/logs.js'
import { merge } from '../../src/runtime/container/merge.js'
import { checkName, randomName } from '../../src/runtime/container/names.js'
import { containersPlaces } from '../../src/runtime/container/places.js'
import { identify, isAlive } from '../../src/runtime/container/process-identity.js'
import {
  type Container,
  claim,
  createRecord,
  dropDraft,
  listRecords,
  openDraft,
  readRecord,
  removeRecord,
  removeRemains,
  writeState,
} from '../../src/runtime/container/record.js'
import { type ContainerState, isActive } from '../../src/runtime/container/state.js'
import { takeName } from '../../src/runtime/container/taken-names.js'
import type { LadingError } from '../../src/spec/errors.js'
import { readPins } from '../../src/store/pins.js'
import { storePlaces } from '../../src/store/places.js'

const folders: string[] = []
test.after.always(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})
const newStore = () => {
  const folder = mkdtempSync(join(tmpdir(), 'record-'))
  folders.push(folder)
  return containersPlaces(folder)
}

const manifest = {
  mediaType: 'application/vnd.oci.image.manifest.v1+json',
  digest: `sha256:${'1'.repeat(64)}`,
  size: 7,
} as const
const image = {
  reference: 'app:1',
  place: 'store:',
  manifest: manifest.digest,
  id: `sha256:${'2'.repeat(64)}`,
}

const make = async (
  all = newStore(),
  name?: string,
  options: { watched?: boolean } = {},
): Promise<Container> => {
  const draft = await openDraft(all, name)
  const given = { id: draft.id, name: draft.name, created: new Date().toISOString(), image, env: {} }
  return createRecord(all, draft, merge({ Cmd: ['sh'] }, {}, given), manifest, options)
}
const codeOf = (error: unknown) => (error as LadingError).code
const running = (container: Container, changes: Partial<ContainerState>): void =>
  writeState(container, { status: 'running', exitCode: 0, oomKilled: false, error: '', ...changes })

/** A process that does nothing. */
const bystander = () => spawn('sleep', ['100'], { stdio: 'ignore' })

test('createRecord: what was written is read again, by nobody but the owner', async t => {
  const container = await make()
  const again = readRecord(container.all, container.settings.id)!
  t.deepEqual(again.settings, container.settings)
  t.is(again.state.status, 'created')
  t.false(isActive(again.state))
})

test('findContainer: by ID, name, and a beginning that is one container’s only', async t => {
  const all = newStore()
  const [a, b] = [await make(all, 'web'), await make(all)]
  for (const query of [a.settings.id, 'web', '/web', a.settings.id.slice(0, 12)])
    t.is(findContainer(all, query).settings.id, a.settings.id)
  t.is(lookForContainer(all, b.settings.name)?.settings.id, b.settings.id)
  t.is(codeOf(t.throws(() => findContainer(all, 'nobody'))), 'NOT_FOUND')
  const common = [...'0123456789abcdef'].find(digit =>
    [a, b].every(({ settings }) => settings.id.startsWith(digit)),
  )
  if (common) t.is(codeOf(t.throws(() => findContainer(all, common))), 'AMBIGUOUS')
  // A name goes before an ID that begins like it.
  const c = await make(all, b.settings.id.slice(0, 5))
  t.is(findContainer(all, b.settings.id.slice(0, 5)).settings.id, c.settings.id)
  t.is(listRecords(all).length, 3)
})

test('openDraft: of 20 at once one gets the name', async t => {
  const all = newStore()
  const tries = await Promise.allSettled(Array.from({ length: 20 }, () => openDraft(all, 'only')))
  t.is(tries.filter(({ status }) => status === 'fulfilled').length, 1)
  const refusal = tries.find(({ status }) => status === 'rejected') as PromiseRejectedResult
  t.is(codeOf(refusal.reason), 'CONFLICT')
  t.regex(
    refusal.reason.message,
    /^Conflict\. The container name "\/only" is already in use by container "[0-9a-f]{64}"/,
  )
})

test('openDraft: a name whose container is gone, and one that was given back, can be had again', async t => {
  const all = newStore()
  mkdirSync(all.names, { recursive: true })
  await takeName(all, 'ghost', 'f'.repeat(64))
  const draft = await openDraft(all, 'ghost')
  t.is(draft.name, 'ghost')
  dropDraft(all, draft)
  const container = await make(all, 'ghost')
  await removeRecord(container)
  t.is(lookForContainer(all, 'ghost'), undefined)
  t.is((await make(all, 'ghost')).settings.name, 'ghost')
})

test('checkName: docker’s grammar', t => {
  for (const name of ['a1', 'web_1.x-y', '/slash']) t.notThrows(() => checkName(name))
  for (const name of ['', 'a', '-a', 'a b', 'a/b', 'ä1', 'x'.repeat(200)])
    t.is(codeOf(t.throws(() => checkName(name))), 'USAGE')
  t.regex(randomName(), /^[a-z]+_[a-z]+$/)
})

test('isAlive: a process by its number and start, not one that has the number later, of another boot, or a zombie', async t => {
  const child = bystander()
  const identity = identify(child.pid!)!
  t.true(isAlive(identity))
  t.false(isAlive({ ...identity, startTime: identity.startTime - 1 }))
  t.false(isAlive({ ...identity, boot: 'another' }))
  t.false(isAlive(undefined))
  // What sh leaves to sleep nobody waits for.
  const parent = spawn('sh', ['-c', 'sleep 0 & echo $!; exec sleep 100'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const [said] = await once(parent.stdout!, 'data')
  const zombie = Number(said)
  while (!readFileSync(`/proc/${zombie}/stat`, 'utf8').includes(') Z ')) await sleep(5)
  t.is(identify(zombie), undefined)
  parent.kill('SIGKILL')
  child.kill('SIGKILL')
  await once(child, 'exit')
  t.false(isAlive(identity))
})

test('readRecord: a container whose watcher was killed has ended with 137, one before a boot with 255', async t => {
  const container = await make()
  const [process_, watcher] = [bystander(), bystander()]
  const identities = { process: identify(process_.pid!)!, watcher: identify(watcher.pid!)! }
  running(container, identities)
  t.is(readRecord(container.all, container.settings.id)!.state.status, 'running')

  running(container, {
    process: { ...identities.process, boot: 'another' },
    watcher: { ...identities.watcher, boot: 'another' },
  })
  t.like(readRecord(container.all, container.settings.id)!.state, { status: 'exited', exitCode: 255 })

  running(container, identities)
  process_.kill('SIGKILL')
  await once(process_, 'exit')
  // Its watcher is about to note the end.
  t.is(readRecord(container.all, container.settings.id)!.state.status, 'running')
  watcher.kill('SIGKILL')
  await once(watcher, 'exit')
  t.like(readRecord(container.all, container.settings.id)!.state, { status: 'exited', exitCode: 137 })
})

test('claim: of 10 at once one may start the container', async t => {
  const container = await make()
  const tries = await Promise.allSettled(Array.from({ length: 10 }, () => claim(container)))
  t.is(tries.filter(({ status }) => status === 'fulfilled').length, 1)
  for (const each of tries) if (each.status === 'rejected') t.is(codeOf(each.reason), 'CONFLICT')
})

test('claim: a container that its maker is about to start is nobody else’s', async t => {
  const container = await make(newStore(), undefined, { watched: true })
  t.is(codeOf(await t.throwsAsync(claim(container))), 'CONFLICT')
})

test('claim: throws NOT_FOUND for a container that was removed meanwhile', async t => {
  const container = await make()
  await removeRecord(container)
  t.is(codeOf(await t.throwsAsync(claim(container))), 'NOT_FOUND')
  t.false(existsSync(container.places.folder))
})

test('claim: whoever was started by the watcher takes over from it', async t => {
  const container = await make(newStore(), undefined, { watched: true })
  t.is((await claim(container, process.pid)).state.watcher?.pid, process.pid)
})

test('removeRemains: drafts and removals go with the process that was at them, and not before', async t => {
  const all = newStore()
  const draft = await openDraft(all)
  const container = await make(all)
  const gone = join(all.containers, nameAtWork('old', container.settings.id))
  renameSync(container.places.folder, gone)
  await removeRemains(all)
  t.true(existsSync(draft.folder) && existsSync(gone))
  const ofTheDead = [draft.folder, gone].map(folder => {
    const another = folder.replace(`-${process.pid}-`, `-${process.pid}-1`)
    renameSync(folder, another)
    return another
  })
  await removeRemains(all)
  t.false(ofTheDead.some(folder => existsSync(folder)))
})

test('readPins: the images of containers, those being made too', async t => {
  const all = newStore()
  await make(all)
  t.deepEqual(
    (await readPins(storePlaces(all.store))).map(({ descriptor }) => descriptor.digest),
    [manifest.digest],
  )
})

test('readRecord: throws STORE_CORRUPT for settings that are no JSON', async t => {
  const container = await make()
  writeFileSync(container.places.settings, '{')
  t.is(codeOf(t.throws(() => readRecord(container.all, container.settings.id))), 'STORE_CORRUPT')
})

test('LogFile: lines as docker writes them, long ones cut, the oldest file let go', async t => {
  const { places } = await make()
  const log = new LogFile(places.log, { bytes: 500, files: 3 })
  log.write('stdout', Buffer.from('one\ntw'))
  log.write('stderr', Buffer.from('err\n'))
  log.write('stdout', Buffer.from('o\nrest'))
  log.close()
  const entries = readFileSync(places.log, 'utf8')
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line))
  t.deepEqual(
    entries.map(({ log, stream }) => [log, stream]),
    [
      ['one\n', 'stdout'],
      ['err\n', 'stderr'],
      ['two\n', 'stdout'],
      ['rest', 'stdout'],
    ],
  )
  const second = new LogFile(places.log, { bytes: 500, files: 3 })
  for (let line = 0; line < 50; line++) second.write('stdout', Buffer.from(`line ${line}\n`))
  second.close()
  t.true(existsSync(`${places.log}.1`) && existsSync(`${places.log}.2`))
  t.false(existsSync(`${places.log}.3`))
  t.is(JSON.parse(readFileSync(places.log, 'utf8').trimEnd().split('\n').at(-1)!).log, 'line 49\n')
})

test('LogFile: a line of 40,000 bytes is three entries of which the last ends it', async t => {
  const { places } = await make()
  const log = new LogFile(places.log)
  log.write('stdout', Buffer.from(`${'x'.repeat(40_000)}\n`))
  log.close()
  const entries = readFileSync(places.log, 'utf8')
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line).log)
  t.deepEqual(
    entries.map((text: string) => text.length),
    [16_384, 16_384, 7233],
  )
})

test('readLogs: all files in order, the last lines, and what lies in a span of time', async t => {
  const container = await make()
  const log = new LogFile(container.places.log, { bytes: 900, files: 3 })
  for (let line = 0; line < 30; line++) log.write('stdout', Buffer.from(`${line}\n`))
  log.close()
  const read = async (options = {}) => {
    const lines: string[] = []
    for await (const entry of readLogs(container, options)) lines.push(entry.log.trim())
    return lines
  }
  const all = await read()
  t.is(all.at(-1), '29')
  t.deepEqual(
    all,
    [...all].sort((a, b) => Number(a) - Number(b)),
  )
  t.deepEqual(await read({ tail: 12 }), all.slice(-12))
  t.deepEqual(await read({ tail: 0 }), [])
  t.deepEqual(await read({ since: Date.now() + 1000 }), [])
  t.deepEqual(await read({ until: 0 }), [])
})

import { closeSync, fstatSync, openSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { fileSource } from '../../src/bytes/file-source.js'
import { indexLayer } from '../../src/layer/index-layer.js'
import { encodeToc } from '../../src/layer/toc-file.js'
import { openStore } from '../../src/store/store.js'
import {
  type ContainerHost,
  deeds,
  noContainers,
  openHost,
  writeAppImage,
} from '../helpers/container-host.js'
import { type Engine, noEngine, startEngine } from '../helpers/engine.js'
import { pipe, run } from '../helpers/programs.js'

const reason = noContainers ?? noEngine
const check = reason === undefined ? test.serial : test.serial.skip
const titled = (title: string) => (reason === undefined ? title : `${title} [skipped: ${reason}]`)

let host: ContainerHost
let engine: Engine
const docker = (...args: readonly string[]): string => run('docker', args, { env: engine.env }).trimEnd()
test.before(async () => {
  if (reason !== undefined) return
  host = openHost('snap-commit')
  engine = await startEngine()
  const image = join(host.folder, 'app.tar')
  await writeAppImage(image)
  host.done('load', '-i', image)
  docker('load', '-i', image)
  // The same done by both.
  for (const run of [host.done, docker])
    run('run', '--name', 'doer', '--network', 'none', '-e', 'A=1', 'app:1', 'sh', '-c', deeds)
})
test.after.always(async () => {
  await host?.close()
  await engine?.stop()
})

/** What only the clock of the two differs in. */
const timeless = (line: string): string => line.replace(/\d{4}-\d\d-\d\d \d\d:\d\d/, 'time')
const listed = (tar: string): readonly string[] =>
  run('tar', ['--numeric-owner', '-tvf', tar]).split('\n').filter(Boolean).map(timeless)

/** The lines of the init layer that docker puts into every container: lading has places to mount on in no export. */
const stubs =
  /\s(?:\.dockerenv|dev\/(?:(?:console|pts\/|shm\/))?|proc\/|sys\/|etc\/(?:hostname|hosts|resolv\.conf|mtab -> \/proc\/mounts))$/

check(titled('diff: the letters are docker’s, in the order of the paths'), t => {
  const ours = host.done('diff', 'doer').split('\n')
  t.deepEqual([...ours].sort(), docker('diff', 'doer').split('\n').sort())
  t.true(
    ['D /srv/opq/a', 'C /srv/keep/k', 'A /srv/kind/deep/x', 'D /srv/gone'].every(line => ours.includes(line)),
  )
})

check(titled('export --bare: entry by entry what docker export gives, without its places to mount on'), t => {
  const [ours, theirs] = ['ours.tar', 'theirs.tar'].map(name => join(host.folder, name)) as [string, string]
  host.done('export', '--bare', 'container:doer', '-o', ours)
  docker('export', 'doer', '-o', theirs)
  t.deepEqual(
    listed(ours),
    listed(theirs).filter(line => !stubs.test(line)),
  )
  t.is(listed(theirs).filter(line => stubs.test(line)).length, 11)
  const contents = (tar: string) => run('sh', ['-c', `tar -xOf ${tar} srv bin/busybox a a-b | sha256sum`])
  t.is(contents(ours), contents(theirs))
})

check(titled('commit: the tree that docker makes of it is that of docker’s own commit'), t => {
  const words = ['-a', 'Ann <a@b>', '-m', 'done', '-c', 'CMD ["serve"]', '-c', 'LABEL a=b', 'doer']
  const { id, layer } = JSON.parse(host.done('commit', '--json', ...words, 'ours:1'))
  docker('commit', ...words, 'theirs:1')
  const from = [process.execPath, 'bin/lading.js', '--store', host.store, 'save', 'ours:1']
  pipe(from, ['docker', 'load'], engine.env)
  t.is(docker('image', 'inspect', '-f', '{{.Id}}', 'ours:1'), id)
  const trees = ['ours', 'theirs'].map(name => {
    docker('create', '--name', name, `${name}:1`, 'x')
    docker('export', name, '-o', join(host.folder, `${name}-tree.tar`))
    return listed(join(host.folder, `${name}-tree.tar`))
  })
  t.deepEqual(trees[0], trees[1])
  const inspected = (name: string) => {
    const [image] = JSON.parse(docker('image', 'inspect', name))
    const { Env, Cmd, Labels, Entrypoint } = image.Config
    return { Env, Cmd, Labels, Entrypoint, Author: image.Author, Comment: image.Comment }
  }
  t.deepEqual(inspected('ours:1'), inspected('theirs:1'))
  const history = (name: string) =>
    docker('history', '--no-trunc', '--format', '{{.CreatedBy}}|{{.Comment}}', name).split('\n')[0]
  t.is(history('ours:1'), history('theirs:1'))

  const names = run('tar', ['-tf', join(host.store, 'blobs/sha256', layer.diffId.slice(7))]).split('\n')
  t.true(['srv/.wh.gone', 'srv/opq/.wh..wh..opq', 'bin/.wh.yes'].every(name => names.includes(name)))
  t.false(names.some(name => name.includes('srv/opq/.wh.a') || name.includes('srv/gone/')))
})

check(titled('commit: the table of contents of the same pass is that of the finished layer'), async t => {
  const { layer } = JSON.parse(host.done('commit', '--json', 'doer'))
  const path = join(host.store, 'blobs/sha256', layer.diffId.slice(7))
  const fd = openSync(path, 'r')
  const anew = await indexLayer(fileSource({ fd, offset: 0, length: fstatSync(fd).size }))
  closeSync(fd)
  const kept = await (await openStore(host.store)).source().tocOf!(layer.diffId)
  t.true(encodeToc(kept!).equals(encodeToc(anew)))
  t.is(anew.length, layer.entries)
})

check(
  titled('commit: a running container stands still meanwhile and goes on, a paused one stays paused'),
  async t => {
    await host.running('up', [], 'echo up >/up')
    const { layer } = JSON.parse(host.done('commit', '--json', 'up', 'up:1'))
    t.true(layer.entries >= 2)
    t.notRegex(host.done('ps'), /Paused/)
    host.done('pause', 'up')
    host.done('commit', '-m', 'paused', 'up')
    t.regex(host.done('ps'), /\(Paused\)/)
    host.done('unpause', 'up')
    host.done('commit', '--pause=false', 'up')
    host.done('commit', '-c', 'ENTRYPOINT ["e"]', 'up', 'entry:1')
    const entry = host.done('inspect', 'entry:1')
    t.regex(entry, /Entrypoint +\["e"\]/)
    t.notRegex(entry, / Cmd /)
    const { status, stderr } = host.lading('commit', '-c', 'RUN x', 'up')
    t.is(status, 2, stderr)
    host.done('rm', '-f', 'up')
  },
)

check(titled('commit: of a container that has changed nothing there is no new layer'), t => {
  host.done('run', '--name', 'idle', '--network', 'none', 'app:1', 'true')
  const made = JSON.parse(host.done('commit', '--json', '-m', 'nothing', 'idle', 'idle:1'))
  t.is(made.layer, undefined)
  writeFileSync(join(host.folder, 'id'), made.id)
  t.regex(host.done('history', 'idle:1'), /nothing/)
})

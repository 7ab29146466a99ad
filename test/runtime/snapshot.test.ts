import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import type { Loss } from '../../src/image/loss.js'
import { type ContainerHost, deeds, noHosts, openHost, writeAppImage } from '../helpers/container-host.js'
import { containerListing } from '../helpers/container-listing.js'
import { pipe, run } from '../helpers/programs.js'
import { listingDifferences } from '../helpers/tree-listing.js'

// Two hosts, each with a store and a network namespace of its own: a snapshot goes from one to the other.
const check = noHosts === undefined ? test.serial : test.serial.skip
const titled = (title: string) => (noHosts === undefined ? title : `${title} [skipped: ${noHosts}]`)

let here: ContainerHost
let there: ContainerHost
let archive: string
test.before(async () => {
  if (noHosts !== undefined) return
  here = openHost('snap-here', { ownNetwork: true })
  there = openHost('snap-there', { ownNetwork: true })
  const image = join(here.folder, 'app.tar')
  await writeAppImage(image)
  here.done('load', '-i', image)
  archive = join(here.folder, 'c.tar')
})
test.after.always(async () => {
  await here?.close()
  await there?.close()
})

/** Attributes that busybox cannot set. */
const setAttributes = (root: string) =>
  run('python3', [
    '-c',
    `import os,sys
os.chdir(sys.argv[1])
os.setxattr('srv/fresh/deep/file','user.note',b'yes\\0no')
os.setxattr('srv/keep/k','trusted.note',b'of root')
os.setxattr('srv/keep','user.folder',b'1')
os.utime('srv/fresh/old',ns=(1,1700000000123456789))
open(b'srv/fresh/name \\xff\\n','w').write('odd')`,
    root,
  ])

const own = ['id', 'name', 'created', 'place', 'volume', 'log', 'folder', 'volumes']
/** The settings without what is each container's own. */
const settingsOf = (host: ContainerHost, name: string): unknown => {
  const { state: _, ...settings } = host.inspected(name)
  return JSON.parse(JSON.stringify(settings, (key, value) => (own.includes(key) ? undefined : value)))
}

check(
  titled(
    'snapshot and restore: files, settings and environment are the same on another host, and it goes on',
  ),
  async t => {
    const script = `${deeds}\necho $A >/said; echo kept >/data/kept; ln /data/kept /data/again`
    await here.running(
      'web',
      ['-e', 'A=a b', '-l', 'k=v', '-w', '/srv', '-v', 'things:/data', '-v', '/anonymous', '-m', '64m'],
      script,
    )
    setAttributes(here.rootOf('web'))
    const { stderr } = here.lading('snapshot', 'web', '-o', archive)
    t.regex(stderr, /Lost: process of web/)
    t.regex(stderr, /^(?!.*Lost: volume)/s)
    const was = containerListing(here.rootOf('web'))
    t.regex(here.done('ps'), /Up (?!.*Paused).*web/, 'it goes on')

    there.done('restore', archive)
    const changes = (host: ContainerHost) => host.done('diff', 'web').split('\n')
    t.deepEqual(changes(there), changes(here))
    t.deepEqual(settingsOf(there, 'web'), settingsOf(here, 'web'))
    there.done('start', 'web')
    const is = containerListing(there.rootOf('web'))
    // The time of the root, which each mount and each start changes, is in no layer.
    t.deepEqual(listingDifferences(is, { ...was, '.': { ...was['.'], mtime: is['.']!.mtime } }), [])
    t.true(Object.keys(is).length > 300 && is['srv/fresh/deep/file']!.same !== undefined)
    t.false('srv/opq/a' in is || 'srv/gone' in is || 'bin/yes' in is)
    for (const name of ['env', 'pwd'])
      t.is(there.done('exec', 'web', name), here.done('exec', 'web', name), name)
    t.is(there.done('exec', 'web', 'cat', '/said', '/data/again'), 'a b\nkept')
  },
)

check(titled('restore: a program that counts goes on from where the snapshot found it'), async t => {
  const count =
    'n=$(cat /count 2>/dev/null || echo 0); while :; do n=$((n+1)); echo $n >/new; mv /new /count; done'
  here.done('run', '-d', '--name', 'counter', '--network', 'none', 'app:1', 'sh', '-c', count)
  const number = (host: ContainerHost) =>
    Number(host.lading('exec', 'counter', 'cat', '/count').stdout || '0')
  while (number(here) < 50);
  here.done('snapshot', 'counter', '-o', archive)
  const later = number(here)
  here.done('rm', '-f', 'counter')
  there.done('restore', archive)
  const [kept] = there.done('cat', 'container:counter', '/count').split('\n').map(Number)
  t.true(kept! >= 50 && kept! <= later, `${kept}, then ${later}`)
  there.done('start', 'counter')
  while (number(there) <= kept!);
  t.is(there.done('wait', there.done('kill', 'counter')), '137')
  there.done('rm', 'counter')
})

check(
  titled('snapshot --thin | restore -: the image has to be there, and nothing is left where it is not'),
  t => {
    here.done('run', '--name', 'thin', '--network', 'none', 'app:1', 'sh', '-c', 'echo thin >/srv/thin')
    const away = openHost('snap-away')
    const from = ['nsenter', '--net=/run/netns/snap-here', process.execPath, 'bin/lading.js']
    const restore = (store: string) =>
      pipe(
        [...from, '--store', here.store, 'snapshot', '--thin', 'thin'],
        [process.execPath, 'bin/lading.js', '--store', store, 'restore', '-'],
      )
    t.throws(() => restore(away.store), {
      message: /1 of the 2 layers|2 of the 2 layers.*load that image first/,
    })
    t.deepEqual(remains(away), [])
    there.done('load', '-i', join(here.folder, 'app.tar'))
    restore(there.store)
    t.is(there.done('cat', 'container:thin', '/srv/thin'), 'thin')
    t.throws(() => restore(there.store), { message: /name "\/thin" is already in use/ })
    t.is(there.done('ps', '-aq', '--filter', 'name=thin').split('\n').length, 1)
    rmSync(away.folder, { recursive: true })
  },
)

/** What there is of containers in a store. */
const remains = ({ store }: ContainerHost): readonly string[] =>
  ['containers', 'container-names', 'volumes'].flatMap(name => {
    try {
      return readdirSync(join(store, name))
    } catch {
      return []
    }
  })

check(
  titled('snapshot, restore: what is left out is told by name, and a volume of that name is not touched'),
  async t => {
    const socket = `import socket,sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1]+'/srv/socket')`
    await here.running(
      'lossy',
      ['-v', 'first:/data', '-v', '/other', '--tmpfs', '/ram', '-v', `${here.folder}:/host:ro`],
      'echo one >/data/one; exec 7>/gone; rm /gone; echo >&7',
    )
    run('python3', ['-c', socket, here.rootOf('lossy')])
    const { loss } = JSON.parse(here.done('snapshot', '--no-volumes', 'lossy', '-o', archive, '--json')) as {
      loss: readonly Loss[]
    }
    const told = Object.fromEntries(loss.map(({ what, count }) => [what, count]))
    t.deepEqual(
      told,
      { 'bind-mount': 1, volume: 2, process: 1, 'unlinked-file': 1, tmpfs: 1, log: 1, socket: 1 },
      JSON.stringify(loss),
    )
    t.regex(loss.find(({ what }) => what === 'volume')!.why, /first \(\/data\), \/other/)
    t.deepEqual(JSON.parse(here.done('snapshot', 'lossy', '-o', archive, '--json')).volumes.length, 2)
    here.done('snapshot', '--no-volumes', 'lossy', '-o', archive)
    here.done('rm', '-f', 'lossy')
    const { stderr } = here.lading('restore', archive)
    t.regex(stderr, /Warning: There is a volume first already: the container's is called first-[0-9a-f]{8}/)
    t.regex(stderr, new RegExp(`Warning: It will have ${here.folder} of this host at /host`))
    t.regex(stderr, /Lost: volume of lossy.*without the files of first \(\/data\), \/other/)
    here.done('start', 'lossy')
    t.is(
      here.done('run', '--rm', '-v', 'first:/data', '--network', 'none', 'app:1', 'cat', '/data/one'),
      'one',
    )
    here.done('rm', '-f', 'lossy')
  },
)

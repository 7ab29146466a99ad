import { mkdtemp, open, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import {
  hostnameText,
  hostsText,
  hostsTextOfHost,
  updateHostsFile,
  withNeighbours,
} from '../../src/runtime/network/hosts.js'
import { resolvConfText } from '../../src/runtime/network/resolv-conf.js'

const always = [
  '127.0.0.1\tlocalhost',
  '::1\tlocalhost ip6-localhost ip6-loopback',
  'fe00::0\tip6-localnet',
  'ff00::0\tip6-mcastprefix',
  'ff02::1\tip6-allnodes',
  'ff02::2\tip6-allrouters',
  '',
].join('\n')

let folder = ''
test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lading-hosts-'))
})
test.after.always(() => rm(folder, { recursive: true, force: true }))

test('hostsText: the lines that docker writes, in its order', t => {
  t.is(hostsText({ hostname: 'c1', extraHosts: [] }), always)
  t.is(
    hostsText({ hostname: 'c1', address: '10.83.0.2', extraHosts: [['192.0.2.7', 'db']] }),
    `${always}192.0.2.7\tdb\n10.83.0.2\tc1\n`,
  )
  t.is(
    hostsText({ hostname: 'c1.example.org', address: '10.83.0.2', extraHosts: [] }),
    `${always}10.83.0.2\tc1.example.org c1\n`,
  )
  t.is(hostnameText('c1'), 'c1\n')
})

test('hostsTextOfHost: the file of the host as it is, unless names were added', t => {
  t.is(hostsTextOfHost('127.0.0.1 me\n', []), '127.0.0.1 me\n')
  t.is(hostsTextOfHost('127.0.0.1 me\n', [['192.0.2.7', 'db']]), `${always}192.0.2.7\tdb\n`)
})

test('withNeighbours: a block that comes, changes and goes, and nothing else does', t => {
  const two = withNeighbours(always, [
    { address: '10.83.0.3', names: ['web', 'w.example.org'] },
    { address: '10.83.0.4', names: [] },
    { address: '10.83.0.5', names: ['db'] },
  ])
  t.is(
    two,
    `${always}# Other containers on this network\n10.83.0.3\tweb w.example.org\n10.83.0.5\tdb\n# End of other containers\n`,
  )
  const own = `${two}192.0.2.1\tmine`
  t.is(withNeighbours(own, []), `${always}192.0.2.1\tmine`)
  t.is(
    withNeighbours(own, [{ address: '10.83.0.9', names: ['x'] }]),
    `${always}192.0.2.1\tmine\n# Other containers on this network\n10.83.0.9\tx\n# End of other containers\n`,
  )
  t.is(withNeighbours(always, []), always)
})

test('updateHostsFile: the file stays the same file, shorter or longer; no file and no link are touched', async t => {
  const path = join(folder, 'hosts')
  await writeFile(path, always)
  const seen = await open(path, 'r')
  const many = Array.from({ length: 40 }, (_, at) => ({ address: `10.83.0.${at + 3}`, names: [`c${at}`] }))
  for (const neighbours of [many, many.slice(0, 1), [], many.slice(0, 2), []]) {
    updateHostsFile(path, neighbours)
    t.is(await readFile(path, 'utf8'), withNeighbours(always, neighbours))
    t.is((await stat(path)).ino, (await seen.stat()).ino)
  }
  await seen.close()
  updateHostsFile(join(folder, 'none'), many)
  await symlink(path, join(folder, 'link'))
  t.throws(() => updateHostsFile(join(folder, 'link'), many), { code: 'ELOOP' })
  t.is(await readFile(path, 'utf8'), always)
})

test('resolvConfText: on the host and without a network the text of the host', t => {
  const host = '# made by hand\nnameserver 127.0.0.53\noptions edns0 trust-ad\nsearch example.org\n'
  t.is(resolvConfText(host, { mode: 'host' }), host)
  t.is(resolvConfText(host, { mode: 'none' }), host)
})

test('resolvConfText: on the bridge no server on loopback or by IPv6, and docker’s two where none is left', t => {
  const bridge = { mode: 'bridge' } as const
  t.is(
    resolvConfText('search a b\nnameserver 127.0.0.1\nnameserver 192.0.2.1\nnameserver fd00::1\n', bridge),
    'search a b\nnameserver 192.0.2.1\n',
  )
  t.is(
    resolvConfText('search a\nnameserver 127.0.1.1\nnameserver ::1', bridge),
    'search a\nnameserver 8.8.8.8\nnameserver 8.8.4.4\n',
  )
  t.is(resolvConfText('', bridge), 'nameserver 8.8.8.8\nnameserver 8.8.4.4\n')
})

test('resolvConfText: what the user gives replaces each kind; order search, servers, options', t => {
  const host = 'nameserver 127.0.0.1\nnameserver 192.0.2.1\noptions ndots:2\nsearch old\nsearch a b\n'
  t.is(
    resolvConfText(host, { mode: 'bridge', servers: ['127.0.0.1', '9.9.9.9'] }),
    'search a b\nnameserver 127.0.0.1\nnameserver 9.9.9.9\noptions ndots:2\n',
  )
  t.is(
    resolvConfText(host, { mode: 'bridge', search: ['x'], options: ['rotate'] }),
    'search x\nnameserver 192.0.2.1\noptions rotate\n',
  )
  t.is(
    resolvConfText(host, { mode: 'host', search: ['.'] }),
    'nameserver 127.0.0.1\nnameserver 192.0.2.1\noptions ndots:2\n',
  )
})

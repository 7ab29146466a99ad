/** The bridge with real links, namespaces and rules of the kernel. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, readFile, readlink, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { launch } from '../../src/runtime/launcher/launch.js'
import type { Program } from '../../src/runtime/launcher/program.js'
import { subnetText } from '../../src/runtime/network/address.js'
import { attachHostSide, insideSteps, linkNameOf, orderSize } from '../../src/runtime/network/attach.js'
import { closeNetwork, openNetwork } from '../../src/runtime/network/bridge.js'
import { joinNetwork, leaveNetwork, pruneNetwork, renameInNetwork } from '../../src/runtime/network/join.js'
import {
  addAddress,
  addBridge,
  deleteLink,
  getLink,
  listAddresses,
  listLinks,
} from '../../src/runtime/network/links.js'
import { readAddress, readLink } from '../../src/runtime/network/netlink-answer.js'
import { withNetlink } from '../../src/runtime/network/netlink-socket.js'
import type { BridgeNetwork } from '../../src/runtime/network/network.js'
import { readLeases } from '../../src/runtime/network/pool.js'
import { LadingError } from '../../src/spec/errors.js'
import type { HostReport } from '../helpers/network-host.js'
import { attempt, has, isRoot, run } from '../helpers/programs.js'

const pingProgram = has('ping') ? 'ping' : 'busybox'
/** One packet, one second. */
const pingCall = [...(has('ping') ? ['ping'] : ['busybox', 'ping']), '-c', '1', '-W', '1'] as const
const wanting = !isRoot
  ? 'needs root'
  : ['unshare', 'nsenter', 'ip', pingProgram]
      .filter(program => !has(program))
      .map(program => `needs ${program}`)[0]
const kernelTest = (title: string, body: (t: ExecutionContext) => unknown): void => {
  if (wanting) test.skip(`${title} (skipped: ${wanting})`, body)
  else test.serial(title, body)
}

const idOf = (at: number): string => at.toString(16).padStart(12, 'a').padEnd(64, '0')

const scratch: string[] = []
const holders: ChildProcess[] = []
const networks: BridgeNetwork[] = []
const folderOf = async (): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'lading-network-'))
  scratch.push(folder)
  return folder
}
test.after.always(async () => {
  for (const holder of holders) holder.kill('SIGKILL')
  for (const network of networks) {
    await pruneNetwork(network, async () => new Set())
    await closeNetwork(network)
  }
  for (const folder of scratch) await rm(folder, { recursive: true, force: true })
})

/** A name of this process's own, so that tests can run at one time. */
const bridgeName = (at: number): string => `ldt${at}-${process.pid}`

const open = async (at: number, folder?: string): Promise<BridgeNetwork> => {
  const { network, notes } = await openNetwork(folder ?? (await folderOf()), bridgeName(at))
  if (has('iptables')) if (notes.length > 0) throw new Error(notes.join())
  networks.push(network)
  return network
}

/** A process in a network namespace of its own. */
const holdNamespace = async (): Promise<ChildProcess & { pid: number }> => {
  const holder = spawn('unshare', ['-n', 'sleep', '600'], { stdio: 'ignore' })
  holders.push(holder)
  const own = await readlink('/proc/self/ns/net')
  while ((await readlink(`/proc/${holder.pid}/ns/net`)) === own) await sleep(2)
  return holder as ChildProcess & { pid: number }
}

/** The container's side of attaching, by the launcher, in the namespace of `pid`; the failure in words. */
const carryOut = async (pid: number, order?: Buffer): Promise<string> => {
  const namespace = { slot: 1 }
  const program: Program = [
    {
      kind: 'call',
      name: 'open the namespace',
      call: 'openat',
      args: [-100, `/proc/${pid}/ns/net`, 0],
      save: namespace,
    },
    { kind: 'call', name: 'enter the namespace', call: 'setns', args: [namespace, 0] },
    ...insideSteps({ first: { slot: 2 }, second: { slot: 3 } }),
    { kind: 'exit', status: 0 },
  ]
  const launched = await launch(program, {
    stdio: ['ignore', 'ignore', 'inherit'],
    folder: await folderOf(),
  })
  if (order) launched.order(order)
  launched.closeOrders()
  const failure = await launched.failure
  return failure ? `${failure.step}: ${failure.errno}` : ''
}

const tenantOf = (folder: string, id: string) => ({
  id,
  names: [`name-${id.slice(0, 12)}`],
  hostsFile: join(folder, `hosts-${id}`),
})

const start = async (network: BridgeNetwork, at: number) => {
  const id = idOf(at)
  const holder = await holdNamespace()
  const tenant = tenantOf(network.folder, id)
  const lease = await joinNetwork(network, tenant, { hostname: `h${at}`, extraHosts: [] })
  const order = await attachHostSide(network, lease, holder.pid)
  return { id, holder, tenant, lease, order }
}

const inNamespace = (pid: number, ...args: string[]) => attempt('nsenter', ['-t', String(pid), '-n', ...args])
const pings = (pid: number, address: string): boolean => inNamespace(pid, ...pingCall, address).status === 0

kernelTest('netlink: what it makes, ip sees, and what it lists is what ip lists', async t => {
  const name = bridgeName(9)
  try {
    await withNetlink(netlink => {
      netlink.change(addBridge(name))
      t.is(netlink.change(addBridge(name), ['EEXIST']), 'EEXIST')
      const [link] = netlink.query(getLink(name)).map(readLink)
      t.is(link?.kind, 'bridge')
      netlink.change(addAddress(link!.index, 0x0a5300fe, { base: 0x0a530000, prefix: 24 }))
      const addresses = netlink.query(listAddresses).map(readAddress)
      t.deepEqual(
        addresses.filter(address => address.index === link!.index),
        [{ index: link!.index, address: '10.83.0.254', prefix: 24 }],
      )
      t.regex(run('ip', ['-4', 'address', 'show', name]), /inet 10\.83\.0\.254\/24 brd 10\.83\.0\.255/)
      t.true(
        netlink
          .query(listLinks)
          .map(readLink)
          .some(link => link.name === 'lo' && link.up),
      )
      netlink.change(deleteLink(name))
      t.deepEqual(netlink.query(getLink(name)), [])
      t.is(netlink.change(deleteLink(name), ['ENODEV']), 'ENODEV')
    })
  } finally {
    attempt('ip', ['link', 'delete', name])
  }
})

kernelTest('netlink: a refusal says what was asked for, the errno and the kernel’s words', async t => {
  const error = await t.throwsAsync(
    withNetlink(netlink => netlink.change(addBridge('a-name-of-more-than-15-bytes'))),
    { instanceOf: LadingError },
  )
  t.is(error?.code, 'NETWORK')
  t.regex(error?.message ?? '', /^Cannot add bridge a-name-of-more-than-15-bytes: ERANGE \(.+\)$/)
  t.is(error?.data.errno, 'ERANGE')
})

kernelTest(
  'openNetwork: a bridge that is up, its first address, a subnet of its own; the same again',
  async t => {
    const folder = await folderOf()
    const before = run('ip', ['route'])
    const network = await open(1, folder)
    const shown = run('ip', ['address', 'show', network.bridge])
    const subnet = subnetText(network.subnet)
    t.regex(shown, /[<,]UP[,>]/)
    t.true(shown.includes(`inet ${subnet.replace('.0/', '.1/')}`), shown)
    t.regex(shown, /link\/ether 02:42:/)
    t.false(before.includes(subnet.replace(/\.0\/.*/, '')))
    t.deepEqual((await openNetwork(folder, 'another')).network, network)
    // As after a reboot.
    run('ip', ['link', 'delete', network.bridge])
    t.deepEqual((await openNetwork(folder)).network, network)
    t.true(run('ip', ['address', 'show', network.bridge]).includes(subnet.replace('.0/', '.1/')))
  },
)

kernelTest(
  'openNetwork: many at once, of one folder and of others, agree on the bridge and not on the subnet',
  async t => {
    const folders = await Promise.all([1, 2, 3].map(folderOf))
    const opened = await Promise.all([...folders, ...folders].map(folder => open(2, folder)))
    t.is(new Set(opened.map(network => subnetText(network.subnet))).size, 3)
    t.is(new Set(opened.map(network => network.id)).size, 3)
    for (const [at, network] of opened.slice(3).entries()) t.deepEqual(network, opened[at])
  },
)

kernelTest('openNetwork: a name that is too long or that of something else is refused', async t => {
  const name = bridgeName(3)
  t.is(
    (await t.throwsAsync(openNetwork(await folderOf(), 'x'.repeat(16)), { instanceOf: LadingError }))?.code,
    'USAGE',
  )
  run('ip', ['link', 'add', name, 'type', 'veth'])
  try {
    await t.throwsAsync(openNetwork(await folderOf(), name), {
      message: `Cannot use ${name} as a bridge: found a link of kind veth`,
    })
  } finally {
    run('ip', ['link', 'delete', name])
  }
})

kernelTest(
  'attach: two containers reach each other, the host and names; what is not there is not reached',
  async t => {
    const network = await open(4)
    const one = await start(network, 0x41)
    const two = await start(network, 0x42)
    t.is(one.order.length, orderSize)
    t.is(await carryOut(one.holder.pid, one.order), '')
    t.is(await carryOut(two.holder.pid, two.order), '')
    t.true(pings(one.holder.pid, two.lease.address))
    t.true(pings(two.holder.pid, one.lease.address))
    t.true(pings(one.holder.pid, one.lease.gateway))
    t.is(attempt(pingCall[0], [...pingCall.slice(1), one.lease.address]).status, 0)
    t.false(pings(one.holder.pid, one.lease.address.replace(/\d+$/, '200')))

    const shown = inNamespace(one.holder.pid, 'ip', 'address', 'show', 'eth0').stdout
    t.true(shown.includes(`link/ether ${one.lease.mac}`))
    t.true(shown.includes(`inet ${one.lease.address}/${network.subnet.prefix} brd `))
    t.false(shown.includes('inet6'))
    t.is(
      inNamespace(one.holder.pid, 'ip', 'route').stdout.split('\n')[0]?.trim(),
      `default via ${one.lease.gateway} dev eth0`,
    )
    t.regex(
      run('ip', ['link', 'show', linkNameOf(one.id)]),
      new RegExp(`master ${network.bridge} .*state UP`),
    )

    t.true(
      (await readFile(one.tenant.hostsFile, 'utf8')).includes(
        `\n${two.lease.address}\t${two.tenant.names[0]}\n`,
      ),
    )
    t.true(
      (await readFile(two.tenant.hostsFile, 'utf8')).includes(
        `\n${one.lease.address}\t${one.tenant.names[0]}\n`,
      ),
    )
    await renameInNetwork(network, { ...one.tenant, names: ['other'] })
    t.true((await readFile(two.tenant.hostsFile, 'utf8')).includes(`\n${one.lease.address}\tother\n`))

    await leaveNetwork(network, one.id)
    t.not(attempt('ip', ['link', 'show', linkNameOf(one.id)]).status, 0)
    t.false((await readFile(two.tenant.hostsFile, 'utf8')).includes('other'))
    await leaveNetwork(network, one.id)
    t.deepEqual(
      readLeases(network).map(lease => lease.tenant.id),
      [two.id],
    )
  },
)

kernelTest(
  'attach: a link of the same container that was left is replaced; a process that is gone is told',
  async t => {
    const network = await open(5)
    const first = await start(network, 0x51)
    const again = await holdNamespace()
    const order = await attachHostSide(network, first.lease, again.pid)
    t.is(await carryOut(again.pid, order), '')
    t.true(pings(again.pid, first.lease.gateway))
    await leaveNetwork(network, first.id)
    const error = await t.throwsAsync(attachHostSide(network, first.lease, 2 ** 22 + 1), {
      instanceOf: LadingError,
    })
    t.is(error?.data.errno, 'ESRCH')
  },
)

kernelTest('insideSteps: the step that fails says what is missing', async t => {
  const network = await open(6)
  const { holder, order } = await start(network, 0x61)
  t.is(await carryOut(holder.pid), 'have a default route by eth0: ENETUNREACH', 'no order')
  t.is(await carryOut(holder.pid, order), '')
  const empty = await holdNamespace()
  t.is(await carryOut(empty.pid, order), 'have an address on eth0: EADDRNOTAVAIL', 'no link')
  run('nsenter', ['-t', String(holder.pid), '-n', 'ip', 'route', 'delete', 'default'])
  const withoutMessages = Buffer.from(order).fill(0, 0, orderSize - 16)
  t.is(await carryOut(holder.pid, withoutMessages), 'have a default route by eth0: ENETUNREACH', 'no route')
})

kernelTest(
  'pruneNetwork: what dead containers left goes, what lives and what another folder has stays',
  async t => {
    const network = await open(7)
    const other = await open(7, await folderOf())
    const living = await start(network, 0x71)
    const dead = await start(network, 0x72)
    const foreign = await start(other, 0x73)
    const pruned = await pruneNetwork(network, async () => new Set([living.id]))
    t.deepEqual(pruned, { links: [linkNameOf(dead.id)], addresses: [dead.lease.address] })
    t.not(attempt('ip', ['link', 'show', linkNameOf(dead.id)]).status, 0)
    for (const { id } of [living, foreign]) t.is(attempt('ip', ['link', 'show', linkNameOf(id)]).status, 0)
    t.deepEqual(await pruneNetwork(network, async () => new Set([living.id])), { links: [], addresses: [] })
  },
)

kernelTest(
  'allowOut: containers reach what is beyond the host by its address, and nobody there reaches them',
  async t => {
    if (!has('iptables') && !has('nft')) return t.pass('there is neither iptables nor nft')
    // Three hosts: a container, its host, and one outside that knows no way to the container's subnet, then one.
    const [container, host, outside] = [await holdNamespace(), await holdNamespace(), await holdNamespace()]
    const ip = (pid: number, command: string) =>
      run('nsenter', ['-t', `${pid}`, '-n', 'ip', ...command.split(' ')])
    ip(host.pid, 'link set lo up')
    ip(host.pid, `link add upward type veth peer name downward netns ${outside.pid}`)
    ip(host.pid, 'address add 198.18.0.1/24 dev upward')
    ip(host.pid, 'link set upward up')
    ip(outside.pid, 'address add 198.18.0.2/24 dev downward')
    ip(outside.pid, 'link set downward up')
    ip(host.pid, 'route add default via 198.18.0.2')
    const forwards = () => inNamespace(host.pid, 'cat', '/proc/sys/net/ipv4/ip_forward').stdout.trim()
    run('nsenter', ['-t', `${host.pid}`, '-n', 'sh', '-c', 'echo 0 > /proc/sys/net/ipv4/ip_forward'])

    const program = join(import.meta.dirname, '../helpers/network-host.js')
    const call = [program, await folderOf(), bridgeName(10), String(container.pid)]
    const said = run('nsenter', ['-t', `${host.pid}`, '-n', process.execPath, ...call])
    const report = JSON.parse(said) as HostReport
    t.deepEqual(report.notes, [])
    t.is(await carryOut(container.pid, Buffer.from(report.order, 'base64')), '')
    t.is(forwards(), '1')
    t.true(pings(container.pid, '198.18.0.2'))
    t.true(pings(host.pid, report.address))
    ip(outside.pid, 'route add default via 198.18.0.1')
    t.false(pings(outside.pid, report.address))
  },
)

kernelTest('a killed container: its link goes by itself, its address when it is pruned', async t => {
  const network = await open(8)
  const { id, holder, lease } = await start(network, 0x81)
  holder.kill('SIGKILL')
  for (let waited = 0; attempt('ip', ['link', 'show', linkNameOf(id)]).status === 0; waited++) {
    t.true(waited < 100)
    await sleep(50)
  }
  t.is(readLeases(network)[0]?.address, lease.address)
  await pruneNetwork(network, async () => new Set())
  t.deepEqual(readLeases(network), [])
})

test('linkNameOf: at most 15 bytes, all that the kernel takes', t => {
  t.is(linkNameOf('0123456789abcdef'.repeat(4)), 'ldg0123456789ab')
  t.true(linkNameOf('f'.repeat(64)).length <= 15)
})
